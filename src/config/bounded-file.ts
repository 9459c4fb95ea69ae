import { createReadStream } from "node:fs";

/** The time after which people are told that a file has not sent anything yet, in ms. */
const SILENT_MS = 3_000;

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
  // A named pipe waits for its writer for ever.
  const silent = setTimeout(() => process.stderr.write(`matrix-agents: still waiting for ${path}\n`), SILENT_MS);
  try {
    return await bounded(createReadStream(path, { end: most }), most);
  } finally {
    clearTimeout(silent);
  }
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
