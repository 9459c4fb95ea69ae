import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { RoomEncryption } from "../rooms/room-state.ts";
import type { RoomView } from "../rooms/rooms.ts";
import type { Outgoing } from "./outgoing.ts";
import { KeyedSerial, type Serial } from "./serial.ts";

/** For whom an event is encrypted, and how. */
export interface EncryptionTarget {
  readonly roomId: string;
  readonly encryption: RoomEncryption;
  readonly historyVisibility: RoomView["historyVisibility"];
  /** All who are to receive the room key. */
  readonly recipients: readonly string[];
}

/** The room asks for an encryption that we do not speak. It gets no message rather than one in clear. */
export class UnsupportedEncryption extends Error {
  override readonly name = "UnsupportedEncryption";
}

const MEGOLM = "m.megolm.v1.aes-sha2";

/** Shares room keys and encrypts, the two under one lock per room: the engine panics on a session that expired between. */
export class RoomEncryptor {
  readonly #machine: engine.OlmMachine;
  readonly #calls: Serial;
  readonly #outgoing: Outgoing;
  readonly #rooms = new KeyedSerial();

  constructor(machine: engine.OlmMachine, calls: Serial, outgoing: Outgoing) {
    this.#machine = machine;
    this.#calls = calls;
    this.#outgoing = outgoing;
  }

  /**
   * Encrypts an event so that every device of the recipients can read it. Returns the content of the `m.room.encrypted`
   * event as JSON; `m.relates_to` stands outside the ciphertext (spec "m.room.encrypted"). Throws
   * {@link UnsupportedEncryption}, or what a key request throws: then nothing must be sent.
   */
  encrypt(target: EncryptionTarget, eventType: string, content: object): Promise<string> {
    if (target.encryption.algorithm !== MEGOLM) {
      return Promise.reject(
        new UnsupportedEncryption(`the room asks for the encryption algorithm ${target.encryption.algorithm}`),
      );
    }
    return this.#rooms.run(target.roomId, async () => {
      await this.#calls.run(() => this.#machine.updateTrackedUsers(userIds(target.recipients)));
      await this.#outgoing.drainBeforeSharing();
      await this.#outgoing.claims.run(() => this.#claimMissing(target.recipients));
      // Sharing takes a while in a large room; the session may come to its end meanwhile, so until nothing is left.
      for (;;) {
        const requests = await this.#calls.run(() =>
          this.#machine.shareRoomKey(new engine.RoomId(target.roomId), userIds(target.recipients), settings(target)),
        );
        if (requests.length === 0) break;
        for (const request of requests) await this.#outgoing.send(request);
      }
      return this.#calls.run(() =>
        this.#machine.encryptRoomEvent(new engine.RoomId(target.roomId), eventType, JSON.stringify(content)),
      );
    });
  }

  async #claimMissing(recipients: readonly string[]): Promise<void> {
    const claim = await this.#calls.run(() => this.#machine.getMissingSessions(userIds(recipients)));
    if (claim !== null) await this.#outgoing.send(claim);
  }
}

/** Made anew for every call: the engine takes them away. */
function userIds(ids: readonly string[]): engine.UserId[] {
  return ids.map((id) => new engine.UserId(id));
}

function settings(target: EncryptionTarget): engine.EncryptionSettings {
  const result = new engine.EncryptionSettings();
  result.algorithm = engine.EncryptionAlgorithm.MegolmV1AesSha2;
  result.rotationPeriod = BigInt(target.encryption.rotationPeriodMs) * 1000n;
  result.rotationPeriodMessages = BigInt(target.encryption.rotationPeriodMessages);
  result.historyVisibility = HISTORY_VISIBILITY[target.historyVisibility];
  result.sharingStrategy = engine.CollectStrategy.allDevices();
  return result;
}

const HISTORY_VISIBILITY = {
  invited: engine.HistoryVisibility.Invited,
  joined: engine.HistoryVisibility.Joined,
  shared: engine.HistoryVisibility.Shared,
  world_readable: engine.HistoryVisibility.WorldReadable,
} as const;
