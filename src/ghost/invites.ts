import type { RoomEvent } from "../homeserver/transaction.ts";
import { MatrixError } from "../homeserver/errors.ts";
import { joinedMembers, joinRoom, leaveRoom } from "../homeserver/room-calls.ts";
import type { Logger } from "../observability/log.ts";
import { isRetryable } from "../observability/retryable.ts";
import type { Decision } from "../permissions/decisions.ts";
import { describeRefusal } from "../permissions/refusal-words.ts";
import { describeRefusedRoom } from "../permissions/encryption-mode.ts";
import { encryptionOfInvite, SPACE, typeOfInvite } from "../matrix/invite-state.ts";
import { predecessorRoom } from "../rooms/upgrade.ts";
import type { DirectRooms } from "./direct-rooms.ts";
import type { GhostAccount } from "./ghost-account.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import type { GhostServices } from "./ghost-services.ts";
import { decideInvite, type KnownInvite } from "./invite-decision.ts";

/** The services for answering invites. */
export type InvitesServices = Pick<GhostServices, "client" | "invites" | "joining" | "mode" | "permissions" | "words">;

/** Answers invites: joins, or declines with a reason that the inviter reads. */
export class Invites {
  readonly #ghost: GhostHandle;
  readonly #services: InvitesServices;
  readonly #account: Pick<GhostAccount, "load">;
  readonly #direct: DirectRooms;

  constructor(
    ghost: GhostHandle,
    services: InvitesServices,
    { account, direct }: { readonly account: Pick<GhostAccount, "load">; readonly direct: DirectRooms },
  ) {
    this.#ghost = ghost;
    this.#services = services;
    this.#account = account;
    this.#direct = direct;
  }

  async invited(event: RoomEvent, log: Logger): Promise<void> {
    const { client } = this.#services;
    const actor = { userId: this.#ghost.userId };
    // Made first, so that clients that see the join find a device to send keys to.
    const { device } = await this.#account.load();
    try {
      const isEncrypted = encryptionOfInvite(event);
      const reason = await this.#reasonToDecline(event, { isEncrypted, canEncrypt: device !== undefined }, log);
      if (reason !== undefined) {
        await leaveRoom(client, actor, event.room_id, reason);
        return;
      }
      // Before the join, so that keys of the history are looked for even if the process ends.
      if (isEncrypted !== false) await device?.expectHistory(event.room_id, event.sender);
      await this.#services.joining.run(event.room_id, () => joinRoom(client, actor, event.room_id));
      if (isEncrypted !== false) await device?.catchUp();
      if (event.content["is_direct"] === true) await this.#direct.add(event.sender, event.room_id);
      else await this.#direct.goOnFrom(predecessorRoom(event.unsigned?.["invite_room_state"]), event);
      log.info({ direct: event.content["is_direct"] === true }, "invite accepted");
    } catch (error) {
      if (!(error instanceof MatrixError) || error.retryable) throw error;
      log.warn({ error }, "invite could not be answered; it may have been taken back");
    }
  }

  /** The words for the inviter of a declined invite; undefined to accept it. */
  async #reasonToDecline(
    event: RoomEvent,
    { isEncrypted, canEncrypt }: Pick<KnownInvite, "isEncrypted" | "canEncrypt">,
    log: Logger,
  ): Promise<string | undefined> {
    const { invites, mode, permissions } = this.#services;
    const words = this.#services.words();
    const { sender: inviter, event_id: eventId, room_id: roomId } = event;
    const decision = decideInvite({
      permission: await this.mayBring(inviter, roomId),
      isBanList: permissions.isBanList(roomId),
      isSpace: typeOfInvite(event) === SPACE,
      isEncrypted,
      mode,
      canEncrypt,
    });
    switch (decision.kind) {
      case "not_permitted":
        log.info({ inviter, why: decision.reason }, "invite declined");
        return describeRefusal(words, decision.reason);
      case "wrong_encryption":
        log.info({ encrypted: isEncrypted, mode }, "invite declined: this agent does not talk in such rooms");
        return describeRefusedRoom(words, mode);
      case "no_device":
        log.info("invite declined: the homeserver gives agents no devices, and the room is encrypted");
        return words.noDevice;
      case "accept": {
        // Last, so that an invite declined for other reasons does not count.
        const { counts } = decision;
        if (!counts || (await invites.take({ ghost: this.#ghost.userId, eventId, inviter }))) return undefined;
        log.info({ inviter, why: "invites_per_day" }, "invite declined");
        return words.invites.tooMany;
      }
    }
  }

  /** Whether a user may bring this ghost into a room. The room's size is fetched only where it counts. */
  async mayBring(userId: string, roomId: string): Promise<Decision> {
    const { permissions, client } = this.#services;
    const ghost = this.#ghost.userId;
    const request = { act: "invite", userId, ghost, roomId } as const;
    const decision = permissions.decide(request);
    if (!decision.allowed || permissions.maxRoomMembers === undefined) return decision;
    const via = userId.slice(userId.indexOf(":") + 1);
    return permissions.decide({ ...request, members: await joinedMembers(client, { userId: ghost }, roomId, via) });
  }

  /** Leaves a room that turned out to be too large after the invite. Returns whether it did. */
  async withdrew(roomId: string, log: Logger): Promise<boolean> {
    const { client, permissions } = this.#services;
    const most = permissions.maxRoomMembers;
    if (most === undefined || permissions.isBanList(roomId)) return false;
    try {
      // As at the invite: without the ghost itself.
      const others = (await this.#ghost.memberCount(roomId)) - 1;
      if (others <= most) return false;
      const reason = describeRefusal(this.#services.words(), "room_too_large");
      await leaveRoom(client, { userId: this.#ghost.userId }, roomId, reason);
      log.info({ members: others, why: "room_too_large" }, "the ghost left the room, which turned out to be too large");
      return true;
    } catch (error) {
      if (isRetryable(error)) throw error;
      log.warn({ error }, "the size of the room could not be checked");
      return false;
    }
  }
}
