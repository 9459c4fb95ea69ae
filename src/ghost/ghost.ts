import type { Queryable } from "../database/database.ts";
import { isUnknownDevice, MatrixError } from "../homeserver/errors.ts";
import { joinRoom, leaveRoom, readReceipt, roomState, sendEvent } from "../homeserver/room-calls.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";
import type { MailItem } from "../mailbox/mailbox.ts";
import type { Logger } from "../observability/log.ts";
import type { RoomView } from "../rooms/rooms.ts";
import { Background } from "./background.ts";
import { isRetryable } from "./failure.ts";
import { GhostAccount } from "./ghost-account.ts";
import type { GhostServices } from "./ghost-services.ts";
import { transactionId, type StoredSend } from "./outbox.ts";
import { Typing } from "./typing.ts";

/** A message that reached a ghost, decrypted where it was encrypted. */
export interface GhostMessage {
  readonly eventId: string;
  readonly roomId: string;
  readonly sender: string;
  /** Milliseconds since 1970, by the sender's server. */
  readonly sentAt: number;
  /** Content of the `m.room.message`. */
  readonly content: Readonly<Record<string, unknown>>;
  /** Whether the room is a DM with the ghost. */
  readonly direct: boolean;
}

/** The deletion of an event. */
export interface GhostRedaction {
  readonly roomId: string;
  /** The event that was deleted. */
  readonly target: string;
}

/**
 * Is told what reaches a ghost, one thing at a time. `finish` takes it out of the mailbox and belongs into the
 * transaction that stores what came of it.
 */
export interface GhostListener {
  message(ghost: Ghost, message: GhostMessage, finish: (tx: Queryable) => Promise<void>): Promise<void>;
  redacted(ghost: Ghost, redaction: GhostRedaction, finish: (tx: Queryable) => Promise<void>): Promise<void>;
}

const ENCRYPTED = "m.room.encrypted";

/** How long an event in clear is tried before its room is looked at again, in ms. */
const PLAIN_RETRY_MS = 15_000;

/** Waits after a failure that may pass, in ms: the first and the longest. */
const BACKOFF_FIRST_MS = 500;
const BACKOFF_LONGEST_MS = 60_000;

/** A key that was late is looked for again after these times, in ms; after that, with whatever else rings. */
const LATE_KEY_LOOKS_MS = [3_000, 25_000];

/**
 * The actor behind an agent's Matrix user: it takes its mail one by one, in order, with a device, a store and keys of
 * its own. Different ghosts run side by side and never wait for each other.
 */
export class Ghost {
  readonly userId: string;
  /** The bridge's own bot rather than an agent. */
  readonly isBot: boolean;
  readonly log: Logger;
  readonly #services: GhostServices;
  readonly #account: GhostAccount;
  readonly #background: Background;
  readonly #typing: Typing;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #stopping = new AbortController();
  #state: GhostState = { kind: "idle" };
  #awake = false;
  #doorbell = false;
  #failures = 0;

  constructor(userId: string, isBot: boolean, services: GhostServices) {
    this.userId = userId;
    this.isBot = isBot;
    this.log = services.log.child({ ghost: userId });
    this.#services = services;
    this.#background = new Background(this.log);
    this.#account = new GhostAccount(userId, services, this.log, () => this.wake());
    this.#typing = new Typing(services.client, userId, this.#background);
  }

  /** There may be mail. Returns at once. */
  wake(): void {
    this.#awake = true;
    if (this.#state.kind !== "idle") return;
    this.#state = { kind: "working", done: this.#work() };
  }

  /** Something was sent to the device: it looks at its /sync before its next mail. Returns at once. */
  ring(): void {
    this.#doorbell = true;
    this.wake();
  }

  /** Resolves when all mail that was there has been looked at, or could not be for now. */
  async settled(): Promise<void> {
    while (this.#state.kind === "working") await this.#state.done;
  }

  /** Makes the user and its profile, if that has not been done. Throws when the server can't be reached. */
  announce(): Promise<void> {
    return this.#account.announce();
  }

  /** The device's id and fingerprint; makes the device when it is the first time. */
  async fingerprint(): Promise<{ deviceId: string; ed25519: string }> {
    const device = await this.#account.device();
    return { deviceId: device.deviceId, ed25519: device.fingerprint };
  }

  /** Whether a room is a DM with this ghost: what `m.direct` or the invite's `is_direct` says, never "two members". */
  async isDirect(roomId: string): Promise<boolean> {
    return (await this.#services.store.membership(this.userId, roomId))?.direct ?? false;
  }

  /** The name a member goes by in a room the ghost is in; the user id's localpart when the room can't be read. */
  async displayNameOf(roomId: string, userId: string): Promise<string> {
    await this.#view(roomId).catch((error: unknown) => this.log.warn({ room: roomId, error }, "room not readable"));
    return this.#services.rooms.displayName(roomId, userId);
  }

  /**
   * Sends an event, once, however often it is called with the same step: encrypted where the room is, its final form
   * stored before the first try. Keeps trying while the server is away, until `signal` aborts. Returns the event's id.
   */
  async send(roomId: string, type: string, content: object, step: string, signal?: AbortSignal): Promise<string> {
    const { outbox, client } = this.#services;
    const txnId = transactionId(this.userId, roomId, step);
    const device = await this.#account.device();
    let stored = await outbox.find(this.userId, txnId);
    if (stored === undefined || (await this.#becameEncrypted(stored))) {
      stored = { txnId, roomId, ...(await this.#outgoing(roomId, type, content)), eventId: undefined };
      await outbox.store(this.userId, stored);
    }
    if (stored.eventId !== undefined) return stored.eventId;
    const actor = { userId: this.userId, deviceId: device.deviceId };
    const eventId = await sendEvent(
      client,
      actor,
      { roomId, type: stored.eventType, txnId, content: stored.content },
      {
        retry: "transient",
        // In clear only for so long at a time: before it is tried again, the room is looked at again.
        retryForMs: stored.eventType === ENCRYPTED ? undefined : PLAIN_RETRY_MS,
        signal: signal === undefined ? this.#stopping.signal : AbortSignal.any([signal, this.#stopping.signal]),
      },
    );
    await outbox.sent(this.userId, txnId, eventId);
    return eventId;
  }

  /** Shows that the ghost has read a message. Returns at once. */
  markRead(roomId: string, eventId: string, threadRoot: string | undefined): void {
    this.#background.run("read receipt", () =>
      readReceipt(
        this.#services.client,
        { userId: this.userId },
        { roomId, eventId, ...(threadRoot === undefined ? {} : { threadId: threadRoot }) },
      ),
    );
  }

  /** Shows that the ghost is typing until the returned function is called. */
  startTyping(roomId: string): () => void {
    return this.#typing.start(roomId);
  }

  /** Ends the ghost's work: what is under way is finished, what waits stays in the mailbox. */
  async stop(): Promise<void> {
    const before = this.#state;
    this.#state = { kind: "stopped" };
    this.#stopping.abort(new Error(`${this.userId} is stopping`));
    for (const timer of this.#timers) clearTimeout(timer);
    this.#typing.stop();
    if (before.kind === "working") await before.done;
    await this.#background.idle();
    await this.#account.close();
  }

  /** Never rejects: every failure ends in a later try or in an item set aside. */
  async #work(): Promise<void> {
    try {
      while (this.#awake && !this.#isStopped()) {
        this.#awake = false;
        // Before an attempt is counted: a process that ends while the device is loaded is not the first item's fault.
        await this.#account.device();
        await this.#answerDoorbell();
        for (let item = await this.#next(); item !== undefined; item = await this.#next()) {
          await this.#handle(item);
          await this.#answerDoorbell();
        }
      }
      this.#failures = 0;
      if (!this.#isStopped()) this.#state = { kind: "idle" };
    } catch (error) {
      if (this.#isStopped()) return;
      if (isUnknownDevice(error)) {
        this.#state = { kind: "stopped" };
        this.log.error(
          { error },
          "this ghost's device has been deleted on the homeserver; the ghost stands still, and its mail is kept, until the device is made anew",
        );
        return;
      }
      this.#state = { kind: "idle" };
      const waitMs = Math.min(BACKOFF_FIRST_MS * 2 ** this.#failures++, BACKOFF_LONGEST_MS) * (0.5 + Math.random());
      this.log.warn({ error, waitMs: Math.round(waitMs) }, "interrupted; going on later");
      this.#after(waitMs, () => this.wake());
    }
  }

  #isStopped(): boolean {
    return this.#state.kind === "stopped";
  }

  async #next(): Promise<MailItem | undefined> {
    return this.#isStopped() ? undefined : this.#services.mailbox.next(this.userId);
  }

  async #answerDoorbell(): Promise<void> {
    if (!this.#doorbell) return;
    this.#doorbell = false;
    try {
      await (await this.#account.device()).catchUp();
    } catch (error) {
      this.#doorbell = true;
      throw error;
    }
  }

  async #handle(item: MailItem): Promise<void> {
    const { event } = item;
    try {
      await this.#dispatch(item);
    } catch (error) {
      if (isRetryable(error) || isUnknownDevice(error) || this.#isStopped()) {
        await this.#services.mailbox.putBack(item);
        throw error;
      }
      // Counted: after three attempts the mailbox sets it aside.
      this.log.error({ room: event.room_id, event: event.event_id, error }, "event could not be handled");
    }
  }

  async #dispatch(item: MailItem): Promise<void> {
    const { event } = item;
    switch (event.type) {
      case "m.room.member":
        await this.#ownMembership(event);
        return this.#done(item);
      case ENCRYPTED:
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
        this.log.warn({ room: event.room_id, event: event.event_id }, "no key for this event yet; it waits");
        for (const waitMs of LATE_KEY_LOOKS_MS) this.#after(waitMs, () => this.ring());
      } else {
        await this.#services.mailbox.keysArrived(this.userId, [decryption.sessionId]);
      }
      return;
    }
    if (decryption.kind === "refused") {
      this.log.warn({ room: event.room_id, event: event.event_id, reason: decryption.reason }, "event refused");
      await this.#services.mailbox.setAside(item.id, `not decrypted: ${decryption.reason}`);
      return;
    }
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
    const membership = await this.#services.store.membership(this.userId, event.room_id);
    if (membership?.membership !== "join") return this.#done(item);
    await this.#services.listener.message(
      this,
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
    await this.#services.listener.redacted(this, { roomId: event.room_id, target }, (tx) =>
      this.#services.mailbox.done(tx, item),
    );
  }

  async #ownMembership(event: RoomEvent): Promise<void> {
    const roomId = event.room_id;
    const log = this.log.child({ room: roomId, event: event.event_id });
    switch (event.content["membership"]) {
      case "invite":
        await this.#invited(event, log);
        return;
      case "join":
        // So that the first answer finds the room read and everybody's devices known.
        await this.#meet(roomId).catch((error: unknown) => {
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
    const actor = { userId: this.userId };
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

  async #meet(roomId: string): Promise<void> {
    const view = await this.#view(roomId);
    if (view.encryption === undefined) return;
    const device = await this.#account.device();
    await device.track(await this.#services.rooms.recipients(roomId, view));
  }

  #view(roomId: string): Promise<RoomView> {
    return this.#services.rooms.view(roomId, (room) => roomState(this.#services.client, { userId: this.userId }, room));
  }

  /** The event in the form in which it leaves. The room's state decides, freshly read; without it nothing leaves. */
  async #outgoing(roomId: string, type: string, content: object): Promise<{ eventType: string; content: string }> {
    const view = await this.#view(roomId);
    if (view.encryption === undefined) return { eventType: type, content: JSON.stringify(content) };
    const recipients = await this.#services.rooms.recipients(roomId, view);
    const device = await this.#account.device();
    const target = { roomId, encryption: view.encryption, historyVisibility: view.historyVisibility, recipients };
    return { eventType: ENCRYPTED, content: await device.encrypt(target, type, content) };
  }

  /** Whether an event was stored in clear, not sent, and its room has become encrypted since. */
  async #becameEncrypted(stored: StoredSend): Promise<boolean> {
    if (stored.eventId !== undefined || stored.eventType === ENCRYPTED) return false;
    return (await this.#view(stored.roomId)).encryption !== undefined;
  }

  #done(item: MailItem): Promise<void> {
    return this.#services.database.transaction((tx) => this.#services.mailbox.done(tx, item));
  }

  #after(waitMs: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isStopped()) action();
    }, waitMs);
    timer.unref();
    this.#timers.add(timer);
  }
}

type GhostState =
  { readonly kind: "idle" } | { readonly kind: "working"; readonly done: Promise<void> } | { readonly kind: "stopped" };
