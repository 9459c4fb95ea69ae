import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { DeviceSync } from "../homeserver/device-calls.ts";
import type { Logger } from "../observability/log.ts";
import type { TrustLevel, VerificationMode } from "../config/config.ts";
import type { Distrust } from "../permissions/trust.ts";
import { establishIdentity, keepIdentity, type IdentityOptions } from "./identity.ts";
import { KeyBackup, type BackupServer } from "./key-backup.ts";
import type { SecretStorage } from "./secret-storage.ts";
import { isUserId, userIds as engineIds } from "./engine-ids.ts";
import { serverOf } from "../matrix/server-name.ts";
import { Outgoing } from "./outgoing.ts";
import { RoomEncryptor, type EncryptionTarget } from "./room-encryptor.ts";
import { EngineCalls } from "./engine-calls.ts";
import { isKeyBundle, SharedHistory } from "./shared-history.ts";
import { shieldOf, type Shield } from "./shield.ts";
import { distrust } from "./distrust.ts";
import { Coalesced } from "../concurrency/serial.ts";
import type { StoreSession } from "./store/crypto-store.ts";
import type { DeviceTransport } from "./transport.ts";
import type { Trials } from "./trials.ts";
import {
  flowIn,
  VerificationMessages,
  type Flow,
  type TargetIn,
  type VerificationForm,
} from "./verification-messages.ts";
import { Verifications, type VerificationLedger } from "./verifications.ts";
import { reached } from "../observability/steps.ts";
import type { Retryable } from "../observability/retryable.ts";

/** What came of an encrypted event. */
export type Decryption =
  | {
      readonly kind: "decrypted";
      readonly type: string;
      readonly content: Readonly<Record<string, unknown>>;
      /** What a client would show beside it; undefined when all is well. */
      readonly shield: Shield | undefined;
    }
  /** Readable, but what says it is not trusted enough. The content is for telling whom to tell so, and for nothing else. */
  | {
      readonly kind: "distrusted";
      readonly why: Distrust;
      readonly type: string;
      readonly content: Readonly<Record<string, unknown>>;
    }
  /** The key of the session is not here (yet). */
  | {
      readonly kind: "missing_key";
      readonly sessionId: string;
      /** Why the sender keeps it back, if it said so: a code of `m.room_key.withheld` (spec "Reporting that decryption keys are withheld"). */
      readonly withheld?: string;
    }
  /** No key can help: forged, malformed, or of an algorithm nobody should use. `reason` is for the log. */
  | { readonly kind: "refused"; readonly reason: string };

/** Why nobody at a user's devices reads what is said to them. */
export interface Obstacle {
  readonly why: Extract<Distrust, "unsigned_device" | "identity_changed" | "unverified_identity">;
  /** How many devices there are. */
  readonly devices: number;
}

/** What decryption needs of an event. */
export interface EncryptedEvent {
  readonly room_id: string;
  readonly sender: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** An event of a verification, as it reads in clear. */
export interface VerificationEvent {
  readonly event_id: string;
  readonly room_id: string;
  readonly sender: string;
  readonly type: string;
  readonly origin_server_ts: number;
  readonly content: Readonly<Record<string, unknown>>;
}

/** What a device needs of its surroundings. */
export interface DeviceOptions {
  readonly userId: string;
  readonly deviceId: string;
  readonly store: StoreSession;
  /** 32 bytes that encrypt the store. */
  readonly storeKey: Uint8Array;
  readonly transport: DeviceTransport;
  readonly backup: BackupServer;
  readonly storage: SecretStorage;
  readonly verification: {
    readonly mode: VerificationMode;
    readonly ledger: VerificationLedger;
    /** Who may verify the agent. */
    readonly isAllowed: (flow: Flow) => boolean;
    /** For whom its answers are encrypted in a room. */
    readonly targetIn: TargetIn;
  };
  /** How far whoever hands over keys of a room's history has to be trusted. */
  readonly trusted: (roomId: string) => TrustLevel;
  /** Where the last session's /sync ended. */
  readonly since: string | undefined;
  /** Keeps the place in /sync; called after the store holds what came before it. */
  readonly saveSince: (since: string) => Promise<void>;
  /** Is told how many messages were not looked at because of what they are, whatever {@link admit} says. */
  readonly onRefused?: (count: number) => void;
  /** Which of the messages that were sent to the device the engine is to be given; by default all. */
  readonly admit?: (messages: DeviceSync["toDevice"]) => Promise<DeviceSync["toDevice"]>;
  readonly trials: Trials;
  /** Room keys came in; called before the sync that brought them resolves. */
  readonly onRoomKeys: (sessionIds: readonly string[]) => Promise<void>;
  readonly log: Logger;
}

/** A /sync has no more to-device messages than so many. */
const BATCH = 100;

/** So many syncs that were not full are read in a row, for servers that hand out fewer. */
const MOST_SHORT_BATCHES = 3;

/**
 * Tells, asked for one /sync after the other, whether all is there that was sent when the first was made. A server hands out a
 * hundred messages at a time, and forgets them once the next token is shown to it. Whoever sends without a pause must not keep
 * the rest waiting: what comes meanwhile is for the next time.
 */
function caughtUp(): (told: DeviceSync) => boolean {
  let short = 0;
  return ({ toDevice }) => {
    if (toDevice.length < BATCH) short++;
    return toDevice.length === 0 || short >= MOST_SHORT_BATCHES;
  };
}

/**
 * A ghost's device: its OlmMachine and all that the engine's contract asks of a host. To-device messages, device lists
 * and key counts come from `/sync` as this device and from nowhere else; every state is in the database before anything
 * that depends on it leaves. After {@link close} every call rejects.
 */
export class Device {
  readonly userId: string;
  readonly deviceId: string;
  readonly #options: DeviceOptions;
  readonly #machine: engine.OlmMachine;
  readonly #calls: EngineCalls;
  readonly #outgoing: Outgoing;
  readonly #encryptor: RoomEncryptor;
  readonly #backup: KeyBackup;
  readonly #verifications: Verifications;
  readonly #messages: VerificationMessages;
  readonly #history: SharedHistory;
  readonly #catchUp = new Coalesced(() => this.#sync());
  readonly #arrivedSessions: string[] = [];
  readonly #refreshed = new Map<string, number>();
  #writes = 0;
  #since: string | undefined;
  #lastCounts = "";
  #closed = false;

  private constructor(options: DeviceOptions, machine: engine.OlmMachine) {
    this.userId = options.userId;
    this.deviceId = options.deviceId;
    this.#options = options;
    this.#machine = machine;
    this.#calls = new EngineCalls(options.store.failed);
    this.#since = options.since;
    const { transport, verification } = options;
    this.#outgoing = new Outgoing(machine, this.#calls, transport, options.log, (request) =>
      this.#messages.send(request),
    );
    this.#encryptor = new RoomEncryptor(machine, this.#calls, this.#outgoing);
    this.#messages = new VerificationMessages({
      encryptor: this.#encryptor,
      transport,
      outgoing: this.#outgoing,
      targetIn: verification.targetIn,
    });
    this.#backup = new KeyBackup({
      machine,
      calls: this.#calls,
      server: options.backup,
      storage: options.storage,
      log: options.log,
    });
    this.#verifications = new Verifications({
      machine,
      calls: this.#calls,
      outgoing: this.#outgoing,
      ...options.verification,
      messages: this.#messages,
      log: options.log,
    });
    this.#history = new SharedHistory({
      machine,
      calls: this.#calls,
      outgoing: this.#outgoing,
      download: (uri) => options.transport.download(uri),
      trusted: options.trusted,
      log: options.log,
    });
  }

  /** Opens the device on its store, new or as it was left. Nothing is sent yet. */
  static async open(options: DeviceOptions): Promise<Device> {
    await engine.initAsync();
    const handle = await engine.StoreHandle.openWithKey(options.store.name, options.storeKey);
    const machine = await engine.OlmMachine.initFromStore(
      new engine.UserId(options.userId),
      new engine.DeviceId(options.deviceId),
      handle,
    );
    handle.free();
    const device = new Device(options, machine);
    machine.registerRoomKeyUpdatedCallback((keys) => {
      device.#arrivedSessions.push(...keys.map((key) => key.sessionId));
      return Promise.resolve();
    });
    if (options.since === undefined) {
      // Said by no server: that there is no unused fallback key. The first upload then carries one. And whatever was
      // tracked before may have changed unseen.
      await device.#calls.run(async () => {
        await machine.receiveSyncChangesMsc4186("[]", new engine.DeviceLists(), new Map(), new Set());
        await machine.markAllTrackedUsersAsDirty();
      });
    }
    await device.#backup.resume();
    return device;
  }

  /** The device's fingerprint (Ed25519, unpadded base64), as clients show it. */
  get fingerprint(): string {
    return this.#machine.identityKeys.ed25519.toBase64();
  }

  /** Grows with everything that is received or encrypted: a store that lags behind it is out of date. */
  get writes(): number {
    return this.#writes;
  }

  /** The identity's master key (Ed25519, unpadded base64), as clients show it; undefined before there is one. */
  async masterKey(): Promise<string | undefined> {
    const identity = await this.#calls.run(() => this.#machine.getIdentity(new engine.UserId(this.userId)));
    if (identity === undefined) return undefined;
    const { keys } = JSON.parse(identity.masterKey) as { keys: Record<string, string> };
    return Object.values(keys)[0];
  }

  /** Uploads what the server is to know: device keys, one-time keys, the cross-signing identity. See establishIdentity. */
  async establishIdentity(how: { readonly reset: boolean }): Promise<{ readonly restored: boolean }> {
    await this.#outgoing.drain();
    const result = await establishIdentity({ ...this.#identityOptions(), ...how });
    await this.#outgoing.drain();
    return result;
  }

  /** Puts the identity's secrets into secret storage and begins the backup of room keys. Throws HomeserverError. */
  async secure(): Promise<void> {
    await keepIdentity(this.#identityOptions());
    await this.#backup.establish();
  }

  /** Reads the room keys of the backup into the store, and tells of them. Throws HomeserverError. */
  async restoreKeys(): Promise<void> {
    await this.#backup.establish();
    const sessions = await this.#backup.restore();
    if (sessions.length > 0) await this.#options.onRoomKeys(sessions);
  }

  /**
   * Brings the device up to date: everything that was sent to it before this call is in its store when it resolves.
   * Rejects when the server can't be reached; what was received until then is kept.
   */
  catchUp(): Promise<void> {
    return this.#catchUp.run();
  }

  /** Begins to follow the users' device lists, so that the next message reaches all of their devices. */
  async track(userIds: readonly string[]): Promise<void> {
    await this.#calls.run(() => this.#machine.updateTrackedUsers(engineIds(userIds)));
    await this.#outgoing.drain();
  }

  /**
   * Learns the devices of users of whom the server may not have told what changed, and follows them from now on. Returns
   * those whose devices are known as they are now; those on servers that are away are not. Throws HomeserverError.
   */
  async meet(userIds: readonly string[]): Promise<readonly string[]> {
    const tracked = await this.#calls.run(() => this.#machine.trackedUsers());
    const followed = new Set([...tracked].map((userId) => userId.toString()));
    // Whom the engine does not follow yet it asks for by itself, until it is answered.
    await this.track(userIds);
    const silent = await this.#query(userIds.filter((userId) => followed.has(userId)));
    return userIds.filter((userId) => !silent.has(userId.slice(userId.indexOf(":") + 1)));
  }

  /**
   * Asks the server for users' devices and identities as they are now, but for those of whom that was done a moment ago.
   * Throws HomeserverError.
   */
  async refresh(userIds: readonly string[]): Promise<void> {
    await this.track(userIds);
    const now = performance.now();
    for (const [userId, at] of this.#refreshed) if (now - at >= REFRESH_AGAIN_MS) this.#refreshed.delete(userId);
    await this.#query(userIds.filter((userId) => now - (this.#refreshed.get(userId) ?? -Infinity) >= REFRESH_AGAIN_MS));
  }

  /**
   * Takes an event of a verification that goes on in a room, as it reads in clear. Throws what the server or the store
   * throw.
   *
   * @param form how it came, and is to be answered.
   */
  async receiveVerification(event: VerificationEvent, form: VerificationForm): Promise<void> {
    if (!isUserId(event.sender)) return;
    // The request is what the others relate to.
    this.#messages.heard(flowIn(event.content) ?? event.event_id, form);
    // The engine passes over, in silence, whose keys it has never asked for.
    await this.track([event.sender]);
    const give = (): Promise<void> =>
      this.#calls.run(() =>
        this.#machine.receiveVerificationEvent(JSON.stringify(event), new engine.RoomId(event.room_id)),
      );
    const flow = { userId: event.sender, flowId: flowIn(event.content) ?? "", roomId: event.room_id };
    await this.#giveInTime(event.type, flow, give);
    this.#verifications.heardOf(event.sender);
    if (isStep(event.type)) this.#verifications.heardStep(flow);
    await this.#outgoing.drain();
    await this.#verifications.advance();
  }

  /**
   * Tells who began a verification before this device was opened, or while it is being put away, that it has come to nothing.
   * Rejects when that can't be encrypted or sent.
   *
   * @param form how its events came, as far as is known.
   */
  async cancelVerification(flow: Flow, form: VerificationForm | undefined): Promise<void> {
    if (form !== undefined) this.#messages.heard(flow.flowId, form);
    await this.#verifications.cancelForgotten(flow);
  }

  /** An invite is being accepted: keys of the room's history that the inviter hands over are taken (MSC4268). */
  async expectHistory(roomId: string, inviter: string): Promise<void> {
    if (isUserId(inviter)) await this.#history.expect(roomId, inviter);
  }

  /**
   * What keeps a user's devices from being trusted: why none of them reaches a level, and how many there are. Undefined when
   * one does. By what is known now: see {@link meet}.
   */
  async obstacleTo(userId: string, level: TrustLevel): Promise<Obstacle | undefined> {
    if (level === "unverified") return undefined;
    if (!isUserId(userId)) return { why: "unsigned_device", devices: 0 };
    return this.#calls.run(async () => {
      const identity = await this.#machine.getIdentity(new engine.UserId(userId));
      const devices = (await this.#machine.getUserDevices(new engine.UserId(userId))).devices();
      const obstacle = (why: Obstacle["why"]): Obstacle => ({ why, devices: devices.length });
      if (!devices.some((device) => device.isCrossSignedByOwner())) return obstacle("unsigned_device");
      const isNew = identity instanceof engine.OtherUserIdentity && identity.identityNeedsUserApproval();
      if (level === "cross-signed-tofu" && isNew) return obstacle("identity_changed");
      const isVerified = devices.some((device) => device.isCrossSigningTrusted());
      return level === "cross-signed-verified" && !isVerified ? obstacle("unverified_identity") : undefined;
    });
  }

  /** Whether somebody is verifying the agent. */
  get isVerifying(): boolean {
    return this.#verifications.isOpen;
  }

  /**
   * Decrypts an `m.room.encrypted` event of a room. An event whose sender does not own the device that made its session
   * is refused (CVE-2025-48937): without that, anybody in the room could put words into another's mouth. Rejects only
   * when the store or the server fails.
   *
   * @param trusted the level that the sender's device has to reach; this device itself has not to.
   */
  async decrypt(event: EncryptedEvent, trusted: TrustLevel): Promise<Decryption> {
    // Who looks at identities wants to have heard of a change before the message that comes after it.
    if (trusted === "cross-signed-tofu" || trusted === "cross-signed-verified") await this.catchUp();
    const decryption = await this.#decryptOnce(event, trusted);
    const isUnknown = decryption.kind === "decrypted" && decryption.shield === "unknown_device";
    if (decryption.kind === "distrusted" || isUnknown) {
      // Only who is known can be told from who pretends to be somebody; and what was not signed may have been since.
      await this.refresh([event.sender]);
      return this.#decryptOnce(event, trusted);
    }
    return decryption;
  }

  async #decryptOnce(event: EncryptedEvent, trusted: TrustLevel): Promise<Decryption> {
    const settings = new engine.DecryptionSettings(engine.TrustRequirement.Untrusted);
    try {
      const decrypted = await this.#calls.run(() =>
        this.#machine.decryptRoomEvent(JSON.stringify(event), new engine.RoomId(event.room_id), settings),
      );
      const shield = await this.#shieldNow(event.sender, decrypted);
      if (shield === "mismatched_sender") return { kind: "refused", reason: "MismatchedSender" };
      const { type, content } = JSON.parse(decrypted.event) as { type: string; content: Record<string, unknown> };
      const why = this.#isOwn(event, decrypted, shield)
        ? undefined
        : distrust(shield, trusted, await this.#isIdentityNew(event.sender, trusted));
      return why === undefined
        ? { kind: "decrypted", type, content, shield }
        : { kind: "distrusted", why, type, content };
    } catch (error) {
      if (!(error instanceof engine.MegolmDecryptionError)) throw error;
      const sessionId = event.content["session_id"];
      const { MissingRoomKey, UnknownMessageIndex } = engine.DecryptionErrorCode;
      if ((error.code === MissingRoomKey || error.code === UnknownMessageIndex) && typeof sessionId === "string") {
        const withheld = error.withheldCode;
        return { kind: "missing_key", sessionId, ...(withheld === undefined ? {} : { withheld }) };
      }
      return { kind: "refused", reason: engine.DecryptionErrorCode[error.code] };
    }
  }

  /** Encrypts an event for a room's recipients; see {@link RoomEncryptor.encrypt}. Catches up first. */
  async encrypt(target: EncryptionTarget, eventType: string, content: object): Promise<string> {
    await this.catchUp();
    const encrypted = await this.#encryptor.encrypt(target, eventType, content);
    this.#writes++;
    this.#backup.wake();
    return encrypted;
  }

  /**
   * Takes in what was sent to a device that is being replaced, and backs its keys up; nothing else leaves it any more.
   * Throws HomeserverError.
   */
  async receiveLast(): Promise<void> {
    const isCaughtUp = caughtUp();
    for (let isOver = false; !isOver;) {
      const told = await this.#options.transport.sync(this.#since);
      const answer = await this.#admitted(told);
      if (answer.toDevice.length > 0) await this.#receive(answer);
      this.#since = answer.nextBatch;
      isOver = isCaughtUp(told);
    }
    await this.#backup.flush();
  }

  /** Ends the device's work and frees its memory. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#outgoing.close();
    await this.#backup.close();
    // The engine must not be closed under a call that is still running, nor called afterwards.
    await this.#calls.close(this.#closedError());
    this.#machine.close();
  }

  async #sync(): Promise<void> {
    const isCaughtUp = caughtUp();
    for (let isOver = false; !isOver;) {
      if (this.#closed) throw this.#closedError();
      const told = await this.#options.transport.sync(this.#since);
      reached("sync.answered");
      const answer = await this.#admitted(told);
      const counts = JSON.stringify([answer.keyCounts, answer.unusedFallbackKeys]);
      if (this.#hasNews(answer, counts)) {
        await this.#receive(answer);
        reached("sync.received");
        await this.#options.saveSince(answer.nextBatch);
        reached("sync.saved");
        this.#lastCounts = counts;
      }
      this.#since = answer.nextBatch;
      await this.#outgoing.drain();
      await this.#verifications
        .advance()
        .catch((error: unknown) => this.#options.log.warn({ error }, "a verification could not go on"));
      await this.#takeHistory();
      isOver = isCaughtUp(told);
    }
  }

  /** Every call of the engine writes its whole account, so it is asked only when there is something to say. */
  #hasNews(answer: DeviceSync, counts: string): boolean {
    return (
      counts !== this.#lastCounts ||
      answer.toDevice.length > 0 ||
      answer.changedUsers.length > 0 ||
      answer.leftUsers.length > 0
    );
  }

  /** What a /sync told, without the messages that are not to be taken. */
  async #admitted(told: DeviceSync): Promise<DeviceSync> {
    const { admit, log } = this.#options;
    const heard = told.toDevice.filter((message) => this.#mayBeHeard(message));
    const unheard = told.toDevice.length - heard.length;
    if (unheard > 0) {
      this.#options.onRefused?.(unheard);
      log.warn({ count: unheard }, "to-device messages refused: nobody's, or verifications of strangers");
    }
    return { ...told, toDevice: admit === undefined || heard.length === 0 ? heard : await admit(heard) };
  }

  /**
   * Whether a to-device message is looked at: one is not where its sender has no user id. Every server may send them, in any
   * number. Somebody of another server who may not verify the agent is not answered, because their server could make up people
   * without end and answer slowly when it is asked for the keys of each.
   */
  #mayBeHeard({ type, sender, content }: DeviceSync["toDevice"][number]): boolean {
    if (!isUserId(sender)) return false;
    if (!isVerification(type) || serverOf(sender) === serverOf(this.userId)) return true;
    const flow = { userId: sender, flowId: transactionOf(content) ?? "", roomId: undefined };
    return this.#options.verification.isAllowed(flow);
  }

  async #receive(answer: DeviceSync): Promise<void> {
    const { trials } = this.#options;
    this.#writes++;
    if (answer.toDevice.length > 0 && (await trials.begin())) {
      await this.#give(answer, []);
      for (const message of answer.toDevice) {
        if (!(await trials.mayTry(message))) continue;
        await this.#give(answer, [message]);
        await trials.passed(message);
      }
    } else await this.#give(answer, answer.toDevice);
    await this.#tellOfKeys();
  }

  /** What can't be had now must not hold up the mail; it is looked for again. */
  async #takeHistory(): Promise<void> {
    await this.#history
      .take()
      .catch((error: unknown) => this.#options.log.warn({ error }, "keys of a room's history were not taken yet"));
    await this.#tellOfKeys();
  }

  async #tellOfKeys(): Promise<void> {
    const sessions = [...this.#arrivedSessions];
    if (sessions.length === 0) return;
    await this.#options.onRoomKeys(sessions);
    this.#backup.wake();
    // Kept until they have been heard of: the engine tells of a key only once.
    this.#arrivedSessions.splice(0, sessions.length);
  }

  /** An end that comes before the operator has decided is given to the engine afterwards. */
  async #giveInTime(type: string, flow: Pick<Flow, "userId" | "flowId">, give: () => Promise<void>): Promise<void> {
    if (type !== VERIFICATION_DONE || !(await this.#verifications.waitsForUs(flow, give))) await give();
  }

  async #give(answer: DeviceSync, messages: DeviceSync["toDevice"]): Promise<void> {
    const ends = messages.filter(({ type }) => type === VERIFICATION_DONE);
    await this.#giveAll(
      answer,
      ends.length === 0 ? messages : messages.filter(({ type }) => type !== VERIFICATION_DONE),
    );
    // After what they are the end of.
    for (const end of ends) {
      const { sender, content } = end;
      const flow = { userId: typeof sender === "string" ? sender : "", flowId: transactionOf(content) ?? "" };
      await this.#giveInTime(VERIFICATION_DONE, flow, () => this.#giveAlone(end));
    }
  }

  /** A message of which the server has told before, and nothing else. */
  async #giveAlone(message: DeviceSync["toDevice"][number]): Promise<void> {
    await this.#calls.run(() =>
      this.#machine.receiveSyncChangesMsc4186(JSON.stringify([message]), new engine.DeviceLists(), new Map()),
    );
    if (typeof message["sender"] === "string") this.#verifications.heardOf(message["sender"]);
  }

  async #giveAll(answer: DeviceSync, messages: DeviceSync["toDevice"]): Promise<void> {
    const strangers = messages.flatMap(({ type, sender }) =>
      (type === VERIFICATION_REQUEST || type === VERIFICATION_START) && typeof sender === "string" ? [sender] : [],
    );
    // The engine passes over, in silence, whose keys it has never asked for.
    if (strangers.length > 0) await this.track(strangers);
    const received = await this.#calls.run(() =>
      this.#machine.receiveSyncChanges(
        JSON.stringify(messages),
        new engine.DeviceLists(engineIds(answer.changedUsers), engineIds(answer.leftUsers)),
        new Map(Object.entries(answer.keyCounts)),
        new Set(answer.unusedFallbackKeys),
      ),
    );
    const refused: unknown[] = [];
    for (const { rawEvent, type: kind } of received) {
      const { type, sender, content } = JSON.parse(rawEvent) as Record<"type" | "sender" | "content", unknown>;
      if (isVerification(type) && typeof sender === "string") {
        const flowId = transactionOf(content);
        this.#verifications.heardOf(sender, type === VERIFICATION_START ? flowId : undefined);
        if (isStep(type) && flowId !== undefined) {
          this.#verifications.heardStep({ userId: sender, flowId, roomId: undefined });
        }
      }
      if (isKeyBundle(type)) this.#history.heard();
      if (kind === UnableToDecrypt || kind === Invalid) refused.push(sender);
    }
    if (refused.length > 0) {
      const senders = [...new Set(refused)].slice(0, MAX_SENDERS_LOGGED);
      this.#options.log.warn(
        { count: refused.length, senders },
        "to-device messages refused: forged, broken or too late",
      );
    }
  }

  /** Whether this device wrote it itself, which needs nobody's word. Of a key from the backup only the server says whose it is. */
  #isOwn({ sender }: EncryptedEvent, { senderCurve25519Key }: engine.DecryptedRoomEvent, shield?: Shield): boolean {
    const isOurs = senderCurve25519Key === this.#machine.identityKeys.curve25519.toBase64();
    return sender === this.userId && isOurs && shield !== "authenticity_not_guaranteed";
  }

  /** The engine keeps what it thought of a session's sender when the key came; who was verified since has no shield. */
  async #shieldNow(sender: string, decrypted: engine.DecryptedRoomEvent): Promise<Shield | undefined> {
    const shield = shieldOf(decrypted);
    const { senderDevice, senderCurve25519Key } = decrypted;
    if (shield !== "unverified_identity" || senderDevice === undefined) return shield;
    const device = await this.#calls.run(() => this.#machine.getDevice(new engine.UserId(sender), senderDevice));
    const isVerified =
      device?.isCrossSigningTrusted() === true && device.curve25519Key?.toBase64() === senderCurve25519Key;
    return isVerified ? undefined : shield;
  }

  /** Returns the servers that gave no answer. */
  async #query(users: readonly string[]): Promise<Set<string>> {
    const userIds = users.filter(isUserId);
    if (userIds.length === 0) return new Set();
    const query = await this.#calls.run(() => Promise.resolve(this.#machine.queryKeysForUsers(engineIds(userIds))));
    const answer = JSON.parse(await this.#outgoing.send(query)) as { failures?: object };
    const now = performance.now();
    for (const userId of userIds) this.#refreshed.set(userId, now);
    return new Set(Object.keys(answer.failures ?? {}));
  }

  /** Whether somebody's identity is another one than was seen first; asked only where that matters. */
  async #isIdentityNew(userId: string, trusted: TrustLevel): Promise<boolean> {
    if (trusted !== "cross-signed-tofu") return false;
    const identity = await this.#calls.run(() => this.#machine.getIdentity(new engine.UserId(userId)));
    return identity instanceof engine.OtherUserIdentity && identity.identityNeedsUserApproval();
  }

  #identityOptions(): IdentityOptions {
    const { transport, storage } = this.#options;
    const { userId, deviceId } = this;
    return {
      userId,
      deviceId,
      machine: this.#machine,
      calls: this.#calls,
      outgoing: this.#outgoing,
      transport,
      storage,
    };
  }

  #closedError(): DeviceClosed {
    return new DeviceClosed(`the device of ${this.userId} has been closed`);
  }
}

/** Somebody who writes from devices that are not trusted is not asked about with every message, in ms. */
const REFRESH_AGAIN_MS = 30_000;

const { UnableToDecrypt, Invalid } = engine.ProcessedToDeviceEventType;

/** Anybody can send rubbish from any number of users. */
const MAX_SENDERS_LOGGED = 10;

/** By to-device message a verification may be started without a request. */
const VERIFICATION_REQUEST = "m.key.verification.request";
const VERIFICATION_START = "m.key.verification.start";
const VERIFICATION_DONE = "m.key.verification.done";
/** The beginning of the types of all that belongs to a verification. */
const VERIFICATION = "m.key.verification.";

/** Whether an event of this type belongs to a verification. */
export function isVerification(type: unknown): type is string {
  return typeof type === "string" && type.startsWith(VERIFICATION);
}

/** Whether an event of this type goes on with a verification, so that its sender waits for an answer. */
function isStep(type: string): boolean {
  return ["ready", "start", "accept", "key", "mac"].some((step) => type === VERIFICATION + step);
}

function transactionOf(content: unknown): string | undefined {
  const id = (content as { transaction_id?: unknown } | null | undefined)?.transaction_id;
  return typeof id === "string" ? id : undefined;
}

/** The device is used no more: its process stops, or its store failed and it is loaded again. */
export class DeviceClosed extends Error implements Retryable {
  override readonly name = "DeviceClosed";
  readonly retryable = true;
}
