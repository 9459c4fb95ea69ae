import { timingSafeEqual } from "node:crypto";
import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import { objectOf } from "../matrix/json.ts";

/**
 * The keys of an encrypted file: `file` of a message (spec "Extensions to m.room.message msgtypes"), without its url.
 */
export interface EncryptedFileInfo {
  readonly v: string;
  /** A JSON Web Key, AES-CTR. */
  readonly key: Readonly<Record<string, unknown>>;
  readonly iv: string;
  readonly hashes: Readonly<Record<string, string>>;
}

/** The file can't be opened: somebody changed it on its way, or its key, iv or hash is malformed. */
export class BadAttachment extends Error {
  override readonly name = "BadAttachment";
}

/** Encrypts a file with a key of its own. Synchronous: about 5 ms a megabyte. */
export async function encryptAttachment(
  bytes: Uint8Array,
): Promise<{ readonly bytes: Uint8Array; readonly info: EncryptedFileInfo }> {
  await engine.initAsync();
  const encrypted = engine.Attachment.encrypt(bytes);
  const info = encrypted.mediaEncryptionInfo;
  if (info === undefined) throw new Error("the engine gave no key for an attachment");
  return { bytes: encrypted.encryptedData, info: JSON.parse(info) as EncryptedFileInfo };
}

/** The key, counter and hash that open a file. */
interface Opening {
  readonly key: Uint8Array<ArrayBuffer>;
  readonly counter: Uint8Array<ArrayBuffer>;
  readonly sha256: Uint8Array<ArrayBuffer>;
}

/**
 * Compares a file's hash, then decrypts the file. This runs beside the event loop: the engine would hold everything
 * else up for a second with 20 MB. Throws {@link BadAttachment}.
 *
 * @param info `file` of the message as it came. It may hold anything.
 */
export async function decryptAttachment(bytes: Uint8Array, info: unknown): Promise<Uint8Array> {
  const { key, counter, sha256 } = openingIn(info);
  // The types of the web take only bytes that no other thread can change.
  const sealed = bytes as Uint8Array<ArrayBuffer>;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", sealed));
  if (!timingSafeEqual(hash, sha256)) throw new BadAttachment("the attachment was changed");
  const opener = await crypto.subtle.importKey("raw", key, "AES-CTR", false, ["decrypt"]);
  // Files of version 1 need a counter of 128 bits, as the engine uses it.
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CTR", counter, length: 128 }, opener, sealed));
}

function openingIn(info: unknown): Opening {
  const { v, key, iv, hashes } = objectOf(info);
  const { kty, alg, k } = objectOf(key);
  const { sha256 } = objectOf(hashes);
  const opening = { key: binary(k, "base64url"), counter: binary(iv, "base64"), sha256: binary(sha256, "base64") };
  const isKnown = (v === "v2" || v === "v1") && kty === "oct" && alg === "A256CTR";
  if (!isKnown || opening.key.length !== 32 || opening.counter.length !== 16 || opening.sha256.length !== 32) {
    throw new BadAttachment("the attachment's keys are missing");
  }
  return opening;
}

/** Decodes base64. No valid field is longer than 44 characters. */
function binary(text: unknown, encoding: "base64" | "base64url"): Uint8Array<ArrayBuffer> {
  return typeof text === "string" ? Uint8Array.from(Buffer.from(text.slice(0, 64), encoding)) : new Uint8Array();
}
