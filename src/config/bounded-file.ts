import { createReadStream } from "node:fs";

/** A file has more than the most that is read of it. */
export class FileTooLarge extends Error {
  override readonly name = "FileTooLarge";
  readonly code = "TOO_LARGE";
}

/**
 * The text of a file, of a pipe (`<(pass agents)`) or of a device, which may have no end. Throws {@link FileTooLarge} and the file
 * system's error.
 *
 * @param most the most bytes.
 */
export async function readBoundedFile(path: string, most: number): Promise<string> {
  return (await readBoundedBytes(path, most)).toString();
}

/** @see readBoundedFile for the content as bytes. */
export async function readBoundedBytes(path: string, most: number): Promise<Buffer> {
  return bounded(createReadStream(path, { end: most }), most);
}

/** @see readBoundedFile for an open file, such as standard input. */
export async function readBounded(source: AsyncIterable<Uint8Array>, most: number): Promise<string> {
  return (await bounded(source, most)).toString();
}

async function bounded(source: AsyncIterable<Uint8Array>, most: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of source) {
    size += piece.byteLength;
    if (size > most) throw new FileTooLarge(`more than ${most} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
