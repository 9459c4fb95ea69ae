import type { Readable } from "node:stream";
import { fromBufferPromise, type Entry, type ZipFile } from "yauzl";
import { DocumentClosed } from "./document-closed.ts";

/** The zip archive that holds a document, unpacked only as far as it is read. */
export class Archive {
  readonly #zip: ZipFile;
  readonly #entries: ReadonlyMap<string, Entry>;

  private constructor(zip: ZipFile, entries: ReadonlyMap<string, Entry>) {
    this.#zip = zip;
    this.#entries = entries;
  }

  /** Throws the library's errors for bytes that are no zip, or are cut off. */
  static async open(bytes: Buffer): Promise<Archive> {
    const zip = await fromBufferPromise(bytes, { lazyEntries: true });
    const entries = new Map<string, Entry>();
    for await (const entry of zip.eachEntry()) if (!entries.has(entry.fileName)) entries.set(entry.fileName, entry);
    return new Archive(zip, entries);
  }

  /**
   * The contents of a file in pieces; none where the file does not exist. Throws {@link DocumentClosed} when it is
   * locked.
   */
  async *pieces(name: string): AsyncGenerator<Buffer, void, undefined> {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    if (entry.isEncrypted()) throw new DocumentClosed("locked");
    const stream: Readable = await this.#zip.openReadStreamPromise(entry);
    // A caller that stops reading ends the unpacking.
    for await (const piece of stream) yield piece as Buffer;
  }

  /** The contents of a small file, up to a number of bytes. Throws {@link DocumentClosed}. */
  async bytes(name: string, most: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of this.pieces(name)) {
      pieces.push(piece);
      length += piece.length;
      if (length >= most) break;
    }
    return Buffer.concat(pieces).subarray(0, most);
  }
}
