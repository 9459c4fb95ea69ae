import { pipeline, type Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";

/** The encodings that a server is told to choose from (RFC 9110, section 12.5.3). */
export const ACCEPTED_ENCODINGS = "gzip, deflate";

/** Further ones are read too, because some servers and proxies do not ask. */
const UNPACKERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** The most encodings on top of each other: one would do, and each costs memory. */
const MOST_LAYERS = 2;

/** An answer has an encoding that nobody can read. */
export class UnknownEncoding extends Error {
  override readonly name = "UnknownEncoding";
}

/**
 * The bytes of an answer without its `content-encoding`, as they come; the reader limits their number. Leaving the loop
 * ends the answer too. Throws UnknownEncoding; reading a damaged answer throws zlib's error.
 */
export function unpacked(body: Readable, encoding: string | string[] | undefined): AsyncIterable<Uint8Array> {
  // It may end before anybody reads it; without a listener, that would end the process. Who reads it gets the error too.
  body.on("error", () => undefined);
  const names = [encoding ?? []]
    .flat()
    .flatMap((part) => part.toLowerCase().split(",", MOST_LAYERS + 1))
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "identity");
  const layers = names.toReversed().map((name) => (Object.hasOwn(UNPACKERS, name) ? UNPACKERS[name] : undefined));
  if (layers.length > MOST_LAYERS || layers.includes(undefined)) {
    body.destroy();
    throw new UnknownEncoding(
      `the answer's content-encoding is ${names.slice(0, MOST_LAYERS).join(", ").slice(0, 100)}`,
    );
  }
  return layers.reduce<Readable>((packed, make) => {
    // An error of any layer ends all of them.
    return make === undefined ? packed : pipeline(packed, make(), () => undefined).on("error", () => undefined);
  }, body);
}
