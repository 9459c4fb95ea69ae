import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { type FileHandle, lstat, open, readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { nameNewFile } from "../config/new-file.ts";
import type { Item } from "./contents.ts";
import { openStream, SealedStreamBroken, sealStream } from "./sealed-stream.ts";
import { isRunningProcess } from "../concurrency/running-process.ts";
import { reasonOfFileError } from "../observability/file-fault.ts";
import { OperatorError } from "../observability/operator-error.ts";

/*
 * The file: a line with its format, 32 random bytes (with the master key they give its key), and then, sealed in chunks,
 * the gzipped items, one JSON text a line.
 */

const FORMAT = "matrix-agents backup 1\n";
const ANY_FORMAT = /^matrix-agents backup (\d+)\n/;
const SALT = 32;

/** A backup can't be written, or a file is no usable backup. */
export class BackupError extends OperatorError<"BackupError"> {
  override readonly name = "BackupError";
}

/** The key of the backup with this salt. */
export type KeyOf = (salt: Uint8Array) => Uint8Array;

/**
 * Writes a backup that only its owner can read. The file gets its name only when it is complete. Throws {@link
 * BackupError} and the error of `fill`.
 *
 * @param fill hands over the items, one after the other.
 */
export async function writeBackup(
  path: string,
  keyOf: KeyOf,
  fill: (take: (item: Item) => Promise<void>) => Promise<void>,
): Promise<void> {
  const salt = randomBytes(SALT);
  const head = Buffer.concat([Buffer.from(FORMAT), salt]);
  await refuseExisting(path);
  await removeAbandoned(path);
  // The random name keeps others from placing a file or a link there first.
  const draft = `${path}${DRAFT}${process.pid}-${randomBytes(8).toString("hex")}.part`;
  // Opened before the rest begins: a stream that opens its file itself may do so after the file was removed.
  const file = await open(draft, "wx", 0o600).catch((error: unknown) => {
    throw unwritable(path, error);
  });
  try {
    await writeSealed(file, { path, head, key: keyOf(salt), fill }).finally(() => file.close());
    await putInPlace(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

interface Contents {
  /** The name that the file will have. */
  readonly path: string;
  readonly head: Buffer;
  readonly key: Uint8Array;
  readonly fill: (take: (item: Item) => Promise<void>) => Promise<void>;
}

async function writeSealed(file: FileHandle, { path, head, key, fill }: Contents): Promise<void> {
  const gzip = createGzip();
  const failed = new AbortController();
  const written = pipeline(
    gzip,
    async function* (source: AsyncIterable<Uint8Array>) {
      yield head;
      yield* sealStream(key, head, source);
    },
    file.createWriteStream({ flush: true }),
  ).catch((error: unknown) => {
    failed.abort(unwritable(path, error));
  });
  try {
    await fill(async (item) => {
      failed.signal.throwIfAborted();
      if (!gzip.write(`${JSON.stringify(item)}\n`)) await once(gzip, "drain", { signal: failed.signal });
    });
    gzip.end();
    await written;
    failed.signal.throwIfAborted();
  } catch (error) {
    // The waiter for "drain" may learn of the file's error before `failed` does.
    const isOfFile = failed.signal.aborted || gzip.errored !== null;
    gzip.destroy();
    await written;
    throw isOfFile ? failed.signal.reason : error;
  }
}

/** Throws {@link BackupError} where a file can't be read, or does not begin as a backup does. */
export async function refuseOtherFile(path: string): Promise<void> {
  await headOf(path);
}

/** Reads a backup. Only the last item proves that the backup is whole and unchanged. Throws {@link BackupError}. */
export async function* readBackup(path: string, keyOf: KeyOf): AsyncGenerator<Item> {
  const { head, salt } = await headOf(path);
  const sealed = createReadStream(path, { start: head.length });
  const text = createGunzip();
  // The text stream reports the same error.
  const opened = pipeline(openStream(keyOf(salt), head, sealed), text).catch(() => undefined);
  try {
    for await (const line of linesOf(text)) yield JSON.parse(line) as Item;
  } catch (error) {
    throw error instanceof SealedStreamBroken || isOfGzip(error)
      ? new BackupError(
          `${path} can't be opened: it was sealed with another master key, is incomplete, or was changed`,
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
  const unreadable = (error: unknown): never => {
    throw new BackupError(`${path} can't be read: ${reasonOf(error, path)}`, { cause: error });
  };
  // A pipe would keep the opening waiting for a writer, and can't be read twice.
  const facts = await stat(path).catch(unreadable);
  if (!facts.isFile() && !facts.isDirectory()) throw new BackupError(`${path} can't be read: it is a pipe or a device`);
  const file = await open(path).catch(unreadable);
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
    throw error instanceof BackupError ? error : new BackupError(`${path} can't be read: ${reasonOf(error, path)}`);
  } finally {
    await file.close();
  }
}

/** The beginning of what a draft's name has more than the file's; the number of its process follows. Folders may be shared by machines. */
const DRAFT = `.${hostname().replaceAll(/[^\w-]/g, "_")}-`;

/** Removes the drafts of this file whose process was killed. */
async function removeAbandoned(path: string): Promise<void> {
  const beginning = `${basename(path)}${DRAFT}`;
  // A folder that can't be listed may be written into all the same; else the making of the draft tells.
  const names = await readdir(dirname(path)).catch(() => []);
  for (const name of names.filter((each) => each.startsWith(beginning))) {
    const [, pid] = /^(\d+)-[0-9a-f]{16}\.part$/.exec(name.slice(beginning.length)) ?? [];
    if (pid !== undefined && !isRunningProcess(Number(pid))) await rm(join(dirname(path), name), { force: true });
  }
}

/** An early warning; {@link putInPlace} is what enforces it. */
async function refuseExisting(path: string): Promise<void> {
  const isFree = await lstat(path).then(
    () => false,
    (error: unknown) => {
      if (codeOf(error) === "ENOENT") return true;
      throw unwritable(path, error);
    },
  );
  if (!isFree) throw existing(path);
}

/** Gives a file its name, unless the name is taken, even by a file made meanwhile. */
async function putInPlace(draft: string, path: string): Promise<void> {
  try {
    await nameNewFile(draft, path);
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw existing(path);
    throw unwritable(path, error);
  }
}

function unwritable(path: string, error: unknown): BackupError {
  return new BackupError(`${path} can't be written: ${reasonOf(error, path)}`, { cause: error });
}

function existing(path: string): BackupError {
  return new BackupError(`${path} exists already; a backup replaces no file`);
}

function isOfGzip(error: unknown): boolean {
  return codeOf(error)?.startsWith("Z_") === true;
}

function reasonOf(error: unknown, path: string): string {
  return codeOf(error) === undefined ? String(error) : reasonOfFileError(error, path);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
