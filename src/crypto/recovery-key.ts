import bs58 from "bs58";
import { OperatorError } from "../observability/operator-error.ts";

/** The text is no recovery key. */
export class RecoveryKeyError extends OperatorError<"RecoveryKeyError"> {
  override readonly name = "RecoveryKeyError";
}

const PREFIX = [0x8b, 0x01];
const KEY_BYTES = 32;

/**
 * Encodes a 32-byte key as people write it down (spec "Key representation" of secret storage): base58 in groups of
 * four.
 */
export function encodeRecoveryKey(key: Uint8Array): string {
  const bytes = Uint8Array.from([...PREFIX, ...key]);
  const text = bs58.encode(Uint8Array.from([...bytes, parityOf(bytes)]));
  return (text.match(/.{1,4}/g) ?? []).join(" ");
}

/** Reads a recovery key; white space is ignored. Throws {@link RecoveryKeyError}, whose message never holds the key. */
export function decodeRecoveryKey(text: string): Uint8Array {
  const bytes = bs58.decodeUnsafe(text.replace(/\s/g, ""));
  if (bytes?.length !== PREFIX.length + KEY_BYTES + 1 || PREFIX.some((byte, index) => bytes[index] !== byte)) {
    throw new RecoveryKeyError("this is no recovery key: it has about 48 letters and digits and begins with E");
  }
  if (parityOf(bytes) !== 0)
    throw new RecoveryKeyError("the recovery key has a mistake in it; please compare it again");
  return bytes.slice(PREFIX.length, PREFIX.length + KEY_BYTES);
}

function parityOf(bytes: Uint8Array): number {
  return bytes.reduce((parity, byte) => parity ^ byte, 0);
}
