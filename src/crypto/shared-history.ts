import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { TrustLevel } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Serial } from "../concurrency/serial.ts";
import { StoreClosed, StoreFailed } from "./store/errors.ts";

/** Keys may be handed over so long after an invite was accepted, in ms; a bundle that comes later is not asked for. */
const TAKEN_FOR_MS = 24 * 3_600_000;

/** Types of the to-device message that says where a bundle of keys is. */
const BUNDLE_TYPES: readonly unknown[] = ["m.room_key_bundle", "io.element.msc4268.room_key_bundle"];

/** Whether a to-device message, decrypted, hands over the keys of a room's history. */
export function isKeyBundle(type: unknown): boolean {
  return BUNDLE_TYPES.includes(type);
}

/**
 * Takes the keys of what was said in a room before the agent came, where the person who invited it hands them over
 * (MSC4268). Only the inviter's are taken, only for a day, only when the inviter's device is signed by its owner, and
 * never against the level of trust that the room asks for.
 */
export class SharedHistory {
  readonly #machine: engine.OlmMachine;
  readonly #calls: Serial;
  readonly #outgoing: Outgoing;
  readonly #download: (uri: string) => Promise<Uint8Array | undefined>;
  readonly #trusted: (roomId: string) => TrustLevel;
  readonly #log: Logger;
  /** At first too: what was interrupted is gone on with. */
  #mayBeThere = true;

  constructor(options: {
    readonly machine: engine.OlmMachine;
    readonly calls: Serial;
    readonly outgoing: Outgoing;
    /** Resolves with undefined when the server does not have it, or it is too large. */
    readonly download: (uri: string) => Promise<Uint8Array | undefined>;
    /** How far whoever hands over keys of a room has to be trusted. */
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

  /** An invite is being accepted: what the inviter hands over for this room is welcome. */
  async expect(roomId: string, inviter: string): Promise<void> {
    await this.#calls.run(() =>
      this.#machine.storeRoomPendingKeyBundle(new engine.RoomId(roomId), new engine.UserId(inviter)),
    );
    this.#mayBeThere = true;
  }

  /** Somebody has handed over keys of some room. */
  heard(): void {
    this.#mayBeThere = true;
  }

  /** Takes what is there. Throws what the server or the store throw; then it is looked for again the next time. */
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
    // Only of somebody whose keys were asked for can the engine say whether the device is theirs.
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
    if (bytes === undefined) log.warn("keys of the room's history were handed over, and can't be downloaded");
    else {
      await this.#calls
        .run(() => this.#machine.receiveRoomKeyBundle(bundle, bytes))
        .then(() => log.info("keys of the room's history taken, as far as whose device it is allows"))
        .catch((error: unknown) => {
          if (error instanceof StoreFailed || error instanceof StoreClosed) throw error;
          log.warn({ error }, "keys of the room's history were handed over, and can't be read");
        });
    }
    await this.#over(roomId);
  }

  /** That the device is signed by its owner the engine asks for itself. */
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
