import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { TrustLevel } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Serial } from "../concurrency/serial.ts";
import { StoreClosed, StoreFailed } from "./store/errors.ts";

/** The inviter may hand over keys this long after an invite was accepted, in ms. Later bundles are ignored. */
const TAKEN_FOR_MS = 24 * 3_600_000;

/** The types of the to-device message that announces a bundle of keys. */
const BUNDLE_TYPES: readonly unknown[] = ["m.room_key_bundle", "io.element.msc4268.room_key_bundle"];

/** Whether a decrypted to-device message announces the keys of a room's history. */
export function isKeyBundle(type: unknown): boolean {
  return BUNDLE_TYPES.includes(type);
}

/**
 * Takes the keys of a room's earlier messages when the inviter hands them over (MSC4268). Only the inviter's keys are
 * taken, only for a day, only when the inviter's device is signed by its owner, and never below the room's level of
 * trust.
 */
export class SharedHistory {
  readonly #machine: engine.OlmMachine;
  readonly #calls: Serial;
  readonly #outgoing: Outgoing;
  readonly #download: (uri: string) => Promise<Uint8Array | undefined>;
  readonly #trusted: (roomId: string) => TrustLevel;
  readonly #log: Logger;
  /** True at first: an interrupted take is continued. */
  #mayBeThere = true;

  constructor(options: {
    readonly machine: engine.OlmMachine;
    readonly calls: Serial;
    readonly outgoing: Outgoing;
    /** Resolves with undefined when the server does not have the file, or the file is too large. */
    readonly download: (uri: string) => Promise<Uint8Array | undefined>;
    /** The trust that a user needs to hand over keys of a room. */
    readonly trusted: (roomId: string) => TrustLevel;
    readonly log: Logger;
  }) {
    this.#machine = options.machine;
    this.#calls = options.calls;
    this.#outgoing = options.outgoing;
    this.#download = options.download;
    this.#trusted = options.trusted;
    this.#log = options.log;
  }

  /** Call this when an invite is accepted: keys that the inviter hands over for this room are taken. */
  async expect(roomId: string, inviter: string): Promise<void> {
    await this.#calls.run(() =>
      this.#machine.storeRoomPendingKeyBundle(new engine.RoomId(roomId), new engine.UserId(inviter)),
    );
    this.#mayBeThere = true;
  }

  /** Call this when somebody has announced keys of any room. */
  heard(): void {
    this.#mayBeThere = true;
  }

  /** Takes the announced keys. Throws the error of the server or the store; the next call tries again. */
  async take(): Promise<void> {
    if (!this.#mayBeThere) return;
    this.#mayBeThere = false;
    try {
      for (const room of await this.#calls.run(() => this.#machine.getAllRoomsPendingKeyBundles())) {
        const { inviteAcceptedAtMillis } = room;
        const [roomId, inviter] = [room.roomId.toString(), room.inviterId.toString()];
        if (Date.now() - inviteAcceptedAtMillis > TAKEN_FOR_MS) await this.#over(roomId);
        else await this.#takeOf(roomId, inviter);
      }
    } catch (error) {
      this.#mayBeThere = true;
      throw error;
    }
  }

  async #takeOf(roomId: string, inviter: string): Promise<void> {
    const find = (): Promise<engine.StoredRoomKeyBundleData | undefined> =>
      this.#calls.run(() =>
        this.#machine.getReceivedRoomKeyBundleData(new engine.RoomId(roomId), new engine.UserId(inviter)),
      );
    if ((await find()) === undefined) return;
    // The engine can tell the owner of a device only after that user's keys were queried.
    await this.#outgoing.send(
      await this.#calls.run(() => Promise.resolve(this.#machine.queryKeysForUsers([new engine.UserId(inviter)]))),
    );
    const bundle = await find();
    if (bundle === undefined) return;
    const log = this.#log.child({ room: roomId, inviter });
    if (!(await this.#isTrusted(inviter, this.#trusted(roomId)))) {
      log.warn("keys of the room's history were not taken: the inviter is not trusted enough");
      return this.#over(roomId);
    }
    const bytes = await this.#download(bundle.url);
    if (bytes === undefined) log.warn("the inviter's keys of the room's history can't be downloaded");
    else {
      await this.#calls
        .run(() => this.#machine.receiveRoomKeyBundle(bundle, bytes))
        .then(() => log.info("the inviter's keys of the room's history were taken, as far as trust allows"))
        .catch((error: unknown) => {
          if (error instanceof StoreFailed || error instanceof StoreClosed) throw error;
          log.warn({ error }, "the inviter's keys of the room's history can't be read");
        });
    }
    await this.#over(roomId);
  }

  /** The engine itself checks that the device is signed by its owner. */
  async #isTrusted(userId: string, level: TrustLevel): Promise<boolean> {
    const identity = await this.#calls.run(() => this.#machine.getIdentity(new engine.UserId(userId)));
    if (!(identity instanceof engine.OtherUserIdentity) || identity.hasVerificationViolation()) return false;
    if (level === "cross-signed-verified") return identity.isVerified();
    return level !== "cross-signed-tofu" || !identity.identityNeedsUserApproval();
  }

  async #over(roomId: string): Promise<void> {
    await this.#calls.run(() => this.#machine.clearRoomPendingKeyBundle(new engine.RoomId(roomId)));
  }
}
