import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { MasterKeySource } from "../config/config.ts";
import type { Database, Queryable } from "../database/database.ts";
import { seal, unseal } from "./sealed-text.ts";
import { OperatorError } from "../observability/operator-error.ts";
import type { Retryable } from "../observability/retryable.ts";

/** The master key is missing, malformed, or not the one this database was made with. */
export class MasterKeyError extends OperatorError<"MasterKeyError"> implements Retryable {
  override readonly name = "MasterKeyError";
  /** Nothing is lost by waiting until the key is back. */
  readonly retryable = true;
}

/** The rows of `settings` that say which master key it is, and how many there were. */
export const CHECK = "master_key_check";
export const GENERATION = "master_key_generation";

/** A key as it is kept: sealed by a master key, of which there may have been others before. */
export interface WrappedKey {
  readonly generation: number;
  readonly wrapped: string;
}

/** One master key, as it was read. */
export interface MasterSecret {
  readonly key: Uint8Array;
  readonly generation: number;
}

/**
 * The key from which the key of every device's store, and of every ghost's secret storage, is derived, and which wraps the
 * keys that rooms are sealed with. Where it was changed meanwhile (rotation.ts), the new one is read.
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
   * Reads the key. It writes a new one (0600) only where there is neither a file nor anything that was encrypted with
   * one. Throws {@link MasterKeyError} when the database belongs to another key: its devices could not be opened, and a
   * new key must never take their place unasked.
   */
  static async open(source: MasterKeySource, database: Database): Promise<MasterKey> {
    const there = await readMasterSecret(source, database);
    if (there !== undefined) return new MasterKey(source, database, there);
    const key =
      source.from === "env" ? parse(process.env[source.name], placeOf(source)) : await readOrCreate(source.path);
    await database.query("insert into settings (name, value) values ($1, $2)", [CHECK, checkOf(key)]);
    return new MasterKey(source, database, { key, generation: 1 });
  }

  /** The 32-byte key of one device's store. Throws {@link MasterKeyError}, DatabaseError. */
  storeKey(userId: string, deviceId: string): Promise<Uint8Array> {
    return this.#secretOf(storeKeyName(userId, deviceId));
  }

  /**
   * The 32-byte key of a ghost's secret storage, which its recovery key encodes. Throws {@link MasterKeyError},
   * DatabaseError.
   */
  recoveryKey(userId: string): Promise<Uint8Array> {
    return this.#secretOf(recoveryKeyName(userId));
  }

  /** The 32-byte key of one backup; see backup/. */
  backupKey(salt: Uint8Array): Uint8Array {
    return backupKeyOf(this.#secret.key, salt);
  }

  /** Throws {@link MasterKeyError} when the database, as a transaction sees it, belongs to another key by now, and DatabaseError. */
  async confirm(tx: Queryable): Promise<void> {
    if ((await masterKeyCheck(tx)) === checkOf(this.#secret.key)) return;
    throw new MasterKeyError("the master key was changed at this very moment; run the same again");
  }

  /**
   * Wraps a key of 32 bytes, in the transaction that stores it: until that has ended the master key can't be changed.
   * Throws {@link MasterKeyError}, DatabaseError.
   */
  async wrap(tx: Queryable, key: Uint8Array, place: string): Promise<WrappedKey> {
    const { rows } = await tx.query<{ value: string }>("select value from settings where name = $1 for share", [CHECK]);
    if (rows[0]?.value !== checkOf(this.#secret.key)) await this.#reread(tx);
    return wrapWith(this.#secret, key, place);
  }

  /** Opens a key that was wrapped. Throws {@link MasterKeyError}, SealBroken, DatabaseError. */
  async unwrap(database: Queryable, { generation, wrapped }: WrappedKey, place: string): Promise<Uint8Array> {
    if (generation !== this.#secret.generation) await this.#reread(database);
    return unwrapWith(this.#secret, wrapped, place);
  }

  /**
   * The secret that is derived for one purpose, or that was derived from an earlier master key and is kept since the
   * change.
   */
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

/** What tells the master key of a database without giving it away; undefined before there was one. Throws DatabaseError. */
export async function masterKeyCheck(database: Queryable): Promise<string | undefined> {
  const { rows } = await database.query<{ value: string }>("select value from settings where name = $1", [CHECK]);
  return rows[0]?.value;
}

/** The key that a database belongs to; undefined when it is a new one. Throws {@link MasterKeyError}, DatabaseError. */
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

/** How many master keys the database has had. Throws DatabaseError. */
export async function generationOf(database: Queryable): Promise<number> {
  const { rows } = await database.query<{ value: string }>("select value from settings where name = $1", [GENERATION]);
  return Number(rows[0]?.value ?? 1);
}

/**
 * The key of a backup. It is derived from the master key and the backup's salt alone, because the database may be gone
 * by then.
 */
export function backupKeyOf(master: Uint8Array, salt: Uint8Array): Uint8Array {
  return derive(master, `backup ${Buffer.from(salt).toString("hex")}`);
}

/** Reads the key where there is no database to tell whether it is the right one. Throws {@link MasterKeyError}. */
export async function readMasterKey(source: MasterKeySource): Promise<Uint8Array> {
  return parse(source.from === "env" ? process.env[source.name] : await readIfThere(source.path), placeOf(source));
}

/** The name under which a device's store key is derived. */
export function storeKeyName(userId: string, deviceId: string): string {
  return `crypto store ${userId} ${deviceId}`;
}

/** The name under which a ghost's recovery key is derived. */
export function recoveryKeyName(userId: string): string {
  return `secret storage ${userId}`;
}

/** 32 bytes for one purpose. */
export function derive(master: Uint8Array, name: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", master, "", name, 32));
}

/** Wraps a key with a master key. */
export function wrapWith({ key: master, generation }: MasterSecret, key: Uint8Array, place: string): WrappedKey {
  return { generation, wrapped: seal(derive(master, "key wrapping"), key, place) };
}

/** Opens what {@link wrapWith} made. Throws SealBroken. */
export function unwrapWith({ key: master }: MasterSecret, wrapped: string, place: string): Uint8Array {
  return new Uint8Array(unseal(derive(master, "key wrapping"), wrapped, place));
}

/** A check value that identifies a master key without giving it away. */
export function checkOf(key: Uint8Array): string {
  return createHmac("sha256", key).update("matrix-agents master key").digest("hex");
}

/** The file of the key that is about to become a generation's: the process may end before it is put in its place. */
export function nextPath(path: string, generation: number): string {
  return `${path}.next-${generation}`;
}

/** The key that the database was made with, or changed to. Throws {@link MasterKeyError}. */
async function find(source: MasterKeySource, check: string, generation: number): Promise<Uint8Array> {
  const place = placeOf(source);
  if (source.from === "file") {
    // Before the file itself: it may be put in that one's place at any moment.
    const nextFile = nextPath(source.path, generation);
    const next = await readIfThere(nextFile);
    if (next !== undefined && checkOf(parse(next, nextFile)) === check) {
      // The change was stored, and the process ended before it had put the file in its place.
      await rename(nextFile, source.path).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
      return parse(next, place);
    }
  }
  const text = source.from === "env" ? process.env[source.name] : await readIfThere(source.path);
  if (text === undefined) {
    throw new MasterKeyError(
      `${place} with the master key is missing, but the database holds devices encrypted with it; put the key back from your backup`,
    );
  }
  const key = parse(text, place);
  if (checkOf(key) !== check) {
    throw new MasterKeyError(`${place} holds another master key than the one this database was made with`);
  }
  return key;
}

function placeOf(source: MasterKeySource): string {
  return source.from === "env" ? `the environment variable ${source.name}` : source.path;
}

/** Reads a key from text. Throws {@link MasterKeyError}. */
export function parse(text: string | undefined, place: string): Uint8Array {
  if (text === undefined) throw new MasterKeyError(`${place} with the master key is missing`);
  if (!/^[0-9a-f]{64}$/i.test(text.trim())) {
    throw new MasterKeyError(`${place} must hold the master key as 64 hexadecimal digits`);
  }
  return Buffer.from(text.trim(), "hex");
}

async function readOrCreate(path: string): Promise<Uint8Array> {
  const there = await readIfThere(path);
  if (there !== undefined) return parse(there, path);
  const key = randomBytes(32).toString("hex");
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, `${key}\n`, { mode: 0o600, flag: "wx" });
  return parse(key, path);
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
