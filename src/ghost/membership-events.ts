import type { Queryable } from "../database/database.ts";
import { joinedRooms, roomType } from "../homeserver/room-calls.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";
import type { MailItem } from "../mailbox/mail-item.ts";
import type { Logger } from "../observability/log.ts";
import { isRetryable } from "../observability/retryable.ts";
import { SPACE } from "../matrix/invite-state.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { Greeting } from "./greeting.ts";
import type { Invites } from "./invites.ts";
import { done, type ItemResult } from "./item-result.ts";
import type { LoadedGhost } from "./loaded-ghost.ts";
import { mayBePast, membershipChange } from "./membership-change.ts";
import { tellOfNoDevice } from "./no-device-notice.ts";
import { combined, type Outcome } from "./outcome.ts";
import { auditOfMembership, inviterOf } from "./own-membership.ts";
import type { Sender } from "./sender.ts";
import { saidSinceInvite } from "./since-invite.ts";

/** The services for handling a ghost's own memberships. */
export type MembershipEventsServices = Pick<
  GhostServices,
  "audit" | "client" | "handler" | "mailbox" | "outbox" | "memberships" | "mode" | "notices" | "trustNotices"
>;

/** Handles invites to a ghost, its joins and its leaves. */
export class MembershipEvents {
  readonly #ghost: GhostHandle;
  readonly #services: MembershipEventsServices;
  readonly #sender: Pick<Sender, "meet" | "view">;
  readonly #greeting: Greeting;
  readonly #invites: Invites;
  readonly #greetingWaits: () => void;

  /** @param parts.greetingWaits called when somebody can't read a greeting yet. */
  constructor(
    ghost: GhostHandle,
    services: MembershipEventsServices,
    parts: {
      readonly sender: Pick<Sender, "meet" | "view">;
      readonly greeting: Greeting;
      readonly invites: Invites;
      readonly greetingWaits: () => void;
    },
  ) {
    this.#ghost = ghost;
    this.#services = services;
    this.#sender = parts.sender;
    this.#greeting = parts.greeting;
    this.#invites = parts.invites;
    this.#greetingWaits = parts.greetingWaits;
  }

  /** Handles a ghost's own membership event. Throws temporary errors. */
  async handle(item: MailItem, loaded: LoadedGhost): Promise<ItemResult> {
    const { event } = item;
    const { audit } = this.#services;
    const roomId = event.room_id;
    const entry = auditOfMembership(this.#ghost.userId, event);
    const note: Outcome = { store: entry && ((tx) => audit.record(tx, entry)) };
    const log = this.#ghost.log.child({ room: roomId, event: event.event_id });
    if (await this.#isPast(item)) {
      log.info("a late membership event is ignored: the ghost is in the room");
      return done();
    }
    const change = membershipChange(event);
    switch (change.kind) {
      case "invited":
        await this.#invites.invited(event, log);
        return done(note);
      case "joined":
        await this.#meet(roomId, log);
        return done(note);
      case "entered": {
        if (await this.#invites.withdrew(roomId, log)) return done(note);
        await this.#meet(roomId, log);
        return done(combined(note, await this.#entered(item, loaded, log)));
      }
      case "gone":
        log.info({ membership: change.membership }, "the ghost is no longer in the room");
        return done(combined(await this.#left(roomId), note));
    }
  }

  /** Prepares the room, so that the first answer finds its state read and all devices known. */
  async #meet(roomId: string, log: Logger): Promise<void> {
    await this.#sender.meet(roomId).catch((error: unknown) => {
      if (isRetryable(error)) throw error;
      log.warn({ error }, "the room's state can't be read yet");
    });
  }

  /** Deletes everything that was for the ghost in the room, or from it. */
  async #left(roomId: string): Promise<Outcome> {
    const { handler, mailbox, outbox } = this.#services;
    const ghost = this.#ghost.userId;
    const store = async (tx: Queryable): Promise<void> => {
      await mailbox.forget(tx, ghost, { roomId });
      await outbox.forget(tx, ghost, roomId);
    };
    return combined(await handler.left(this.#ghost, roomId), { store });
  }

  /** Greets the room; messages since the invite come before later ones. */
  async #entered(item: MailItem, loaded: LoadedGhost, log: Logger): Promise<Outcome> {
    const { client, mailbox, memberships } = this.#services;
    const { event } = item;
    const ghost = this.#ghost.userId;
    const membership = await memberships.membership(ghost, event.room_id);
    if (membership?.membership !== "join") return {};
    const said = await saidSinceInvite(client, event).catch((error: unknown) => {
      if (isRetryable(error)) throw error;
      log.warn({ error }, "the messages from before the agent's join can't be read");
      return [];
    });
    await this.#greet(event, loaded, log);
    return { store: (tx) => mailbox.adopt(tx, ghost, item, said) };
  }

  async #greet(event: RoomEvent, loaded: LoadedGhost, log: Logger): Promise<void> {
    if (await this.#isSpace(event.room_id, log)) {
      log.info("the ghost joined a space, and greets nobody there");
      return;
    }
    if (await this.#cantTalk(event.room_id, loaded, log)) return;
    const room = { roomId: event.room_id, inviter: inviterOf(event) };
    if ((await this.#greeting.entered(room, loaded)) === "waits") this.#greetingWaits();
  }

  /** Whether the room is encrypted and the ghost has no device. The room is told. */
  async #cantTalk(roomId: string, { device, lease }: LoadedGhost, log: Logger): Promise<boolean> {
    if (device !== undefined) return false;
    try {
      if ((await this.#sender.view(roomId)).encryption === undefined) return false;
    } catch (error) {
      if (isRetryable(error)) throw error;
      log.warn({ error }, "the room's state can't be read yet");
      return false;
    }
    await tellOfNoDevice(this.#services, this.#ghost, lease, roomId);
    return true;
  }

  async #isSpace(roomId: string, log: Logger): Promise<boolean> {
    try {
      return (await roomType(this.#services.client, { userId: this.#ghost.userId }, roomId)) === SPACE;
    } catch (error) {
      if (isRetryable(error)) throw error;
      log.warn({ error }, "the type of the room can't be read");
      return false;
    }
  }

  /**
   * Whether the ghost is in the room in spite of an event that denies it. Then the record made at the event's arrival
   * is corrected.
   */
  async #isPast(item: MailItem): Promise<boolean> {
    if (!mayBePast(item)) return false;
    const { client, memberships } = this.#services;
    const roomId = item.event.room_id;
    const joined = await joinedRooms(client, { userId: this.#ghost.userId });
    if (!joined.includes(roomId)) return false;
    await memberships.reconcile(this.#ghost.userId, [roomId], new Set());
    return true;
  }
}
