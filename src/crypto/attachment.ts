import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";

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

/**
 * Decrypts a file after its hash was compared. Throws {@link BadAttachment}.
 *
 * @param info `file` of the message as it came, which may hold anything.
 */
export async function decryptAttachment(bytes: Uint8Array, info: unknown): Promise<Uint8Array> {
  await engine.initAsync();
  try {
    const { v, key, iv, hashes } = Object(info) as Record<string, unknown>;
    return engine.Attachment.decrypt(new engine.EncryptedAttachment(bytes, JSON.stringify({ v, key, iv, hashes })));
  } catch (error) {
    throw new BadAttachment("the attachment can't be decrypted, or was changed", { cause: error });
  }
}
