import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { TrustLevel } from "../config/config.ts";
import type { EncryptionTarget } from "./encryption-target.ts";
import { isUserId, userIds } from "./engine-ids.ts";
import { messageIndex } from "./megolm.ts";
import type { StoreSession } from "./store/crypto-store.ts";
import type { Outgoing } from "./outgoing.ts";
import {
  isSameSharing,
  isStillSettled,
  usedBy,
  type Beginning,
  type MegolmUse,
  type Now,
  type SettledSharing,
} from "./settled-sharing.ts";
import { KeyedSerial, type Serial } from "../concurrency/serial.ts";

/**
 * The identity of a recipient changed after it was verified, and the room has no other recipients or is silent because
 * of it. Nothing is sent until the new identity is verified or the verification is withdrawn.
 */
export class VerifiedIdentityChanged extends Error {
  override readonly name = "VerifiedIdentityChanged";
  readonly userIds: readonly string[];

  constructor(userIds: readonly string[]) {
    super(`the identity of ${userIds.join(", ")} is another one than was verified`);
    this.userIds = userIds;
  }
}

/**
 * The device is not signed by its own identity, whose secrets are elsewhere. Where the level of trust demands
 * signatures of others, nothing is sent.
 */
export class DeviceUnsigned extends Error {
  override readonly name = "DeviceUnsigned";
}

/**
 * The room asks for an encryption algorithm that we do not support. It gets no message rather than an unencrypted one.
 */
export class UnsupportedEncryption extends Error {
  override readonly name = "UnsupportedEncryption";
}

/** An event that was encrypted before the last look at the recipients' devices. */
export interface EncryptedAhead {
  /** The content of the `m.room.encrypted` event. */
  readonly encrypted: string;
  /** The sharing that it relies on, as it was before. */
  readonly sharing: SettledSharing;
}

const MEGOLM = "m.megolm.v1.aes-sha2";

/** What the engine's store tells of its writes. */
type EncryptorStore = Pick<StoreSession, "peopleVersion" | "roomsWithOwnKey">;

/**
 * Shares room keys and encrypts, both under one lock a room: the engine panics when a session expires between the two.
 */
export class RoomEncryptor {
  readonly #machine: engine.OlmMachine;
  readonly #calls: Serial;
  readonly #outgoing: Outgoing;
  readonly #store: EncryptorStore | undefined;
  readonly #rooms = new KeyedSerial();
  /** By room: the session of its last message, where its beginning was seen. */
  readonly #sessions = new Map<string, MegolmUse>();
  /** By room, while nothing is left to share. */
  readonly #settled = new Map<string, SettledSharing>();
  /** The rooms in which no message has followed the last attempt to share: it may have begun a session. */
  readonly #unfinished = new Set<string>();
  /** The rooms in which this process has sent. */
  readonly #sentIn = new Set<string>();
  /** The number of attempts to share, in all rooms. */
  #shares = 0;
  /** By room: the users who were told that they get no key of its session. */
  readonly #told = new Map<string, { readonly sessionId: string; readonly users: ReadonlySet<string> }>();

  /** @param store the engine's store; without it the engine is asked for each message. */
  constructor(machine: engine.OlmMachine, calls: Serial, outgoing: Outgoing, store?: EncryptorStore) {
    this.#machine = machine;
    this.#calls = calls;
    this.#outgoing = outgoing;
    this.#store = store;
  }

  /**
   * Encrypts an event while the recipients' devices are still being looked at; undefined unless nothing was left to share
   * with them before. Only {@link encrypt} can tell whether the look has made this outdated.
   */
  encryptAhead(target: EncryptionTarget, eventType: string, content: object): Promise<EncryptedAhead | undefined> {
    return this.#rooms.run(target.roomId, async () => {
      const settled = this.#settled.get(target.roomId);
      if (settled === undefined || !isStillSettled(settled, target, this.#now())) return undefined;
      const encrypted = await this.#encryptSettled(settled, eventType, content);
      return { encrypted, sharing: settled };
    });
  }

  /**
   * Encrypts an event so that every trusted device of the recipients can read it. Returns the content of the
   * `m.room.encrypted` event as JSON; `m.relates_to` stays outside the ciphertext (spec "m.room.encrypted"). Throws
   * {@link UnsupportedEncryption}, {@link VerifiedIdentityChanged}, {@link DeviceUnsigned}, or the error of a key
   * request: then nothing must be sent.
   *
   * @param ahead the same event, encrypted before the last look at the recipients' devices.
   */
  encrypt(target: EncryptionTarget, eventType: string, content: object, ahead?: EncryptedAhead): Promise<string> {
    if (target.encryption.algorithm !== MEGOLM) {
      return Promise.reject(
        new UnsupportedEncryption(`the room asks for the encryption algorithm ${target.encryption.algorithm}`),
      );
    }
    return this.#rooms.run(target.roomId, async () => {
      const settled = this.#settled.get(target.roomId);
      // A device list that is known to be outdated is queried first.
      if (settled !== undefined) await this.#outgoing.drainBeforeSharing();
      const now = this.#now();
      const isCurrent = (ahead: EncryptedAhead): boolean =>
        settled !== undefined && isSameSharing(settled, ahead.sharing) && isStillSettled(ahead.sharing, target, now);
      if (ahead !== undefined && isCurrent(ahead)) {
        await this.#tellLeftOut(target.roomId, ahead.encrypted, ahead.sharing.leftOut);
        return ahead.encrypted;
      }
      if (settled !== undefined && isStillSettled(settled, target, now)) {
        const encrypted = await this.#encryptSettled(settled, eventType, content);
        await this.#tellLeftOut(target.roomId, encrypted, settled.leftOut);
        return encrypted;
      }
      this.#settled.delete(target.roomId);
      const begun = { at: now.at, encryption: target.encryption };
      const { leftOut, isSettled, encrypted } = await this.#shareAndEncrypt(target, begun, eventType, content);
      const session = this.#sessions.get(target.roomId);
      if (isSettled && session !== undefined) this.#settled.set(target.roomId, { ...now, target, leftOut, session });
      await this.#tellLeftOut(target.roomId, encrypted, leftOut);
      return encrypted;
    });
  }

  #now(): Now {
    return { peopleVersion: this.#store?.peopleVersion() ?? Number.NaN, at: Date.now() };
  }

  /** Encrypts with a session that everybody has. */
  async #encryptSettled(settled: SettledSharing, eventType: string, content: object): Promise<string> {
    const { roomId } = settled.target;
    const encrypted = await this.#encryptNow(roomId, eventType, content, () => undefined);
    const session = this.#sessions.get(roomId);
    if (session === undefined) this.#settled.delete(roomId);
    else this.#settled.set(roomId, { ...settled, session });
    return encrypted;
  }

  /**
   * Shares and encrypts. A first message begins its session now only if the session can't be an earlier attempt's: that
   * of this process, in a room where it has sent, or one that the store did not have. The store's keys say nothing of
   * rooms, so the second is seen only where no other room shares meanwhile.
   */
  async #shareAndEncrypt(
    target: EncryptionTarget,
    begun: Beginning,
    eventType: string,
    content: object,
  ): Promise<{ readonly leftOut: readonly string[]; readonly isSettled: boolean; readonly encrypted: string }> {
    const { roomId } = target;
    const isRetried = this.#unfinished.has(roomId);
    const isAlone = this.#unfinished.size === 0;
    const [share, ownKeys] = [++this.#shares, this.#store?.roomsWithOwnKey()];
    this.#unfinished.add(roomId);
    const shared = await this.#share(target);
    const isSeen = (): boolean => {
      if (isRetried) return false;
      if (this.#sentIn.has(roomId)) return true;
      return isAlone && share === this.#shares && (this.#store?.roomsWithOwnKey() ?? 0) > (ownKeys ?? 0);
    };
    const encrypted = await this.#encryptNow(roomId, eventType, content, () => (isSeen() ? begun : undefined));
    this.#unfinished.delete(roomId);
    this.#sentIn.add(roomId);
    return { ...shared, encrypted };
  }

  /** Gives the room key to all who should have it. Says whether nothing was left to do. */
  async #share(
    target: EncryptionTarget,
  ): Promise<{ readonly leftOut: readonly string[]; readonly isSettled: boolean }> {
    await this.#calls.run(() => this.#machine.updateTrackedUsers(userIds(target.recipients)));
    await this.#outgoing.drainBeforeSharing();
    const { recipients, leftOut } = await this.#trusted(target);
    const claimed = await this.#outgoing.claims.run(() => this.#claimMissing(recipients));
    if (target.newSession === true) {
      await this.#calls.run(() => this.#machine.invalidateGroupSession(new engine.RoomId(target.roomId)));
    }
    // Sharing takes a while in a large room, and the session may expire meanwhile. So this repeats until nothing is
    // left to share.
    for (let shared = 0; ; shared++) {
      const requests = await this.#calls.run(() =>
        this.#machine.shareRoomKey(new engine.RoomId(target.roomId), userIds(recipients), settings(target)),
      );
      if (requests.length === 0) return { leftOut, isSettled: !claimed && shared === 0 };
      for (const request of requests) await this.#outgoing.send(request);
    }
  }

  /** @param begunAt tells the beginning of the session, if this is its first message and that is known. */
  async #encryptNow(
    roomId: string,
    eventType: string,
    content: object,
    begunAt: () => Beginning | undefined,
  ): Promise<string> {
    const encrypted = await this.#calls.run(() =>
      this.#machine.encryptRoomEvent(new engine.RoomId(roomId), eventType, JSON.stringify(content)),
    );
    const { session_id: sessionId, ciphertext } = JSON.parse(encrypted) as { session_id: string; ciphertext: unknown };
    const message = { sessionId, index: messageIndex(ciphertext) };
    const use = usedBy(this.#sessions.get(roomId), message, begunAt());
    if (use === undefined) this.#sessions.delete(roomId);
    else this.#sessions.set(roomId, use);
    return encrypted;
  }

  /** The engine's sharing tells devices only. Users who are left out entirely are told here, once a session. */
  async #tellLeftOut(roomId: string, encrypted: string, leftOut: readonly string[]): Promise<void> {
    if (leftOut.length === 0) return;
    const { session_id: sessionId } = JSON.parse(encrypted) as { session_id: string };
    const told = this.#told.get(roomId);
    const already = told?.sessionId === sessionId ? told.users : new Set<string>();
    const untold = leftOut.filter((userId) => !already.has(userId));
    if (untold.length === 0) return;
    const content = {
      algorithm: MEGOLM,
      room_id: roomId,
      session_id: sessionId,
      sender_key: this.#machine.identityKeys.curve25519.toBase64(),
      code: "m.unverified",
      reason: "The owner's identity is another one than was known.",
    };
    await this.#outgoing.sendToDevices("m.room_key.withheld", untold, content);
    this.#told.set(roomId, { sessionId, users: new Set([...already, ...untold]) });
  }

  /** The recipients without those whose identity changed. */
  async #trusted({ sendTo, onChangedIdentity, ...target }: EncryptionTarget): Promise<Recipients> {
    const recipients = target.recipients.filter(isUserId);
    if (sendTo === "unverified") return { recipients, leftOut: [] };
    const own = await this.#calls.run(() => this.#machine.getIdentity(this.#machine.userId));
    if (!(own instanceof engine.OwnUserIdentity) || !own.isVerified()) {
      throw new DeviceUnsigned(`the device of ${this.#machine.userId.toString()} is not signed`);
    }
    const violations: string[] = [];
    const trusted: string[] = [];
    const leftOut: string[] = [];
    for (const userId of recipients) {
      const identity = await this.#calls.run(() => this.#machine.getIdentity(new engine.UserId(userId)));
      if (identity?.hasVerificationViolation() === true) violations.push(userId);
      const isNew = identity instanceof engine.OtherUserIdentity && identity.identityNeedsUserApproval();
      (sendTo === "cross-signed-tofu" && isNew ? leftOut : trusted).push(userId);
    }
    if (violations.length === 0) return { recipients: trusted, leftOut };
    const others = trusted.filter(
      (userId) => !violations.includes(userId) && userId !== this.#machine.userId.toString(),
    );
    if (onChangedIdentity !== "leave_out" || others.length === 0) throw new VerifiedIdentityChanged(violations);
    return {
      recipients: trusted.filter((userId) => !violations.includes(userId)),
      leftOut: [...leftOut, ...violations],
    };
  }

  /** Returns whether any were missing. */
  async #claimMissing(recipients: readonly string[]): Promise<boolean> {
    const claim = await this.#calls.run(() => this.#machine.getMissingSessions(userIds(recipients)));
    if (claim === null) return false;
    await this.#outgoing.send(claim);
    return true;
  }
}

interface Recipients {
  readonly recipients: readonly string[];
  readonly leftOut: readonly string[];
}

function settings(target: EncryptionTarget): engine.EncryptionSettings {
  const result = new engine.EncryptionSettings();
  result.algorithm = engine.EncryptionAlgorithm.MegolmV1AesSha2;
  result.rotationPeriod = BigInt(target.encryption.rotationPeriodMs) * 1000n;
  result.rotationPeriodMessages = BigInt(target.encryption.rotationPeriodMessages);
  result.historyVisibility = HISTORY_VISIBILITY[target.historyVisibility];
  result.sharingStrategy = STRATEGIES[target.sendTo]();
  return result;
}

const STRATEGIES: Readonly<Record<TrustLevel, () => engine.CollectStrategy>> = {
  unverified: () => engine.CollectStrategy.allDevices(),
  "cross-signed-untrusted": () => engine.CollectStrategy.identityBasedStrategy(),
  "cross-signed-tofu": () => engine.CollectStrategy.identityBasedStrategy(),
  "cross-signed-verified": () => engine.CollectStrategy.onlyTrustedDevices(),
};

const HISTORY_VISIBILITY = {
  invited: engine.HistoryVisibility.Invited,
  joined: engine.HistoryVisibility.Joined,
  shared: engine.HistoryVisibility.Shared,
  world_readable: engine.HistoryVisibility.WorldReadable,
} as const;
