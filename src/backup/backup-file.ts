import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import type { Item } from "./contents.ts";
import { openStream, SealedStreamBroken, sealStream } from "./sealed-stream.ts";

/*
 * The file: a line that says what it is and in which format, 32 random bytes from which its key is derived together with
 * the master key, and then, sealed in chunks, the gzipped items, a JSON text a line.
 */

const FORMAT = "matrix-agents backup 1\n";
const ANY_FORMAT = /^matrix-agents backup (\d+)\n/;
const SALT = 32;

/** A backup can't be written, or is none that can be used here. */
export class BackupError extends Error {
  override readonly name = "BackupError";
  readonly exitCode = 1;
}

/** The key of the backup with this salt. */
export type KeyOf = (salt: Uint8Array) => Uint8Array;

/**
 * Writes a backup, for its owner alone to read. There is no file of that name before all of it is written. Throws
 * {@link BackupError} and what `fill` throws.
 *
 * @param fill gives it its items, one after the other.
 */
export async function writeBackup(
  path: string,
  keyOf: KeyOf,
  fill: (take: (item: Item) => Promise<void>) => Promise<void>,
): Promise<void> {
  const salt = randomBytes(SALT);
  const head = Buffer.concat([Buffer.from(FORMAT), salt]);
  const draft = `${path}.part`;
  await refuseExisting(path);
  const gzip = createGzip();
  const failed = new AbortController();
  const written = pipeline(
    gzip,
    async function* (source: AsyncIterable<Uint8Array>) {
      yield head;
      yield* sealStream(keyOf(salt), head, source);
    },
    createWriteStream(draft, { flags: "w", mode: 0o600, flush: true }),
  ).catch((error: unknown) => {
    failed.abort(new BackupError(`${draft} can't be written: ${reasonOf(error)}`, { cause: error }));
  });
  try {
    await fill(async (item) => {
      failed.signal.throwIfAborted();
      if (!gzip.write(`${JSON.stringify(item)}\n`)) await once(gzip, "drain", { signal: failed.signal });
    });
    gzip.end();
    await written;
    failed.signal.throwIfAborted();
    await rename(draft, path);
  } catch (error) {
    const cause: unknown = failed.signal.aborted ? failed.signal.reason : error;
    gzip.destroy();
    await written;
    await rm(draft, { force: true });
    throw cause;
  }
}

/**
 * Reads a backup. Only after the last item it is known that it is whole and nothing of it was changed. Throws
 * {@link BackupError}.
 */
export async function* readBackup(path: string, keyOf: KeyOf): AsyncGenerator<Item> {
  const { head, salt } = await headOf(path);
  const sealed = createReadStream(path, { start: head.length });
  const text = createGunzip();
  // What it fails with comes out of the text too.
  const opened = pipeline(openStream(keyOf(salt), head, sealed), text).catch(() => undefined);
  try {
    for await (const line of linesOf(text)) yield JSON.parse(line) as Item;
  } catch (error) {
    throw error instanceof SealedStreamBroken || isOfGzip(error)
      ? new BackupError(
          `${path} can't be opened: it was sealed with another master key, or it is not whole, or it was changed`,
          { cause: error },
        )
      : error;
  } finally {
    text.destroy();
    await opened;
  }
}

async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of bytes) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

async function headOf(path: string): Promise<{ readonly head: Buffer; readonly salt: Buffer }> {
  const file = await open(path).catch((error: unknown) => {
    throw new BackupError(`${path} can't be read: ${reasonOf(error)}`, { cause: error });
  });
  try {
    const length = FORMAT.length + SALT;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
    const [, format] = ANY_FORMAT.exec(buffer.toString("latin1")) ?? [];
    if (format !== undefined && !buffer.toString("latin1").startsWith(FORMAT)) {
      throw new BackupError(
        `${path} is a backup in format ${format}, which this version does not know; use a newer one`,
      );
    }
    if (format === undefined || bytesRead < length) throw new BackupError(`${path} is no backup of matrix-agents`);
    return { head: buffer, salt: buffer.subarray(FORMAT.length) };
  } catch (error) {
    throw error instanceof BackupError ? error : new BackupError(`${path} can't be read: ${reasonOf(error)}`);
  } finally {
    await file.close();
  }
}

async function refuseExisting(path: string): Promise<void> {
  const file = await open(path).catch(() => undefined);
  await file?.close();
  if (file !== undefined) throw new BackupError(`${path} exists already; a backup replaces no file`);
}

function isOfGzip(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("Z_");
}

function reasonOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
