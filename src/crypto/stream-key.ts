import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { STREAM_ALGORITHM } from "../matrix/event-stream.ts";
import type { JsonObject } from "../matrix/json.ts";

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** A subscription has some hundred bytes; larger ones are not looked at. */
const LONGEST_CIPHERTEXT = 4_096;

/** A to-device message of a stream, decrypted. */
export interface StreamMessage {
  readonly type: string;
  readonly content: unknown;
}

/**
 * The key of one event stream, AES-256-GCM (MSC4471). It stands in the message that tells of the stream, so whoever can read that can read
 * and write the stream.
 */
export class StreamKey {
  readonly #key = randomBytes(KEY_BYTES);

  /** What the message says of it. */
  get descriptor(): { readonly algorithm: string; readonly key: string } {
    return { algorithm: STREAM_ALGORITHM, key: this.#key.toString("base64url") };
  }

  /** The name of the stream outside its ciphertexts. */
  streamId(roomId: string, eventId: string): string {
    return createHmac("sha256", this.#key).update(`${roomId}${eventId}`).digest("base64url");
  }

  /** The content of an `m.room.encrypted` to-device message. */
  seal(streamId: string, message: StreamMessage): object {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key, iv);
    const ciphertext = Buffer.concat([
      cipher.update(JSON.stringify(message), "utf8"),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    return {
      algorithm: STREAM_ALGORITHM,
      stream_id: streamId,
      iv: iv.toString("base64url"),
      ciphertext: ciphertext.toString("base64url"),
    };
  }

  /** Opens such a content; undefined where it is not of this key, or not of this form. */
  open({ iv, ciphertext }: JsonObject): StreamMessage | undefined {
    if (typeof iv !== "string" || typeof ciphertext !== "string" || ciphertext.length > LONGEST_CIPHERTEXT)
      return undefined;
    const [nonce, sealed] = [Buffer.from(iv, "base64url"), Buffer.from(ciphertext, "base64url")];
    if (nonce.length !== IV_BYTES || sealed.length < TAG_BYTES) return undefined;
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      const clear = Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
      const message: unknown = JSON.parse(clear.toString("utf8"));
      if (typeof message !== "object" || message === null) return undefined;
      const { type, content } = message as JsonObject;
      return typeof type === "string" ? { type, content } : undefined;
    } catch {
      return undefined;
    }
  }
}
