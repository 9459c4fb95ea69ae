import { MatrixError } from "../homeserver/errors.ts";
import { joinRoom, leaveRoom } from "../homeserver/room-calls.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";
import type { MailItem } from "../mailbox/mailbox.ts";
import type { Logger } from "../observability/log.ts";
import { isRetryable } from "./failure.ts";
import type { GhostAccount } from "./ghost-account.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { GhostHandle } from "./listener.ts";
import type { Sender } from "./sender.ts";
import { reached } from "../observability/steps.ts";

/** What a ghost does with its mail: it joins, decrypts, and hands on what was said. */
export class Reception {
  readonly #ghost: GhostHandle;
  readonly #services: GhostServices;
  readonly #account: GhostAccount;
  readonly #sender: Sender;
  readonly #keyIsLate: () => void;

  /** @param options.keyIsLate called when an event has to wait for its key. */
  constructor(options: {
    ghost: GhostHandle;
    services: GhostServices;
    account: GhostAccount;
    sender: Sender;
    keyIsLate: () => void;
  }) {
    this.#ghost = options.ghost;
    this.#services = options.services;
    this.#account = options.account;
    this.#sender = options.sender;
    this.#keyIsLate = options.keyIsLate;
  }

  /**
   * Handles one item: takes it out of the mailbox, lets it wait for its key, or sets it aside. Throws when it could be
   * none of these; it is then still in the mailbox.
   */
  async handle(item: MailItem): Promise<void> {
    const { event } = item;
    switch (event.type) {
      case "m.room.member":
        await this.#ownMembership(event);
        return this.#done(item);
      case "m.room.encrypted":
        return this.#encrypted(item);
      case "m.room.message":
        return this.#message(item, event.content);
      case "m.room.redaction":
        return this.#redaction(item);
      default:
        return this.#done(item);
    }
  }

  async #encrypted(item: MailItem): Promise<void> {
    const { event } = item;
    const device = await this.#account.device();
    let decryption = await device.decrypt(event);
    if (decryption.kind === "missing_key") {
      // The key was sent before the event, so it is on the server by now.
      await device.catchUp();
      decryption = await device.decrypt(event);
    }
    if (decryption.kind === "missing_key") {
      await this.#services.mailbox.awaitKey(item, decryption.sessionId);
      // A key that came in between would otherwise be waited for without end.
      const again = await device.decrypt(event);
      if (again.kind === "missing_key") {
        this.#ghost.log.warn({ room: event.room_id, event: event.event_id }, "no key for this event yet; it waits");
        this.#keyIsLate();
      } else {
        await this.#services.mailbox.keysArrived(this.#ghost.userId, [decryption.sessionId]);
      }
      return;
    }
    if (decryption.kind === "refused") {
      this.#ghost.log.warn({ room: event.room_id, event: event.event_id, reason: decryption.reason }, "event refused");
      await this.#services.mailbox.setAside(item.id, `not decrypted: ${decryption.reason}`);
      return;
    }
    reached("event.decrypted");
    if (decryption.type !== "m.room.message") return this.#done(item);
    // What relates an event to another stands outside the ciphertext.
    const relation = event.content["m.relates_to"];
    return this.#message(item, {
      ...decryption.content,
      ...(relation === undefined ? {} : { "m.relates_to": relation }),
    });
  }

  async #message(item: MailItem, content: Readonly<Record<string, unknown>>): Promise<void> {
    const { event } = item;
    const membership = await this.#services.store.membership(this.#ghost.userId, event.room_id);
    if (membership?.membership !== "join") return this.#done(item);
    await this.#services.listener.message(
      this.#ghost,
      {
        eventId: event.event_id,
        roomId: event.room_id,
        sender: event.sender,
        sentAt: event.origin_server_ts,
        content,
        direct: membership.direct,
      },
      (tx) => this.#services.mailbox.done(tx, item),
    );
  }

  async #redaction(item: MailItem): Promise<void> {
    const { event } = item;
    // In the content since room version 11, beside it before.
    const target = event.content["redacts"] ?? event.redacts;
    if (typeof target !== "string") return this.#done(item);
    await this.#services.listener.redacted(this.#ghost, { roomId: event.room_id, target }, (tx) =>
      this.#services.mailbox.done(tx, item),
    );
  }

  async #ownMembership(event: RoomEvent): Promise<void> {
    const roomId = event.room_id;
    const log = this.#ghost.log.child({ room: roomId, event: event.event_id });
    switch (event.content["membership"]) {
      case "invite":
        await this.#invited(event, log);
        return;
      case "join":
        // So that the first answer finds the room read and everybody's devices known.
        await this.#sender.meet(roomId).catch((error: unknown) => {
          if (isRetryable(error)) throw error;
          log.warn({ error }, "the room's state can't be read yet");
        });
        return;
      default:
        log.info({ membership: event.content["membership"] }, "no longer in the room");
    }
  }

  async #invited(event: RoomEvent, log: Logger): Promise<void> {
    const { client, mayInvite } = this.#services;
    const actor = { userId: this.#ghost.userId };
    // Made first, so that whoever sees the join finds a device to send keys to.
    await this.#account.device();
    try {
      if (!mayInvite(event.sender)) {
        await leaveRoom(client, actor, event.room_id, "You are not allowed to invite this agent.");
        log.info({ inviter: event.sender }, "invite declined: the inviter has no access");
        return;
      }
      await joinRoom(client, actor, event.room_id);
      if (event.content["is_direct"] === true) await this.#account.addDirectRoom(event.sender, event.room_id);
      log.info({ direct: event.content["is_direct"] === true }, "invite accepted");
    } catch (error) {
      if (!(error instanceof MatrixError) || error.retryable) throw error;
      log.warn({ error }, "invite could not be answered; it may have been taken back");
    }
  }

  #done(item: MailItem): Promise<void> {
    return this.#services.database.transaction((tx) => this.#services.mailbox.done(tx, item));
  }
}
