import { DeviceUnsigned, VerifiedIdentityChanged } from "../crypto/room-encryptor.ts";
import { decryptAttachment, encryptAttachment } from "../crypto/attachment.ts";
import type { Flow } from "../crypto/verification-messages.ts";
import { downloadMedia, uploadMedia } from "../homeserver/calls.ts";
import { askedToWaitMs, isUnknownDevice, MatrixError } from "../homeserver/errors.ts";
import { readReceipt, redactEvent, sendState } from "../homeserver/room-calls.ts";
import { roomEvent } from "../homeserver/room-history.ts";
import { LeaseHeld, StaleLease, type Lease } from "../leases/leases.ts";
import type { MailItem } from "../mailbox/mailbox.ts";
import type { Logger } from "../observability/log.ts";
import { Background } from "../concurrency/background.ts";
import { partnerIn } from "./direct-chat.ts";
import { GhostAccount } from "./ghost-account.ts";
import type { LoadedGhost } from "./loaded-ghost.ts";
import type { GhostServices } from "./ghost-services.ts";
import { GhostHalted } from "./halted.ts";
import { Greeting } from "./greeting.ts";
import { attemptItem, type ItemAttempt } from "./attempt-item.ts";
import { readEvent } from "./event-reader.ts";
import type { EventOutside, GhostFile, GhostHandle, ReadEvent } from "./ghost-handle.ts";
import type { Form, SendOptions, SentFile } from "./form.ts";
import { transactionId } from "./outbox.ts";
import { MailHandler } from "./mail-handler.ts";
import { Sender } from "./sender.ts";
import { Typing } from "./typing.ts";

/** Waits after a failure that may pass, in ms: the first and the longest. */
const BACKOFF_FIRST_MS = 500;
const BACKOFF_LONGEST_MS = 60_000;

/** A file of some megabytes, from another server, takes its time. */
const DOWNLOAD_TIMEOUT_MS = 60_000;

/** How long it is tried again, where another server's file does not come. */
const DOWNLOAD_RETRIED_FOR_MS = 5_000;

/** While somebody verifies the ghost: what comes by to-device message rings nowhere but with experimental flags. */
const VERIFYING_LOOKS_MS = 1_000;

/** Who can't read a greeting yet is looked for no more often than this, in ms. */
const UNGREETED_LOOKS_MS = 2_000;

/** A key that was late is looked for again after these times, in ms; after that, with whatever else rings. */
const LATE_KEY_LOOKS_MS = [3_000, 25_000];

/**
 * The actor behind an agent's Matrix user: it takes its mail one by one, in order, with a device, a store and keys of
 * its own. Different ghosts run side by side and never wait for each other.
 */
export class Ghost implements GhostHandle {
  readonly userId: string;
  readonly isBot: boolean;
  readonly log: Logger;
  readonly #services: GhostServices;
  readonly #account: GhostAccount;
  readonly #sender: Sender;
  readonly #greeting: Greeting;
  readonly #attempt: ItemAttempt;
  readonly #background: Background;
  readonly #typing: Typing;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #stopping = new AbortController();
  #state: GhostState = { kind: "idle" };
  #awake = false;
  #doorbell = false;
  #failures = 0;
  /** Set when something may wait for its key for too long. */
  #untold = true;
  /** Set when somebody may wait for a greeting that they could not read before. */
  #ungreeted = true;
  #lookedForUngreeted = -Infinity;
  #holders = 0;
  /** A verification would be lost with the ghost's memory. */
  #isVerifying = false;
  #lastUsed = performance.now();

  constructor(userId: string, isBot: boolean, services: GhostServices) {
    this.userId = userId;
    this.isBot = isBot;
    this.log = services.log.child({ ghost: userId });
    this.#services = services;
    this.#background = new Background(this.log);
    this.#account = new GhostAccount(userId, services, this.log, {
      wake: () => this.wake(),
      verified: (flow, cancelled) => this.#verified(flow, cancelled),
    });
    this.#sender = new Sender(userId, services, this.#account, this.#stopping.signal);
    this.#greeting = new Greeting(this, services, this.#sender);
    const handler = new MailHandler(this, services, {
      account: this.#account,
      sender: this.#sender,
      greeting: this.#greeting,
      greetingWaits: () => (this.#ungreeted = true),
      keyIsLate: () => {
        this.#untold = true;
        for (const waitMs of LATE_KEY_LOOKS_MS) this.#after(waitMs, () => this.ring());
      },
    });
    this.#attempt = { services, handler, isStopping: () => this.#isStopped(), log: this.log };
    this.#typing = new Typing(services.client, userId, this.#background);
  }

  /** There may be mail. Returns at once. */
  wake(): void {
    this.#awake = true;
    if (this.#state.kind !== "idle") return;
    this.#state = { kind: "working", done: this.#work() };
  }

  /** Whether the ghost is in memory. */
  get isLoaded(): boolean {
    return this.#account.isLoaded;
  }

  /** How long the ghost has been in memory, in ms. */
  get loadedMs(): number {
    return this.#account.loadedMs;
  }

  /** How long nobody has needed the ghost, in ms; undefined while somebody does. */
  get unusedMs(): number | undefined {
    const isUsed = this.#state.kind === "working" || this.#holders > 0 || this.#isVerifying;
    return isUsed ? undefined : performance.now() - this.#lastUsed;
  }

  /**
   * Keeps the ghost loaded, and loads it first, until the returned function is called. Throws LeaseHeld when another
   * process has it, and what loading throws.
   */
  async hold(): Promise<{ readonly lease: Lease; readonly release: () => void }> {
    if (this.#state.kind === "halted") throw new GhostHalted(this.userId);
    this.#holders++;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      this.#holders--;
      this.#lastUsed = performance.now();
      this.#services.unneeded();
    };
    try {
      const { lease } = await this.#account.load();
      return { lease, release };
    } catch (error) {
      release();
      throw this.#orHalted(error);
    }
  }

  /** Gives the ghost's memory and its lease back, unless somebody needs it. It comes back with its next mail. */
  async putAway(): Promise<void> {
    if (this.unusedMs === undefined || this.#state.kind !== "idle" || !this.isLoaded) return;
    this.#state = { kind: "working", done: this.#leave() };
    await this.#state.done;
  }

  /** What the ghost is loaded under; undefined while it is not, or not yet. */
  get lease(): Lease | undefined {
    return this.#account.lease;
  }

  /** A lease turned out to be somebody else's: what was loaded under it is let go of. */
  async lost(lease: Lease): Promise<void> {
    if (this.lease?.epoch !== lease.epoch) return;
    this.log.warn({ epoch: lease.epoch }, "another process has taken this ghost over");
    this.#services.metrics?.leasesLost.inc();
    await this.#account.putAway();
  }

  /** Something was sent to the device: it looks at its /sync before its next mail. Returns at once. */
  ring(): void {
    this.#doorbell = true;
    this.wake();
  }

  /** Something was asked for that only loading does: the ghost is loaded anew. */
  async reload(): Promise<void> {
    if (this.#isStopped()) return;
    await this.#account.putAway();
    if (this.#state.kind === "halted") this.#state = { kind: "idle" };
    this.wake();
  }

  /** Resolves when all mail that was there has been looked at, or could not be for now. */
  async settled(): Promise<void> {
    while (this.#state.kind === "working") await this.#state.done;
  }

  /** Makes the user and its profile, if that has not been done. Throws when the server can't be reached. */
  announce(options?: { readonly anew?: boolean }): Promise<void> {
    return this.#account.announce(options);
  }

  /**
   * Makes the ghost's device and its identity, and puts their keys into safety, so that a client that looks for them before
   * it makes a room finds them; the ghost is put away again. Throws what {@link hold} throws.
   */
  async publish(): Promise<void> {
    const { release } = await this.hold();
    release();
    await this.putAway();
  }

  /** Tells the server how far the ghost's store has come. Throws HomeserverError, StaleLease, DatabaseError. */
  mark(): Promise<void> {
    return this.#account.mark();
  }

  /** Notes the rooms that the ghost is in and that no event has told of. Throws HomeserverError, DatabaseError. */
  reconcileRooms(signal: AbortSignal): Promise<void> {
    return this.#account.reconcileRooms(signal);
  }

  /** The device's id and fingerprint; makes the device when it is the first time. */
  async fingerprint(): Promise<{ deviceId: string; ed25519: string }> {
    const { device } = await this.#account.load();
    return { deviceId: device.deviceId, ed25519: device.fingerprint };
  }

  /** Whether a room is a direct chat with this ghost, as of now; see direct-chat.ts. Throws what may pass. */
  async isDirect(roomId: string): Promise<boolean> {
    return (await partnerIn(this.#services, this.userId, roomId)) !== undefined;
  }

  async displayNameOf(roomId: string, userId: string): Promise<string> {
    await this.#look(roomId);
    return this.#services.rooms.displayName(roomId, userId);
  }

  async speakerOf(roomId: string, userId: string): Promise<string> {
    await this.#look(roomId);
    return this.#services.rooms.speaker(roomId, userId);
  }

  /** Has the room read if it has changed; where it can't be, what is known of it counts. */
  async #look(roomId: string): Promise<void> {
    await this.#sender
      .view(roomId)
      .catch((error: unknown) => this.log.warn({ room: roomId, error }, "room not readable"));
  }

  async send(roomId: string, type: string, content: object, step: string, options: SendOptions): Promise<string> {
    const { lease, release } = await this.hold();
    try {
      return await this.#sender.send({ roomId, type, content, step }, options);
    } catch (error) {
      if (error instanceof VerifiedIdentityChanged) await this.#tellOfSilence(roomId, error, lease);
      if (error instanceof DeviceUnsigned) await this.#tellOfNoIdentity(roomId, lease);
      throw this.#orHalted(error);
    } finally {
      release();
    }
  }

  /** What was sent under this step before: its event's id, the sending finished first if it was interrupted. */
  async resend(
    roomId: string,
    type: string,
    content: object,
    step: string,
    options: SendOptions,
  ): Promise<string | undefined> {
    const stored = await this.#services.outbox.find(this.userId, transactionId(this.userId, roomId, step));
    return stored === undefined ? undefined : this.send(roomId, type, content, step, options);
  }

  async download({ url, encrypted }: GhostFile, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
    const bytes = await downloadMedia(this.#services.client, { userId: this.userId }, url, {
      maxBytes,
      timeoutMs: DOWNLOAD_TIMEOUT_MS,
      retry: "transient",
      retryForMs: DOWNLOAD_RETRIED_FOR_MS,
      signal,
    });
    return encrypted === undefined ? bytes : decryptAttachment(bytes, encrypted);
  }

  /** Puts a file on the homeserver, encrypted where the room is, or where it may leave in no other form. Throws HomeserverError. */
  async upload(roomId: string, bytes: Uint8Array, mimetype: string, form: Form): Promise<SentFile> {
    const as = { userId: this.userId };
    const { client } = this.#services;
    const { encryption } = await this.#sender.view(roomId);
    if (encryption === undefined && form === "of_room")
      return { url: await uploadMedia(client, as, { bytes, contentType: mimetype }) };
    const encrypted = await encryptAttachment(bytes);
    const media = { bytes: encrypted.bytes, contentType: "application/octet-stream" };
    return { file: { ...encrypted.info, url: await uploadMedia(client, as, media) } };
  }

  async read(roomId: string, eventId: string, signal?: AbortSignal): Promise<ReadEvent | undefined> {
    const { release } = await this.hold();
    try {
      // What the room is decides whether what is in clear counts.
      await this.#sender.view(roomId);
      return await readEvent(this.#services, await this.#account.load(), { roomId, eventId }, signal);
    } catch (error) {
      throw this.#orHalted(error);
    } finally {
      release();
    }
  }

  async outsideOf(roomId: string, eventId: string): Promise<EventOutside | undefined> {
    const event = await roomEvent(this.#services.client, { userId: this.userId }, roomId, eventId);
    return event && { sender: event.sender, relation: event.content["m.relates_to"] };
  }

  async sent(roomId: string, step: string): Promise<string | undefined> {
    return (await this.#services.outbox.find(this.userId, transactionId(this.userId, roomId, step)))?.eventId;
  }

  async isModerator(roomId: string, userId: string): Promise<boolean> {
    await this.#sender.view(roomId);
    return this.#services.rooms.isModerator(roomId, userId);
  }

  async memberCount(roomId: string): Promise<number> {
    await this.#sender.view(roomId);
    return this.#services.rooms.memberCount(roomId);
  }

  async setState(
    roomId: string,
    type: string,
    events: readonly { stateKey: string; content: object }[],
  ): Promise<boolean> {
    for (const event of events) {
      try {
        await sendState(this.#services.client, { userId: this.userId }, { roomId, type, ...event });
      } catch (error) {
        if (error instanceof MatrixError && error.errcode === "M_FORBIDDEN") return false;
        throw error;
      }
    }
    return true;
  }

  /** Takes an event of the ghost's back, once, however often it is called with the same step. */
  async redact(roomId: string, eventId: string, step: string): Promise<void> {
    const { lease, release } = await this.hold();
    try {
      const { device } = await this.#account.load();
      const actor = { userId: lease.ghost, deviceId: device.deviceId };
      const txnId = transactionId(this.userId, roomId, step);
      await redactEvent(this.#services.client, actor, { roomId, eventId, txnId });
    } catch (error) {
      throw this.#orHalted(error);
    } finally {
      release();
    }
  }

  async sendToAll(roomId: string, content: object, step: string): Promise<string> {
    const { release } = await this.hold();
    try {
      return await this.#sender.send(
        { roomId, type: "m.room.message", content, step },
        { form: "of_room", toAll: true },
      );
    } catch (error) {
      throw this.#orHalted(error);
    } finally {
      release();
    }
  }

  markRead(roomId: string, eventId: string, threadRoot: string | undefined): void {
    this.#background.run("read receipt", () =>
      readReceipt(
        this.#services.client,
        { userId: this.userId },
        { roomId, eventId, ...(threadRoot === undefined ? {} : { threadId: threadRoot }) },
      ),
    );
  }

  react(roomId: string, eventId: string, key: string): void {
    const content = { "m.relates_to": { rel_type: "m.annotation", event_id: eventId, key } };
    this.#background.run("reaction", async () => {
      await this.send(roomId, "m.reaction", content, `${eventId} ${key}`, { form: "of_room" });
    });
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
    await this.#account.putAway();
  }

  async #leave(): Promise<void> {
    await this.#account.putAway();
    if (this.#isStopped()) return;
    this.#state = { kind: "idle" };
    if (this.#awake) this.wake();
  }

  /** Never rejects: every failure ends in a later try or in an item set aside. */
  async #work(): Promise<void> {
    try {
      while (this.#awake && !this.#isStopped()) {
        this.#awake = false;
        // Before an attempt is counted: a process that ends while the device is loaded is not the first item's fault.
        await this.#account.load();
        await this.#answerDoorbell();
        for (let mail = await this.#next(); mail !== undefined; mail = await this.#next()) {
          this.#lastUsed = performance.now();
          await attemptItem(this.#attempt, mail.item, mail.loaded);
          await this.#answerDoorbell();
        }
        await this.#greetLate();
        await this.#tellOfMissingKeys();
        const { device } = await this.#account.load();
        this.#isVerifying = device.isVerifying;
        if (this.#isVerifying) this.#after(VERIFYING_LOOKS_MS, () => this.ring());
      }
      this.#failures = 0;
      if (!this.#isStopped()) this.#state = { kind: "idle" };
      this.#services.unneeded();
    } catch (error) {
      if (this.#isStopped()) return;
      if (error instanceof LeaseHeld) {
        this.#state = { kind: "idle" };
        this.#awake = false;
        this.#doorbell = false;
        this.#services.elsewhere(this.userId);
        return;
      }
      // Taken over, or loaded anew meanwhile: what is in memory is good for nothing any more.
      if (error instanceof StaleLease) await this.#account.putAway();
      if (isUnknownDevice(error)) {
        this.#state = { kind: "halted" };
        await this.#account.putAway();
        this.log.error(
          { error },
          'this ghost\'s device has been deleted on the homeserver; the ghost stands still, and its mail is kept, until it is given a new one by "matrix-agents keys new-device"',
        );
        return;
      }
      this.#state = { kind: "idle" };
      const backoffMs = Math.min(BACKOFF_FIRST_MS * 2 ** this.#failures++, BACKOFF_LONGEST_MS) * (0.5 + Math.random());
      const waitMs = Math.max(backoffMs, askedToWaitMs(error));
      this.log.warn({ error, waitMs: Math.round(waitMs) }, "interrupted; going on later");
      this.#after(waitMs, () => this.wake());
    }
  }

  #isStopped(): boolean {
    return this.#state.kind === "stopped";
  }

  /** Loaded anew for each: a device that failed meanwhile comes back from the database. */
  async #next(): Promise<{ readonly item: MailItem; readonly loaded: LoadedGhost } | undefined> {
    if (this.#isStopped()) return undefined;
    const loaded = await this.#account.load();
    const item = await this.#services.mailbox.next(loaded.lease);
    return item && { item, loaded };
  }

  async #greetLate(): Promise<void> {
    // Anybody can have many rooms wait: they are not looked at with every message.
    const isTooSoon = performance.now() - this.#lookedForUngreeted < UNGREETED_LOOKS_MS;
    if (!this.#ungreeted || isTooSoon || this.#isStopped()) return;
    this.#lookedForUngreeted = performance.now();
    const { waiting, againMs } = await this.#greeting.late(await this.#account.load());
    this.#ungreeted = waiting > 0;
    if (againMs !== undefined) this.#after(againMs, () => this.ring());
  }

  async #tellOfMissingKeys(): Promise<void> {
    if (!this.#untold || this.#isStopped()) return;
    const dueMs = await this.#services.missingKeys.tell(this, await this.#account.load());
    this.#untold = dueMs !== undefined;
    if (dueMs !== undefined) this.#after(dueMs, () => this.wake());
  }

  async #tellOfSilence(roomId: string, { userIds }: VerifiedIdentityChanged, lease: Lease): Promise<void> {
    const { trustNotices, notices, rooms } = this.#services;
    this.log.error({ room: roomId, users: userIds }, "nothing is said here: an identity that was verified has changed");
    for (const userId of userIds) {
      const content = await notices.silenced(this, roomId, userId);
      // In a room with nobody else it is the same as what they were told when they were not heard.
      const isAlone = (await rooms.soleCompanion(roomId, this.userId)) === userId;
      const unlessTold = isAlone ? (["verified_identity_changed"] as const) : [];
      await trustNotices.tell(this, lease, { roomId, userId, why: "silenced", content, unlessTold });
    }
  }

  async #tellOfNoIdentity(roomId: string, lease: Lease): Promise<void> {
    const { trustNotices, notices } = this.#services;
    this.log.error({ room: roomId }, "nothing is said here: this ghost's device is not signed by its identity");
    const content = await notices.unsigned(this, roomId);
    await trustNotices.tell(this, lease, { roomId, userId: this.userId, why: "agent_unsigned", content });
  }

  /** A device that is gone stops the ghost when it next looks at its /sync. */
  #orHalted(error: unknown): unknown {
    if (!isUnknownDevice(error)) return error;
    this.ring();
    return new GhostHalted(this.userId, { cause: error });
  }

  /** Whoever is verified now may have been told before that they are not trusted. */
  async #verified(flow: Flow, cancelled: string | undefined): Promise<void> {
    if (cancelled !== undefined) return;
    const { trustNotices, notices, verification } = this.#services;
    await trustNotices.forget(flow.userId);
    if (verification !== "accept") return;
    const roomId = flow.roomId ?? (await this.#directRoomWith(flow.userId));
    if (roomId === undefined) return;
    const content = await notices.verifiedUnseen(this, roomId);
    this.#background.run("verification notice", () =>
      this.send(roomId, "m.room.message", content, `verified ${flow.flowId}`, { form: "of_room" }).then(
        () => undefined,
      ),
    );
  }

  /** A direct chat with somebody, as far as is known. */
  async #directRoomWith(person: string): Promise<string | undefined> {
    for (const roomId of await this.#services.store.calledDirectWith(this.userId, person)) {
      if ((await partnerIn(this.#services, this.userId, roomId)) === person) return roomId;
    }
    return undefined;
  }

  async #answerDoorbell(): Promise<void> {
    if (!this.#doorbell) return;
    this.#doorbell = false;
    try {
      const { device } = await this.#account.load();
      await device.catchUp();
    } catch (error) {
      this.#doorbell = true;
      throw error;
    }
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

/** Halted: the device is gone from the server; only a new one, which somebody asks for, brings the ghost back. */
type GhostState =
  { readonly kind: "idle" | "halted" | "stopped" } | { readonly kind: "working"; readonly done: Promise<void> };
