import { createReadStream } from "node:fs";

/** A file has more than the most that is read of it. */
export class FileTooLarge extends Error {
  override readonly name = "FileTooLarge";
}

/**
 * The text of a file, of a pipe (`<(pass agents)`) or of a device, which may have no end. Throws {@link FileTooLarge} and the file
 * system's error.
 *
 * @param most the most bytes.
 */
export async function readBoundedFile(path: string, most: number): Promise<string> {
  return readBounded(createReadStream(path, { end: most }), most);
}

/** @see readBoundedFile */
export async function readBounded(source: AsyncIterable<Uint8Array>, most: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of source) {
    size += piece.byteLength;
    if (size > most) throw new FileTooLarge(`more than ${most} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}
