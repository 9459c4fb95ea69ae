import type { Background } from "../concurrency/background.ts";
import type { VerifiedIdentityChanged } from "../crypto/room-encryptor.ts";
import type { Flow } from "../crypto/verification-messages.ts";
import type { Lease } from "../leases/leases.ts";
import { partnerIn } from "./direct-chat.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import type { GhostServices } from "./ghost-services.ts";

/** The services for notices of trust. */
type TrustEventsServices = Pick<
  GhostServices,
  "client" | "log" | "notices" | "rooms" | "memberships" | "trustNotices" | "verification"
>;

/** Tells a room about changes of trust: a changed identity, an unsigned device, a finished verification. */
export class TrustEvents {
  readonly #ghost: GhostHandle;
  readonly #services: TrustEventsServices;
  readonly #background: Background;

  constructor(ghost: GhostHandle, services: TrustEventsServices, background: Background) {
    this.#ghost = ghost;
    this.#services = services;
    this.#background = background;
  }

  async silenced(roomId: string, { userIds }: VerifiedIdentityChanged, lease: Lease): Promise<void> {
    const { trustNotices, notices, rooms } = this.#services;
    this.#ghost.log.error(
      { room: roomId, users: userIds },
      "the agent is silent here: a verified identity has changed",
    );
    for (const userId of userIds) {
      const content = await notices.silenced(this.#ghost, roomId, userId);
      // In a room with nobody else it repeats the notice about the unread message.
      const isAlone = (await rooms.soleCompanion(roomId, this.#ghost.userId)) === userId;
      const unlessTold = isAlone ? (["verified_identity_changed"] as const) : [];
      await trustNotices.tell(this.#ghost, lease, { roomId, userId, why: "silenced", content, unlessTold });
    }
  }

  async unsigned(roomId: string, lease: Lease): Promise<void> {
    const { trustNotices, notices } = this.#services;
    this.#ghost.log.error({ room: roomId }, "the agent is silent here: its device is not signed by its identity");
    const content = await notices.unsigned(this.#ghost, roomId);
    await trustNotices.tell(this.#ghost, lease, { roomId, userId: this.#ghost.userId, why: "agent_unsigned", content });
  }

  /** A person who is verified now may have been told before that they are not trusted. */
  async verified(flow: Flow, cancelled: string | undefined): Promise<void> {
    if (cancelled !== undefined) return;
    const { trustNotices, notices, verification } = this.#services;
    await trustNotices.forget(flow.userId);
    if (verification !== "accept") return;
    const roomId = flow.roomId ?? (await this.#directRoomWith(flow.userId));
    if (roomId === undefined) return;
    const content = await notices.verifiedUnseen(this.#ghost, roomId);
    this.#background.run("verification notice", () =>
      this.#ghost
        .send(roomId, "m.room.message", content, `verified ${flow.flowId}`, { form: "of_room" })
        .then(() => undefined),
    );
  }

  /** A direct chat with a person, as far as known. */
  async #directRoomWith(person: string): Promise<string | undefined> {
    for (const roomId of await this.#services.memberships.calledDirectWith(this.#ghost.userId, person)) {
      if ((await partnerIn(this.#services, this.#ghost.userId, roomId)) === person) return roomId;
    }
    return undefined;
  }
}
