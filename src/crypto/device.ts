import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { TrustLevel, VerificationMode } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import { reached } from "../observability/steps.ts";
import { ArrivedKeys } from "./arrived-keys.ts";
import { Decryptor, type Decryption, type EncryptedEvent } from "./decryptor.ts";
import { DeviceClosed } from "./device-closed.ts";
import { DeviceLists } from "./device-lists.ts";
import { EngineCalls } from "./engine-calls.ts";
import { isUserId } from "./engine-ids.ts";
import {
  establishIdentity,
  IdentityElsewhere,
  sealIdentity,
  storeIdentity,
  type IdentityOptions,
  type KeptIdentity,
} from "./identity.ts";
import { Inbox } from "./inbox.ts";
import { KeyBackup, type BackupServer, type BackupState } from "./key-backup.ts";
import { Outgoing } from "./outgoing.ts";
import type { EncryptionTarget } from "./encryption-target.ts";
import { RoomEncryptor } from "./room-encryptor.ts";
import type { SealedSecrets, SecretStorage } from "./secret-storage.ts";
import { SharedHistory } from "./shared-history.ts";
import type { StoreSession } from "./store/crypto-store.ts";
import { ToDeviceAdmission, type AdmissionRules } from "./to-device-admission.ts";
import type { ToDeviceAttempts } from "./to-device-attempts.ts";
import { ToDeviceReceiver } from "./to-device-receiver.ts";
import type { DeviceTransport } from "./transport.ts";
import { VerificationInbox, type VerificationEvent } from "./verification-inbox.ts";
import { VerificationMessages, type Flow, type TargetIn, type VerificationForm } from "./verification-messages.ts";
import { Verifications, type VerificationLedger } from "./verifications.ts";

/** The things a device needs from its surroundings. */
export interface DeviceOptions {
  readonly userId: string;
  readonly deviceId: string;
  readonly store: StoreSession;
  /** The 32 bytes that encrypt the store. */
  readonly storeKey: Uint8Array;
  readonly transport: DeviceTransport;
  readonly backup: BackupServer;
  readonly storage: SecretStorage;
  readonly keptIdentity: KeptIdentity;
  /** Called when the backup of room keys has come to lag behind, and when it has caught up. */
  readonly onBackup: (state: BackupState) => Promise<void>;
  readonly verification: {
    readonly mode: VerificationMode;
    readonly ledger: VerificationLedger;
    /** Whether this user may verify the agent in this room. */
    readonly isAllowed: (flow: Flow) => boolean;
    /** The recipients of the device's messages in a room. */
    readonly targetIn: TargetIn;
  };
  /** The trust that a user needs to hand over keys of the room's history. */
  readonly trusted: (roomId: string) => TrustLevel;
  readonly inbox: Omit<AdmissionRules, "mayVerify"> & {
    /** The end of the last session's /sync. */
    readonly since: string | undefined;
    /** Saves the position in /sync. Called after the store holds everything before it. */
    readonly saveSince: (since: string) => Promise<void>;
    readonly attempts: ToDeviceAttempts;
    /** Called with new room keys, before the sync that brought them resolves. */
    readonly onRoomKeys: (sessionIds: readonly string[]) => Promise<void>;
  };
  readonly log: Logger;
}

/**
 * A ghost's device: its OlmMachine, and everything that the engine expects of its host. To-device messages, device
 * lists and key counts come only from `/sync` as this device. Every state is in the database before anything that
 * depends on it is sent. After {@link close} every call rejects.
 */
export class Device {
  readonly userId: string;
  readonly deviceId: string;
  /** The known devices and identities of users. */
  readonly lists: DeviceLists;
  readonly #options: DeviceOptions;
  readonly #machine: engine.OlmMachine;
  readonly #calls: EngineCalls;
  readonly #outgoing: Outgoing;
  readonly #encryptor: RoomEncryptor;
  readonly #decryptor: Decryptor;
  readonly #backup: KeyBackup;
  readonly #arrivedKeys: ArrivedKeys;
  readonly #history: SharedHistory;
  readonly #messages: VerificationMessages;
  readonly #verifications: Verifications;
  readonly #verificationInbox: VerificationInbox;
  readonly #inbox: Inbox;
  #encrypted = 0;
  #closed = false;

  private constructor(options: DeviceOptions, machine: engine.OlmMachine) {
    const { transport, storage, verification, log } = options;
    this.userId = options.userId;
    this.deviceId = options.deviceId;
    this.#options = options;
    this.#machine = machine;
    this.#calls = new EngineCalls(options.store.failed);
    this.#outgoing = new Outgoing(machine, this.#calls, transport, log, (request) => this.#messages.send(request));
    const parts = { machine, calls: this.#calls, outgoing: this.#outgoing, log };
    this.lists = new DeviceLists(machine, this.#calls, this.#outgoing);
    this.#encryptor = new RoomEncryptor(machine, this.#calls, this.#outgoing, options.store);
    this.#decryptor = new Decryptor(machine, this.#calls, this.lists, () => this.catchUp());
    this.#backup = new KeyBackup({
      machine,
      calls: this.#calls,
      server: options.backup,
      storage,
      onState: options.onBackup,
      log,
    });
    this.#arrivedKeys = new ArrivedKeys(machine, async (sessionIds) => {
      await options.inbox.onRoomKeys(sessionIds);
      this.#backup.wake();
    });
    const download = (uri: string): Promise<Uint8Array | undefined> => transport.download(uri);
    this.#history = new SharedHistory({ ...parts, download, trusted: options.trusted });
    const { targetIn, ...rules } = verification;
    this.#messages = new VerificationMessages({
      encryptor: this.#encryptor,
      transport,
      outgoing: this.#outgoing,
      targetIn,
    });
    this.#verifications = new Verifications({ ...parts, ...rules, messages: this.#messages });
    this.#verificationInbox = new VerificationInbox({
      ...parts,
      lists: this.lists,
      verifications: this.#verifications,
      messages: this.#messages,
    });
    this.#inbox = this.#makeInbox(options);
  }

  /** Opens the device on its store, new or existing. Sends nothing yet. */
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
    if (options.inbox.since === undefined) {
      // No server said this: "there is no unused fallback key". It makes the first upload carry one. Users tracked
      // before may have changed unseen, so they are marked as changed.
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

  /** Grows with everything that is received or encrypted. A copy of the store with a lower number is out of date. */
  get writes(): number {
    return this.#inbox.received + this.#encrypted;
  }

  /** Whether somebody is verifying the agent. */
  get isVerifying(): boolean {
    return this.#verifications.isOpen;
  }

  /** The identity's master key (Ed25519, unpadded base64), as clients show it; undefined before there is one. */
  async masterKey(): Promise<string | undefined> {
    const identity = await this.#calls.run(() => this.#machine.getIdentity(new engine.UserId(this.userId)));
    if (identity === undefined) return undefined;
    const { keys } = JSON.parse(identity.masterKey) as { keys: Record<string, string> };
    return Object.values(keys)[0];
  }

  /** Uploads device keys, one-time keys and the cross-signing identity. See establishIdentity. */
  async establishIdentity(how: {
    readonly reset: boolean;
    readonly isNewUser?: boolean;
  }): Promise<{ readonly restored: boolean }> {
    try {
      return await establishIdentity({ ...this.#identityOptions(), ...how });
    } catch (error) {
      // Many clients write to an unsigned device too.
      if (error instanceof IdentityElsewhere) await this.#outgoing.drain();
      throw error;
    }
  }

  /** The identity's secrets, to be kept outside secret storage. Throws when the device holds no whole identity. */
  sealedIdentity(): Promise<SealedSecrets> {
    return sealIdentity(this.#identityOptions());
  }

  /** Puts the identity's secrets into secret storage and starts the backup of room keys. Throws HomeserverError. */
  async secure(): Promise<void> {
    await storeIdentity(this.#identityOptions());
    await this.#backup.establish();
  }

  /** Does {@link secure} in the background as soon as there is a room key, and then calls `secured`. Returns at once. */
  secureWithFirstKey(secured: () => Promise<void>): void {
    this.#backup.beginWithFirstKey(async () => {
      await this.secure();
      reached("backup.begun");
      await secured();
    });
  }

  /** Reads the room keys of the backup into the store and reports them. Throws HomeserverError. */
  async restoreKeys(): Promise<void> {
    await this.#backup.establish();
    const sessions = await this.#backup.restore();
    if (sessions.length > 0) await this.#options.inbox.onRoomKeys(sessions);
  }

  /** See {@link Inbox.catchUp}. */
  catchUp(): Promise<void> {
    return this.#inbox.catchUp();
  }

  /** See {@link Inbox.awaitMessages}. */
  awaitMessages(signal: AbortSignal): Promise<void> {
    return this.#inbox.awaitMessages(signal);
  }

  /**
   * Receives the last messages of a device that is being replaced, and backs up their keys. The device sends nothing
   * else any more. Throws HomeserverError.
   */
  async receiveLast(): Promise<void> {
    await this.#inbox.receiveLast();
    await this.#backup.flush();
  }

  /** See {@link Decryptor.decrypt}. */
  decrypt(event: EncryptedEvent, trusted: TrustLevel): Promise<Decryption> {
    return this.#decryptor.decrypt(event, trusted);
  }

  /**
   * Encrypts an event for a room's recipients; see {@link RoomEncryptor.encrypt}. It is encrypted while the device catches up,
   * and again where that brought news of devices or identities.
   *
   * @param caughtUp a {@link catchUp} that was begun when the content was complete.
   */
  async encrypt(
    target: EncryptionTarget,
    eventType: string,
    content: object,
    caughtUp: Promise<void> = this.catchUp(),
  ): Promise<string> {
    const encryptingAhead = this.#encryptor.encryptAhead(target, eventType, content);
    const [ahead] = await Promise.all([encryptingAhead, caughtUp]);
    const encrypted = await this.#encryptor.encrypt(target, eventType, content, ahead);
    this.#encrypted += ahead === undefined ? 1 : 2;
    this.#backup.wake();
    return encrypted;
  }

  /** Call this when an invite is accepted: the inviter may then hand over keys of the room's history (MSC4268). */
  async expectHistory(roomId: string, inviter: string): Promise<void> {
    if (isUserId(inviter)) await this.#history.expect(roomId, inviter);
  }

  /** See {@link VerificationInbox.receive}. */
  receiveVerification(event: VerificationEvent, form: VerificationForm): Promise<void> {
    return this.#verificationInbox.receive(event, form);
  }

  /**
   * Tells the user who started a verification that it failed: it began before this device was opened, or while it was
   * being closed. Rejects when that can't be encrypted or sent.
   *
   * @param form the form in which its events came, as far as known.
   */
  async cancelVerification(flow: Flow, form: VerificationForm | undefined): Promise<void> {
    if (form !== undefined) this.#messages.heard(flow.flowId, form);
    await this.#verifications.cancelForgotten(flow);
  }

  /** Stops the device and frees its memory. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const reason = new DeviceClosed(`the device of ${this.userId} has been closed`);
    this.#inbox.close(reason);
    this.#outgoing.close();
    await this.#backup.close();
    // The engine must not be closed during a call, nor called after it is closed.
    await this.#calls.close(reason);
    this.#machine.close();
  }

  #makeInbox({ inbox, transport, verification, log }: DeviceOptions): Inbox {
    const rules = { mayVerify: verification.isAllowed, admit: inbox.admit, onRefused: inbox.onRefused };
    const admission = new ToDeviceAdmission(this.userId, rules, log);
    const receiver = new ToDeviceReceiver({
      machine: this.#machine,
      calls: this.#calls,
      attempts: inbox.attempts,
      lists: this.lists,
      verifications: this.#verificationInbox,
      heardOfKeyBundle: () => this.#history.heard(),
      log,
    });
    return new Inbox(
      {
        sync: (since) => transport.sync(since),
        awaitNews: (since, signal) => transport.awaitNews(since, signal),
        admit: (messages) => admission.admitted(messages),
        receive: async (answer) => {
          await receiver.receive(answer);
          await this.#arrivedKeys.tell();
        },
        saveSince: inbox.saveSince,
        goOn: () => this.#goOn(),
      },
      inbox.since,
    );
  }

  /** A step that fails here must not delay the mail. The next sync tries it again. */
  async #goOn(): Promise<void> {
    const { log } = this.#options;
    await this.#outgoing.drain();
    await this.#verifications
      .advance()
      .catch((error: unknown) => log.warn({ error }, "a verification could not continue"));
    await this.#history
      .take()
      .catch((error: unknown) => log.warn({ error }, "the keys of a room's history could not be taken yet"));
    await this.#arrivedKeys.tell();
  }

  #identityOptions(): IdentityOptions {
    const { transport, storage, keptIdentity } = this.#options;
    const { userId, deviceId } = this;
    return {
      userId,
      deviceId,
      machine: this.#machine,
      calls: this.#calls,
      outgoing: this.#outgoing,
      transport,
      storage,
      keptIdentity,
    };
  }
}
