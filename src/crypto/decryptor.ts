import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { Serial } from "../concurrency/serial.ts";
import type { TrustLevel } from "../config/config.ts";
import type { Distrust } from "../permissions/trust.ts";
import type { DeviceLists } from "./device-lists.ts";
import { distrust } from "./distrust.ts";
import { shieldOf, type Shield } from "./shield.ts";

/** The result of decrypting an event. */
export type Decryption =
  | {
      readonly kind: "decrypted";
      readonly type: string;
      readonly content: Readonly<Record<string, unknown>>;
      /** The warning that a client would show beside the message; undefined when there is none. */
      readonly shield: Shield | undefined;
    }
  /**
   * The message is readable, but its sender is not trusted enough. The content serves only to decide whether the sender
   * is told so.
   */
  | {
      readonly kind: "distrusted";
      readonly why: Distrust;
      readonly type: string;
      readonly content: Readonly<Record<string, unknown>>;
    }
  /** The device does not have the session's key (yet). */
  | {
      readonly kind: "missing_key";
      readonly sessionId: string;
      /**
       * The sender's reason for not sending the key, if given: a code of `m.room_key.withheld` (spec "Reporting that
       * decryption keys are withheld").
       */
      readonly withheld?: string;
    }
  /**
   * No key can help: the event is forged, malformed, or uses an algorithm nobody should use. `reason` is for the log.
   */
  | { readonly kind: "refused"; readonly reason: string };

/** The fields of an event that decryption needs. */
export interface EncryptedEvent {
  readonly room_id: string;
  readonly sender: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** Decrypts events of rooms, and decides how far their senders are trusted. */
export class Decryptor {
  readonly #machine: engine.OlmMachine;
  readonly #calls: Serial;
  readonly #lists: Pick<DeviceLists, "refresh" | "isIdentityNew">;
  readonly #catchUp: () => Promise<void>;

  /** @param catchUp brings the device up to date with the messages sent to it. */
  constructor(
    machine: engine.OlmMachine,
    calls: Serial,
    lists: Pick<DeviceLists, "refresh" | "isIdentityNew">,
    catchUp: () => Promise<void>,
  ) {
    this.#machine = machine;
    this.#calls = calls;
    this.#lists = lists;
    this.#catchUp = catchUp;
  }

  /**
   * Decrypts an `m.room.encrypted` event of a room. The event is refused when its sender does not own the device that
   * made the session (CVE-2025-48937): otherwise anybody in the room could put words into another person's mouth.
   * Rejects only when the store or the server fails.
   *
   * @param trusted the level that the sender's device must reach. This device itself is exempt.
   */
  async decrypt(event: EncryptedEvent, trusted: TrustLevel): Promise<Decryption> {
    // A level that looks at identities must know of a change before the next message is judged.
    if (trusted === "cross-signed-tofu" || trusted === "cross-signed-verified") await this.#catchUp();
    const decryption = await this.#decryptOnce(event, trusted);
    const isUnknown = decryption.kind === "decrypted" && decryption.shield === "unknown_device";
    if (decryption.kind !== "distrusted" && !isUnknown) return decryption;
    // Only for a known user can the engine detect an impostor; and an unsigned device may have been signed since.
    await this.#lists.refresh([event.sender]);
    return this.#decryptOnce(event, trusted);
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
      const why = this.#isOwn(event.sender, decrypted, shield)
        ? undefined
        : distrust(shield, trusted, await this.#isIdentityNew(event.sender, trusted));
      return why === undefined
        ? { kind: "decrypted", type, content, shield }
        : { kind: "distrusted", why, type, content };
    } catch (error) {
      if (!(error instanceof engine.MegolmDecryptionError)) throw error;
      return undecryptable(error, event.content["session_id"]);
    }
  }

  /**
   * Whether this device wrote the message itself, so that nobody needs to vouch for it. A key from the backup is
   * different: only the server says who owns it.
   */
  #isOwn(sender: string, { senderCurve25519Key }: engine.DecryptedRoomEvent, shield: Shield | undefined): boolean {
    const isOurs = senderCurve25519Key === this.#machine.identityKeys.curve25519.toBase64();
    return sender === this.#machine.userId.toString() && isOurs && shield !== "authenticity_not_guaranteed";
  }

  /**
   * The engine keeps its judgement of a session's sender from the time when the key came. This looks again: the sender
   * may have been verified since.
   */
  async #shieldNow(sender: string, decrypted: engine.DecryptedRoomEvent): Promise<Shield | undefined> {
    const shield = shieldOf(decrypted);
    const { senderDevice, senderCurve25519Key } = decrypted;
    if (shield !== "unverified_identity" || senderDevice === undefined) return shield;
    const device = await this.#calls.run(() => this.#machine.getDevice(new engine.UserId(sender), senderDevice));
    const isVerified =
      device?.isCrossSigningTrusted() === true && device.curve25519Key?.toBase64() === senderCurve25519Key;
    return isVerified ? undefined : shield;
  }

  /** Asked only where the answer matters: all calls share one engine. */
  #isIdentityNew(userId: string, trusted: TrustLevel): Promise<boolean> {
    return trusted === "cross-signed-tofu" ? this.#lists.isIdentityNew(userId) : Promise.resolve(false);
  }
}

function undecryptable(error: engine.MegolmDecryptionError, sessionId: unknown): Decryption {
  const { MissingRoomKey, UnknownMessageIndex } = engine.DecryptionErrorCode;
  const isMissing = error.code === MissingRoomKey || error.code === UnknownMessageIndex;
  if (!isMissing || typeof sessionId !== "string") {
    return { kind: "refused", reason: engine.DecryptionErrorCode[error.code] };
  }
  const withheld = error.withheldCode;
  return { kind: "missing_key", sessionId, ...(withheld === undefined ? {} : { withheld }) };
}
