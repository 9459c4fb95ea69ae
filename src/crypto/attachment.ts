import { timingSafeEqual } from "node:crypto";
import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import { objectOf } from "../matrix/json.ts";

/** How an encrypted file is opened: `file` of a message (spec "Extensions to m.room.message msgtypes"), without its url. */
export interface EncryptedFileInfo {
  readonly v: string;
  /** A JSON Web Key, AES-CTR. */
  readonly key: Readonly<Record<string, unknown>>;
  readonly iv: string;
  readonly hashes: Readonly<Record<string, string>>;
}

/** The file can't be opened: it was changed on its way, or its key, iv or hash is malformed. */
export class BadAttachment extends Error {
  override readonly name = "BadAttachment";
}

/** Encrypts a file with a key of its own. Synchronous, some 5 ms a megabyte. */
export async function encryptAttachment(
  bytes: Uint8Array,
): Promise<{ readonly bytes: Uint8Array; readonly info: EncryptedFileInfo }> {
  await engine.initAsync();
  const encrypted = engine.Attachment.encrypt(bytes);
  const info = encrypted.mediaEncryptionInfo;
  if (info === undefined) throw new Error("the engine gave no key for an attachment");
  return { bytes: encrypted.encryptedData, info: JSON.parse(info) as EncryptedFileInfo };
}

/** What is needed to open a file. */
interface Opening {
  readonly key: Uint8Array<ArrayBuffer>;
  readonly counter: Uint8Array<ArrayBuffer>;
  readonly sha256: Uint8Array<ArrayBuffer>;
}

/**
 * Decrypts a file after its hash was compared, beside the event loop: with the engine 20 MB would hold all else up for a
 * second. Throws {@link BadAttachment}.
 *
 * @param info `file` of the message as it came, which may hold anything.
 */
export async function decryptAttachment(bytes: Uint8Array, info: unknown): Promise<Uint8Array> {
  const { key, counter, sha256 } = openingIn(info);
  // Node takes any bytes, and the types of the web only those that no other thread can change.
  const sealed = bytes as Uint8Array<ArrayBuffer>;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", sealed));
  if (!timingSafeEqual(hash, sha256)) throw new BadAttachment("the attachment was changed");
  const opener = await crypto.subtle.importKey("raw", key, "AES-CTR", false, ["decrypt"]);
  // The engine counts with all of it, as files of version 1 need.
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CTR", counter, length: 128 }, opener, sealed));
}

function openingIn(info: unknown): Opening {
  const { v, key, iv, hashes } = objectOf(info);
  const { kty, alg, k } = objectOf(key);
  const { sha256 } = objectOf(hashes);
  const opening = { key: binary(k, "base64url"), counter: binary(iv, "base64"), sha256: binary(sha256, "base64") };
  const isKnown = (v === "v2" || v === "v1") && kty === "oct" && alg === "A256CTR";
  if (!isKnown || opening.key.length !== 32 || opening.counter.length !== 16 || opening.sha256.length !== 32) {
    throw new BadAttachment("nothing says how the attachment is opened");
  }
  return opening;
}

/** None of what is wanted is longer than 44 characters. */
function binary(text: unknown, encoding: "base64" | "base64url"): Uint8Array<ArrayBuffer> {
  return typeof text === "string" ? Uint8Array.from(Buffer.from(text.slice(0, 64), encoding)) : new Uint8Array();
}
