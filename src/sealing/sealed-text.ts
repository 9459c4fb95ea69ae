import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from "node:crypto";

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A sealed text can't be opened: it was sealed with another key, belongs elsewhere, or was changed since. */
export class SealBroken extends Error {
  override readonly name: string = "SealBroken";

  constructor(context: string, options?: ErrorOptions) {
    super(`what is sealed in ${context} can't be opened: it was changed, or belongs elsewhere`, options);
  }
}

/** A text that should be sealed is not: somebody wrote it into the database by hand. */
export class NotSealed extends SealBroken {
  override readonly name = "NotSealed";
  override readonly message = "words in the database are not sealed, though nothing is stored so";
}

/**
 * Seals bytes with a 32-byte key (AES-256-GCM, a random 12-byte nonce). Returns base64 of nonce, tag and ciphertext.
 *
 * @param context the table, column and row of the text. The text can be opened only with the same context, so nobody can move it.
 */
export function seal(key: Uint8Array | KeyObject, bytes: Uint8Array, context: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(context));
  const ciphertext = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]).toString("base64");
}

/** Opens a sealed text. Throws {@link SealBroken}. */
export function unseal(key: Uint8Array | KeyObject, sealed: string, context: string): Buffer {
  const bytes = Buffer.from(sealed, "base64");
  try {
    const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new SealBroken(context.split("\n", 1)[0] ?? "", { cause });
  }
}

/** The result of `open`; undefined when it can't be opened, for callers that can go on without it. */
export function unlessBroken<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof SealBroken) return undefined;
    throw error;
  }
}
