import { createCipheriv, createDecipheriv } from "node:crypto";

/*
 * A stream sealed with AES-256-GCM in chunks, so that it may have any length and can be opened while it is read. Each
 * nonce holds the chunk's number and marks the last chunk, so that nobody can change, leave out, move or cut off a chunk
 * unnoticed (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár). A key serves one stream only.
 *
 * A chunk on disk: the length of the rest (4 bytes, big-endian), the ciphertext, the tag (16 bytes).
 */

/** The bytes of a chunk before it is sealed. */
const CHUNK = 65_536;
const TAG = 16;
const LENGTH = 4;

/** The bytes were not sealed with this key, or some are missing. */
export class SealedStreamBroken extends Error {
  override readonly name = "SealedStreamBroken";
}

/** Seals bytes with a 32-byte key. `context` is not in the stream; opening needs the same one. */
export async function* sealStream(
  key: Uint8Array,
  context: Uint8Array,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let number = 0;
  let waiting: Buffer = Buffer.alloc(0);
  for await (const piece of source) {
    waiting = Buffer.concat([waiting, piece]);
    // One chunk is held back, because the last one needs its mark.
    while (waiting.length > CHUNK) {
      yield sealChunk(key, context, number++, waiting.subarray(0, CHUNK), false);
      waiting = waiting.subarray(CHUNK);
    }
  }
  yield sealChunk(key, context, number, waiting, true);
}

/**
 * Opens the result of {@link sealStream}. Throws {@link SealedStreamBroken}; chunks that came before the error may not
 * be the whole.
 */
export async function* openStream(
  key: Uint8Array,
  context: Uint8Array,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let number = 0;
  let waiting: Buffer = Buffer.alloc(0);
  let isOver = false;
  for await (const piece of source) {
    waiting = Buffer.concat([waiting, piece]);
    for (;;) {
      const length = waiting.length < LENGTH ? undefined : waiting.readUInt32BE();
      if (length !== undefined && (length < TAG || length > CHUNK + TAG)) throw new SealedStreamBroken();
      if (length === undefined || waiting.length < LENGTH + length) break;
      if (isOver) throw new SealedStreamBroken();
      const { clear, isLast } = openChunk(key, context, number++, waiting.subarray(LENGTH, LENGTH + length));
      yield clear;
      isOver = isLast;
      waiting = waiting.subarray(LENGTH + length);
    }
  }
  if (!isOver || waiting.length > 0) throw new SealedStreamBroken();
}

function sealChunk(key: Uint8Array, context: Uint8Array, number: number, clear: Uint8Array, isLast: boolean): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonceOf(number, isLast));
  cipher.setAAD(context);
  const sealed = Buffer.concat([cipher.update(clear), cipher.final(), cipher.getAuthTag()]);
  const length = Buffer.alloc(LENGTH);
  length.writeUInt32BE(sealed.length);
  return Buffer.concat([length, sealed]);
}

function openChunk(
  key: Uint8Array,
  context: Uint8Array,
  number: number,
  sealed: Buffer,
): { readonly clear: Buffer; readonly isLast: boolean } {
  for (const isLast of [false, true]) {
    const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(number, isLast), { authTagLength: TAG });
    decipher.setAAD(context);
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
    const clear = decipher.update(sealed.subarray(0, sealed.length - TAG));
    try {
      decipher.final();
      return { clear, isLast };
    } catch {
      // The chunk was not sealed with this mark: it has the other one, or is forged.
    }
  }
  throw new SealedStreamBroken();
}

/** Twelve bytes: the chunk's number, and whether it is the last one. */
function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(number), 3);
  nonce.writeUInt8(isLast ? 1 : 0, 11);
  return nonce;
}
