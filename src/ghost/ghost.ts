import { Background } from "../concurrency/background.ts";
import { decryptAttachment, encryptAttachment } from "../crypto/attachment.ts";
import { DeviceUnsigned, VerifiedIdentityChanged } from "../crypto/room-encryptor.ts";
import { downloadMedia, uploadMedia } from "../homeserver/calls.ts";
import { MatrixError } from "../homeserver/errors.ts";
import { readReceipt, redactEvent, sendState } from "../homeserver/room-calls.ts";
import { roomEvent } from "../homeserver/room-history.ts";
import { parseRelation } from "../matrix/relation.ts";
import type { Logger } from "../observability/log.ts";
import { ClearEvents } from "./clear-events.ts";
import { DirectRooms } from "./direct-rooms.ts";
import { EncryptedEvents } from "./encrypted-events.ts";
import { readEvent } from "./event-reader.ts";
import type { Form, SendOptions, SentEvent, SentFile } from "./form.ts";
import { GhostAccount } from "./ghost-account.ts";
import { GhostActor, type Hold } from "./ghost-actor.ts";
import type { EventOutside, GhostFile, GhostHandle, ReadEvent } from "./ghost-handle.ts";
import type { GhostServices } from "./ghost-services.ts";
import { Greeting } from "./greeting.ts";
import { Invites } from "./invites.ts";
import { deviceOf } from "./loaded-ghost.ts";
import { MailHandler } from "./mail-handler.ts";
import { MembershipEvents } from "./membership-events.ts";
import { lookAt, type RoomLook } from "./room-look.ts";
import { transactionId } from "./outbox.ts";
import { RoomUpgrades } from "./room-upgrades.ts";
import { Sender } from "./sender.ts";
import { TrustEvents } from "./trust-events.ts";
import type { LiveStream } from "./live-stream.ts";
import { LiveStreams } from "./live-streams.ts";
import { Typing } from "./typing.ts";

/** A file of some megabytes from another server takes its time. */
const DOWNLOAD_TIMEOUT_MS = 60_000;

/** The time for which another server's missing file is retried. */
const DOWNLOAD_RETRIED_FOR_MS = 5_000;

/** The shared services for acting as a ghost. */
type GhostSurfaceServices = Pick<
  GhostServices,
  | "client"
  | "database"
  | "isGhost"
  | "log"
  | "memberships"
  | "mode"
  | "outbox"
  | "permissions"
  | "roomSettings"
  | "rooms"
  | "trustIn"
>;

/** An agent's Matrix user, with its own device, store and keys: the actions in its name. Its actor handles its mail. */
export class Ghost implements GhostHandle {
  readonly userId: string;
  readonly isBot: boolean;
  readonly log: Logger;
  readonly actor: GhostActor;
  readonly #services: GhostSurfaceServices;
  readonly #account: GhostAccount;
  readonly #sender: Sender;
  readonly #background: Background;
  readonly #trust: TrustEvents;
  readonly #typing: Typing;
  readonly #streams: LiveStreams;

  constructor(userId: string, isBot: boolean, services: GhostServices) {
    this.userId = userId;
    this.isBot = isBot;
    this.log = services.log.child({ ghost: userId });
    this.#services = services;
    this.#background = new Background(this.log);
    this.#trust = new TrustEvents(this, services, this.#background);
    this.#account = new GhostAccount(userId, services, this.log, {
      wake: () => this.actor.wake(),
      verified: (flow, cancelled) => this.#trust.verified(flow, cancelled),
      heard: (message) => this.#streams.heard(message),
    });
    this.#streams = new LiveStreams({
      client: services.client,
      rooms: services.rooms,
      loaded: () => this.#account.load(),
      background: this.#background,
    });
    const stopping = new AbortController();
    this.#sender = new Sender(userId, services, this.#account, stopping.signal);
    this.#typing = new Typing(services.client, userId, this.#background);
    const account = this.#account;
    const greeting = new Greeting(this, services, this.#sender);
    const direct = new DirectRooms(userId, services);
    const invites = new Invites(this, services, { account, direct });
    const clear = new ClearEvents(this, services);
    const encrypted = new EncryptedEvents(this, services, { clear, keyIsLate: () => this.actor.keyIsLate() });
    const greetingWaits = (): void => this.actor.greetingWaits();
    const memberships = new MembershipEvents(this, services, {
      sender: this.#sender,
      greeting,
      invites,
      greetingWaits,
    });
    const upgrades = new RoomUpgrades(this, services, { invites, direct });
    const handler = new MailHandler(this, services, { sender: this.#sender, clear, encrypted, memberships, upgrades });
    this.actor = new GhostActor(this, services, {
      account,
      greeting,
      handler,
      background: this.#background,
      stopping,
    });
  }

  /**
   * Loads the ghost, and keeps it loaded until the returned function is called. Throws LeaseHeld when another process
   * has it, and the errors of loading.
   */
  hold(): Promise<Hold> {
    return this.actor.hold();
  }

  /** Stops the ghost: running work finishes, and waiting mail stays in the mailbox. */
  stop(): Promise<void> {
    this.#typing.stop();
    return this.actor.stop();
  }

  /** Makes the user and its profile, unless that is done. Throws when the server can't be reached. */
  announce(options?: { readonly anew?: boolean }): Promise<void> {
    return this.#account.announce(options);
  }

  /** See {@link GhostAccount.publish}. */
  publish(): Promise<void> {
    return this.#account.publish();
  }

  /** See {@link GhostAccount.isMadeHere}. */
  get isMadeHere(): boolean {
    return this.#account.isMadeHere;
  }

  /** Writes the store's marker to the server. Throws HomeserverError, StaleLease, DatabaseError. */
  mark(): Promise<void> {
    return this.#account.mark();
  }

  /** See {@link GhostAccount.reconcileRooms}. */
  reconcileRooms(signal: AbortSignal): Promise<number> {
    return this.#account.reconcileRooms(signal);
  }

  /** The device's id and fingerprint; the first call makes the device. */
  async fingerprint(): Promise<{ deviceId: string; ed25519: string }> {
    const device = deviceOf(await this.#account.load());
    return { deviceId: device.deviceId, ed25519: device.fingerprint };
  }

  /** Looks at a room. Throws temporary errors. */
  look(roomId: string): Promise<RoomLook> {
    return lookAt(this.#services, this.userId, roomId);
  }

  displayNameOf(roomId: string, userId: string): Promise<string> {
    return this.#look(roomId, () => this.#services.rooms.displayName(roomId, userId));
  }

  speakerOf(roomId: string, userId: string): Promise<string> {
    return this.#look(roomId, () => this.#services.rooms.speaker(roomId, userId));
  }

  /** Reads from a room that is read anew if it has changed; where that fails, the last reading counts. */
  async #look<T>(roomId: string, read: () => Promise<T>): Promise<T> {
    try {
      return (await this.#sender.viewWith(roomId, read)).found;
    } catch (error) {
      this.log.warn({ room: roomId, error }, "the room can't be read");
      return read();
    }
  }

  send(roomId: string, type: string, content: object, step: string, options: SendOptions): Promise<string> {
    return this.#sending(roomId, () => this.#sender.send({ roomId, type, content, step }, options));
  }

  /** The same, and the caller records that the event was sent. */
  sendUnmarked(roomId: string, type: string, content: object, step: string, options: SendOptions): Promise<SentEvent> {
    return this.#sending(roomId, () => this.#sender.sendUnmarked({ roomId, type, content, step }, options));
  }

  /** Keeps the ghost loaded meanwhile, and tells of what keeps it from sending. */
  async #sending<T>(roomId: string, send: () => Promise<T>): Promise<T> {
    const { lease, release } = await this.hold();
    try {
      return await send();
    } catch (error) {
      if (error instanceof VerifiedIdentityChanged) await this.#trust.silenced(roomId, error, lease);
      if (error instanceof DeviceUnsigned) await this.#trust.unsigned(roomId, lease);
      throw this.actor.orHalted(error);
    } finally {
      release();
    }
  }

  /** The id of the event sent earlier under this step; an interrupted send is finished first. */
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

  /** Uploads a file, encrypted where the room is or the form demands it. Throws HomeserverError. */
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
      // The kind of room decides whether unencrypted messages count.
      await this.#sender.view(roomId);
      return await readEvent(this.#services, await this.#account.load(), { roomId, eventId }, signal);
    } catch (error) {
      throw this.actor.orHalted(error);
    } finally {
      release();
    }
  }

  async outsideOf(roomId: string, eventId: string): Promise<EventOutside | undefined> {
    const event = await roomEvent(this.#services.client, { userId: this.userId }, roomId, eventId);
    return event && { sender: event.sender, relation: parseRelation(event.content["m.relates_to"]) };
  }

  async sent(roomId: string, step: string): Promise<string | undefined> {
    return (await this.#services.outbox.find(this.userId, transactionId(this.userId, roomId, step)))?.eventId;
  }

  async isModerator(roomId: string, userId: string): Promise<boolean> {
    return (await this.#sender.viewWith(roomId, () => this.#services.rooms.isModerator(roomId, userId))).found;
  }

  async memberCount(roomId: string): Promise<number> {
    return (await this.#sender.viewWith(roomId, () => this.#services.rooms.memberCount(roomId))).found;
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

  /** Deletes an event of the ghost, once for the same step. */
  async redact(roomId: string, eventId: string, step: string): Promise<void> {
    const { release } = await this.hold();
    try {
      const { access } = await this.#account.load();
      const txnId = transactionId(this.userId, roomId, step);
      await access.call((as) => redactEvent(this.#services.client, as, { roomId, eventId, txnId }));
    } catch (error) {
      throw this.actor.orHalted(error);
    } finally {
      release();
    }
  }

  async sendToAll(roomId: string, content: object, step: string, form: Form = "of_room"): Promise<string> {
    const { release } = await this.hold();
    try {
      return await this.#sender.send({ roomId, type: "m.room.message", content, step }, { form, toAll: true });
    } catch (error) {
      throw this.actor.orHalted(error);
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

  /** A stream for an answer that is about to be shown; undefined where agents have no devices. Throws the errors of loading. */
  makeStream(roomId: string): Promise<LiveStream | undefined> {
    return this.#streams.make(roomId);
  }

  /** Shows that the ghost is typing until the returned function is called. */
  startTyping(roomId: string): () => void {
    return this.#typing.start(roomId);
  }
}
