import { createCipheriv, createDecipheriv } from "node:crypto";

/*
 * A stream that is sealed with AES-256-GCM in chunks, so that it may be of any length and is opened as it is read. Each
 * chunk has its number in its nonce, and the last one a mark, so that no chunk can be changed, left out, moved, or cut off
 * the end without notice (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár). The key is used for one
 * stream only.
 *
 * A chunk on disk: the length of what follows (4 bytes, big-endian), the ciphertext, the tag (16 bytes).
 */

/** Bytes of a chunk before it is sealed. */
const CHUNK = 65_536;
const TAG = 16;
const LENGTH = 4;

/** What was read is not what was sealed with this key, or not all of it. */
export class SealedStreamBroken extends Error {
  override readonly name = "SealedStreamBroken";
}

/** Seals bytes with a key of 32 bytes. `context` is not in the stream, and has to be the same when it is opened. */
export async function* sealStream(
  key: Uint8Array,
  context: Uint8Array,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let number = 0;
  let waiting: Buffer = Buffer.alloc(0);
  for await (const piece of source) {
    waiting = Buffer.concat([waiting, piece]);
    // One is held back: the last has to be known as such.
    while (waiting.length > CHUNK) {
      yield sealChunk(key, context, number++, waiting.subarray(0, CHUNK), false);
      waiting = waiting.subarray(CHUNK);
    }
  }
  yield sealChunk(key, context, number, waiting, true);
}

/** Opens what {@link sealStream} made. Throws {@link SealedStreamBroken}; what came before it may not be trusted to be all. */
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
      // It was not sealed as this one; as the other, or not at all.
    }
  }
  throw new SealedStreamBroken();
}

/** Twelve bytes: the chunk's number, and whether it is the last. */
function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(number), 3);
  nonce.writeUInt8(isLast ? 1 : 0, 11);
  return nonce;
}
