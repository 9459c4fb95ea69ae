import { MatrixError } from "../homeserver/errors.ts";
import { joinRoom, leaveRoom, roomState } from "../homeserver/room-calls.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";
import { predecessorRoom, replacementRoom } from "../rooms/upgrade.ts";
import type { DirectRooms } from "./direct-rooms.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { Invites } from "./invites.ts";

/** Follows upgraded rooms (spec "Room upgrades"). */
export class RoomUpgrades {
  readonly #ghost: GhostHandle;
  readonly #services: Pick<GhostServices, "client" | "invites" | "joining">;
  readonly #invites: Invites;
  readonly #direct: DirectRooms;

  constructor(
    ghost: GhostHandle,
    services: Pick<GhostServices, "client" | "invites" | "joining">,
    { invites, direct }: { readonly invites: Invites; readonly direct: DirectRooms },
  ) {
    this.#ghost = ghost;
    this.#services = services;
    this.#invites = invites;
    this.#direct = direct;
  }

  /** Another room replaces this one. Where it needs an invite, the agent waits for that. */
  async followed(event: RoomEvent): Promise<void> {
    const { client, invites, joining } = this.#services;
    const actor = { userId: this.#ghost.userId };
    const replacement = replacementRoom(event.content);
    const log = this.#ghost.log.child({ room: event.room_id, replacement });
    if (replacement === undefined) return;
    const decision = await this.#invites.mayBring(event.sender, replacement);
    if (!decision.allowed) {
      log.info({ user: event.sender, why: decision.reason }, "an upgraded room is not followed");
      return;
    }
    // A person who names room after room brings the agent into them like by an invite.
    if (!(await invites.take({ ghost: this.#ghost.userId, eventId: event.event_id, inviter: event.sender }))) {
      log.info({ user: event.sender }, "an upgraded room is not followed: too many invites today");
      return;
    }
    try {
      const via = event.sender.slice(event.sender.indexOf(":") + 1);
      await joining.run(replacement, () => joinRoom(client, actor, replacement, { via }));
      // Anybody can name any room in a tombstone of their own, so the other room must confirm it.
      if (
        predecessorRoom(await roomState(client, actor, replacement, { types: new Set(["m.room.create"]) })) !==
        event.room_id
      ) {
        await leaveRoom(client, actor, replacement);
        log.warn("a room is not followed: it does not name this one as its predecessor");
        return;
      }
      if (await this.#invites.withdrew(replacement, log)) return;
      await this.#direct.goOnFrom(event.room_id, { room_id: replacement, sender: event.sender });
      log.info("the ghost followed the room to its new version");
    } catch (error) {
      if (!(error instanceof MatrixError) || error.retryable) throw error;
      log.info({ error }, "the room was upgraded, and the agent is not invited to the new one yet");
    }
  }
}
