import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { openStream, SealedStreamBroken, sealStream } from "../../../src/backup/sealed-stream.ts";

const KEY = Buffer.alloc(32, 1);
const CONTEXT = Buffer.from("context");

/** In pieces that match no chunk. */
async function* pieces(bytes: Uint8Array, size = 10_007): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

const sealed = async (clear: Uint8Array): Promise<Buffer> => all(sealStream(KEY, CONTEXT, pieces(clear)));
const opened = (bytes: Uint8Array, key = KEY, context = CONTEXT): Promise<Buffer> =>
  all(openStream(key, context, pieces(bytes)));

/** The chunks one by one. */
function chunksOf(bytes: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at);
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}

describe("a sealed stream", () => {
  for (const length of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
    it(`of ${length} bytes opens to its original, and shows nothing of it`, async () => {
      const clear = randomBytes(length);
      const bytes = await sealed(clear);
      assert.ok((await opened(bytes)).equals(clear));
      if (length > 8) assert.ok(!bytes.includes(clear.subarray(0, 8)));
    });
  }

  it("opens with its own key and context only", async () => {
    const bytes = await sealed(randomBytes(10));
    await assert.rejects(opened(bytes, Buffer.alloc(32, 2)), SealedStreamBroken);
    await assert.rejects(opened(bytes, KEY, Buffer.from("other")), SealedStreamBroken);
  });

  it("is refused when any part of it was changed, left out, moved, added or cut off", async () => {
    const bytes = await sealed(randomBytes(150_000));
    const [first, second, last] = chunksOf(bytes) as [Buffer, Buffer, Buffer];
    const broken: Record<string, Buffer> = {
      "a chunk at the end": Buffer.concat([first, second]),
      "all chunks but the last": last,
      "a chunk in the middle": Buffer.concat([first, last]),
      "moved chunks": Buffer.concat([second, first, last]),
      "a chunk twice": Buffer.concat([first, first, second, last]),
      "the last twice": Buffer.concat([bytes, last]),
      "a byte more": Buffer.concat([bytes, Buffer.alloc(1)]),
      nothing: Buffer.alloc(0),
    };
    for (const [what, changed] of Object.entries(broken)) {
      await assert.rejects(opened(changed), SealedStreamBroken, what);
    }
    for (const at of [0, 3, 4, 70_000, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await assert.rejects(opened(changed), SealedStreamBroken, `byte ${at}`);
      await assert.rejects(opened(bytes.subarray(0, at)), SealedStreamBroken, `cut at ${at}`);
    }
  });
});
