import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { rename } from "node:fs/promises";
import { dirname } from "node:path";
import { FileTooLarge, readBoundedFile } from "../config/bounded-file.ts";
import { makeFolder } from "../config/make-folder.ts";
import { writeNewFile } from "../config/new-file.ts";
import { fileFault } from "../observability/file-fault.ts";
import type { MasterKeySource } from "../config/config.ts";
import { whyNoCredential } from "../config/systemd-credential.ts";
import type { Database, Queryable } from "../database/database.ts";
import { seal, unseal } from "./sealed-text.ts";
import { OperatorError } from "../observability/operator-error.ts";
import type { Retryable } from "../observability/retryable.ts";

/** The master key is missing, malformed, or not the one this database was made with. */
export class MasterKeyError extends OperatorError<"MasterKeyError"> implements Retryable {
  override readonly name = "MasterKeyError";
  /** Waiting for the key loses nothing. */
  readonly retryable = true;
}

/** The rows of `settings` that identify the master key, and count how many there have been. */
export const CHECK = "master_key_check";
export const GENERATION = "master_key_generation";

/** A stored key: sealed by a master key, of one of its generations. */
export interface WrappedKey {
  readonly generation: number;
  readonly wrapped: string;
}

/** A master key and its generation. */
export interface MasterSecret {
  readonly key: Uint8Array;
  readonly generation: number;
}

/**
 * The key from which the keys of device stores and of ghosts' secret storage are derived, and which wraps the keys that
 * rooms are sealed with. After a change (rotation.ts) the new key is read.
 */
export class MasterKey {
  readonly #source: MasterKeySource;
  readonly #database: Database;
  #secret: MasterSecret;

  private constructor(source: MasterKeySource, database: Database, secret: MasterSecret) {
    this.#source = source;
    this.#database = database;
    this.#secret = secret;
  }

  /**
   * Reads the key. It writes a new one (0600) only where there is neither a file nor anything encrypted with an earlier
   * key. Throws {@link MasterKeyError} when the database belongs to another key: its devices could not be opened, and a
   * new key must never replace theirs unasked.
   */
  static async open(source: MasterKeySource, database: Database): Promise<MasterKey> {
    const there = await readMasterSecret(source, database);
    if (there !== undefined) return new MasterKey(source, database, there);
    const key =
      source.from === "env" ? parse(process.env[source.name], nameOfSource(source)) : await readOrCreate(source.path);
    await database.query("insert into settings (name, value) values ($1, $2)", [CHECK, checkOf(key)]);
    return new MasterKey(source, database, { key, generation: 1 });
  }

  /** The 32-byte key of one device's store. Throws {@link MasterKeyError}, DatabaseError. */
  storeKey(userId: string, deviceId: string): Promise<Uint8Array> {
    return this.#secretOf(storeKeyName(userId, deviceId));
  }

  /**
   * The 32-byte key of a ghost's secret storage; its recovery key encodes it. Throws {@link MasterKeyError},
   * DatabaseError.
   */
  recoveryKey(userId: string): Promise<Uint8Array> {
    return this.#secretOf(recoveryKeyName(userId));
  }

  /** The 32-byte key of one backup; see backup/. */
  backupKey(salt: Uint8Array): Uint8Array {
    return backupKeyOf(this.#secret.key, salt);
  }

  /**
   * Throws {@link MasterKeyError} when the database, as the transaction sees it, now belongs to another key; and
   * DatabaseError.
   */
  async confirm(tx: Queryable): Promise<void> {
    if ((await masterKeyCheck(tx)) === checkOf(this.#secret.key)) return;
    throw new MasterKeyError("the master key was changed at this moment; run the command again");
  }

  /**
   * Wraps a 32-byte key in the transaction that stores it: the master key can't be changed before that ends. Throws
   * {@link MasterKeyError}, DatabaseError.
   */
  async wrap(tx: Queryable, key: Uint8Array, context: string): Promise<WrappedKey> {
    const { rows } = await tx.query<{ value: string }>("select value from settings where name = $1 for share", [CHECK]);
    if (rows[0]?.value !== checkOf(this.#secret.key)) await this.#reread(tx);
    return wrapWith(this.#secret, key, context);
  }

  /** Opens a wrapped key. Throws {@link MasterKeyError}, SealBroken, DatabaseError. */
  async unwrap(database: Queryable, { generation, wrapped }: WrappedKey, context: string): Promise<Uint8Array> {
    if (generation !== this.#secret.generation) await this.#reread(database);
    return unwrapWith(this.#secret, wrapped, context);
  }

  /** The secret for one purpose: derived now, or derived from an earlier master key and kept since the change. */
  async #secretOf(name: string): Promise<Uint8Array> {
    for (;;) {
      const { rows } = await this.#database.query<{ check: string | null; kept: string | null }>(
        `select (select value from settings where name = $1) as check,
           (select wrapped from kept_secrets where name = $2) as kept`,
        [CHECK, name],
      );
      const { check, kept } = rows[0] ?? { check: null, kept: null };
      if (check !== checkOf(this.#secret.key)) {
        await this.#reread(this.#database);
        continue;
      }
      return kept === null ? derive(this.#secret.key, name) : unwrapWith(this.#secret, kept, name);
    }
  }

  async #reread(database: Queryable): Promise<void> {
    const secret = await readMasterSecret(this.#source, database);
    if (secret === undefined) throw new MasterKeyError("the database does not know its master key any more");
    this.#secret = secret;
  }
}

/**
 * A value that identifies a database's master key without revealing it; undefined before there is one. Throws
 * DatabaseError.
 */
export async function masterKeyCheck(database: Queryable): Promise<string | undefined> {
  const { rows } = await database.query<{ value: string }>("select value from settings where name = $1", [CHECK]);
  return rows[0]?.value;
}

/** The master key of a database; undefined for a new database. Throws {@link MasterKeyError}, DatabaseError. */
export async function readMasterSecret(
  source: MasterKeySource,
  database: Queryable,
): Promise<MasterSecret | undefined> {
  const { rows } = await database.query<{ name: string; value: string }>(
    "select name, value from settings where name in ($1, $2)",
    [CHECK, GENERATION],
  );
  const values = new Map(rows.map((row) => [row.name, row.value]));
  const check = values.get(CHECK);
  if (check === undefined) return undefined;
  const generation = Number(values.get(GENERATION) ?? 1);
  return { key: await find(source, check, generation), generation };
}

/** The number of master keys that the database has had. Throws DatabaseError. */
export async function generationOf(database: Queryable): Promise<number> {
  const { rows } = await database.query<{ value: string }>("select value from settings where name = $1", [GENERATION]);
  return Number(rows[0]?.value ?? 1);
}

/**
 * The key of a backup. It derives from the master key and the backup's salt alone, because the database may be lost
 * when it is needed.
 */
export function backupKeyOf(master: Uint8Array, salt: Uint8Array): Uint8Array {
  return derive(master, `backup ${Buffer.from(salt).toString("hex")}`);
}

/** Reads the key without a database to check it against. Throws {@link MasterKeyError}. */
export async function readMasterKey(source: MasterKeySource): Promise<Uint8Array> {
  return parse(source.from === "env" ? process.env[source.name] : await readIfThere(source.path), nameOfSource(source));
}

/** The name under which a device's store key is derived. */
export function storeKeyName(userId: string, deviceId: string): string {
  return `crypto store ${userId} ${deviceId}`;
}

/** The name under which a ghost's recovery key is derived. */
export function recoveryKeyName(userId: string): string {
  return `secret storage ${userId}`;
}

/** Derives 32 bytes for one purpose. */
export function derive(master: Uint8Array, name: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", master, "", name, 32));
}

/** Wraps a key with a master key. */
export function wrapWith({ key: master, generation }: MasterSecret, key: Uint8Array, context: string): WrappedKey {
  return { generation, wrapped: seal(derive(master, "key wrapping"), key, context) };
}

/** Opens the result of {@link wrapWith}. Throws SealBroken. */
export function unwrapWith({ key: master }: MasterSecret, wrapped: string, context: string): Uint8Array {
  return new Uint8Array(unseal(derive(master, "key wrapping"), wrapped, context));
}

/** A check value that identifies a master key without revealing it. */
export function checkOf(key: Uint8Array): string {
  return createHmac("sha256", key).update("matrix-agents master key").digest("hex");
}

/** The file of a generation's new key, before it is moved into place: the process may end in between. */
export function nextPath(path: string, generation: number): string {
  return `${path}.next-${generation}`;
}

/** The current key of the database. Throws {@link MasterKeyError}. */
async function find(source: MasterKeySource, check: string, generation: number): Promise<Uint8Array> {
  const name = nameOfSource(source);
  if (source.from === "file") {
    // This file is read first: it may be moved into the other's place at any moment.
    const nextFile = nextPath(source.path, generation);
    const next = await readIfThere(nextFile);
    if (next !== undefined && checkOf(parse(next, nextFile)) === check) {
      // The change was stored, but the process ended before it moved the file into place.
      await rename(nextFile, source.path).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
      return parse(next, name);
    }
  }
  const text = source.from === "env" ? process.env[source.name] : await readIfThere(source.path);
  if (text === undefined) {
    const mend =
      (source.from === "file" ? whyNoCredential(source.path) : undefined) ?? "put the key back from your backup";
    throw new MasterKeyError(
      `${name} with the master key is missing, but the database holds devices encrypted with it; ${mend}`,
    );
  }
  const key = parse(text, name);
  if (checkOf(key) !== check) {
    throw new MasterKeyError(`${name} holds another master key than the one this database was made with`);
  }
  return key;
}

function nameOfSource(source: MasterKeySource): string {
  return source.from === "env" ? `the environment variable ${source.name}` : source.path;
}

/** Reads a key from text. Throws {@link MasterKeyError}. */
export function parse(text: string | undefined, name: string): Uint8Array {
  if (text === undefined) throw new MasterKeyError(`${name} with the master key is missing`);
  if (!/^[0-9a-f]{64}$/i.test(text.trim())) {
    throw notOfKey(name);
  }
  return Buffer.from(text.trim(), "hex");
}

function notOfKey(name: string): MasterKeyError {
  return new MasterKeyError(`${name} must hold the master key as 64 hexadecimal digits`);
}

async function readOrCreate(path: string): Promise<Uint8Array> {
  const there = await readIfThere(path);
  if (there !== undefined) return parse(there, path);
  const key = randomBytes(32).toString("hex");
  await makeFolder(dirname(path));
  await writeNewFile(path, `${key}\n`);
  return parse(key, path);
}

/** More than any form of the key has. */
export const MOST_KEY_BYTES = 4_096;

/** The text of a file of a master key; undefined where there is none. Throws {@link MasterKeyError} and FileFault. */
export async function readIfThere(path: string): Promise<string | undefined> {
  return readBoundedFile(path, MOST_KEY_BYTES).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    if (error instanceof FileTooLarge) throw notOfKey(path);
    throw fileFault(error, path, "read");
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
