import { randomBytes } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { writeNewFile } from "../config/new-file.ts";
import type { MasterKeySource } from "../config/config.ts";
import type { Database, Queryable } from "../database/database.ts";
import { FileFault } from "../observability/file-fault.ts";
import {
  CHECK,
  checkOf,
  derive,
  GENERATION,
  generationOf,
  MasterKeyError,
  type MasterSecret,
  nextPath,
  parse,
  readIfThere,
  readMasterSecret,
  recoveryKeyName,
  storeKeyName,
  unwrapWith,
  wrapWith,
} from "./master-key.ts";
import { contextOfKey, type KeyRow } from "./seals.ts";

/** Any constant: it names the lock that excludes a second rotation. */
const ROTATION_LOCK = 7_295_005;

/** The keys rewrapped by one statement. */
const AT_ONCE = 1_000;

/** The result of a change of the master key. */
export interface Rotated {
  readonly generation: number;
  /** The number of keys that the new master key wraps. */
  readonly keys: number;
  /** The path of the former key; undefined when it is not in a file. */
  readonly formerPath: string | undefined;
}

/**
 * Replaces the master key. The new key wraps everything that the old one wraps. Secrets derived from the old key are
 * kept, wrapped, so that devices and recovery keys stay the same. All of this happens or nothing; when the process ends
 * in the middle, the next start finds the key that the database belongs to. Running bridges read the new key themselves
 * where it is in a file.
 *
 * @param source the place of the present key.
 * @param next the new key, where it is not in a file: 64 hexadecimal digits.
 * @param also further writes in the same transaction. Throws {@link MasterKeyError}, DatabaseError.
 */
export async function rotateMasterKey(
  database: Database,
  source: MasterKeySource,
  next: string | undefined,
  also: (tx: Queryable) => Promise<void>,
): Promise<Rotated> {
  const done = await database
    .transaction(async (tx) => {
      // One rotation at a time: under this lock the database's key is certain, and no other change is under way.
      await tx.query("select pg_advisory_xact_lock($1)", [ROTATION_LOCK]);
      const present = await readMasterSecret(source, tx);
      if (present === undefined) throw new MasterKeyError("this database has no master key yet; start the bridge once");
      const text = next ?? randomBytes(32).toString("hex");
      const key = parse(text, "the new master key");
      if (checkOf(key) === checkOf(present.key)) throw new MasterKeyError("the new master key is the present one");
      const secret = { key, generation: present.generation + 1 };
      const formerPath = source.from === "file" ? await layDown(source.path, text, present) : undefined;
      const keys = await rewrap(tx, present, secret);
      await also(tx);
      return { generation: secret.generation, keys, formerPath };
    })
    .catch(async (error: unknown) => {
      if (source.from === "file") await tidyUp(database, source.path).catch(() => undefined);
      throw error;
    });
  if (source.from === "file") {
    await rename(nextPath(source.path, done.generation), source.path).catch((error: unknown) => {
      // A running bridge has already moved the file.
      if (codeOf(error) !== "ENOENT") throw error;
    });
  }
  return done;
}

/** Removes the new key's file when the change was not stored. The lock makes sure that nobody is still storing it. */
async function tidyUp(database: Database, path: string): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.query("select pg_advisory_xact_lock($1)", [ROTATION_LOCK]);
    await rm(nextPath(path, (await generationOf(tx)) + 1), { force: true });
  });
}

/**
 * Writes the new key beside the present one, and keeps the present one under another name, because earlier backups need
 * it. Returns that name.
 */
async function layDown(path: string, text: string, present: MasterSecret): Promise<string> {
  const nextFile = nextPath(path, present.generation + 1);
  // A change that was not stored left this file: the database belongs to the earlier key.
  await rm(nextFile, { force: true });
  await writeNewFile(nextFile, `${text}\n`);
  return keepFormer(path, present);
}

/** After a restore in between, another key may already have that name. */
async function keepFormer(path: string, { key, generation }: MasterSecret): Promise<string> {
  for (let count = 0; ; count++) {
    const formerPath = `${path}.${generation}${count === 0 ? "" : `.${count}`}`;
    try {
      await writeNewFile(formerPath, `${Buffer.from(key).toString("hex")}\n`);
      return formerPath;
    } catch (error) {
      if (!(error instanceof FileFault) || codeOf(error.cause) !== "EEXIST") throw error;
      const there = await readIfThere(formerPath);
      if (there?.trim().toLowerCase() === Buffer.from(key).toString("hex")) return formerPath;
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

async function rewrap(tx: Queryable, present: MasterSecret, next: MasterSecret): Promise<number> {
  // A process that is wrapping a key or making a ghost either waits for this transaction and then finds the new key, or
  // came first, and this transaction finds its key.
  const { count } = await tx.query("update settings set value = $2 where name = $1 and value = $3", [
    CHECK,
    checkOf(next.key),
    checkOf(present.key),
  ]);
  if (count !== 1) throw new MasterKeyError("the master key has been changed by somebody else meanwhile");
  await tx.query(
    "insert into settings (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value",
    [GENERATION, String(next.generation)],
  );
  await tx.execute("lock table ghosts in share row exclusive mode");
  return (await rewrapKeys(tx, present, next)) + (await keepDerived(tx, present, next));
}

async function rewrapKeys(tx: Queryable, present: MasterSecret, next: MasterSecret): Promise<number> {
  let last = 0;
  for (let count = 0; ;) {
    const { rows } = await tx.query<KeyRow>(
      `select id, ghost, room_id, period, generation, wrapped from sealing_keys where id > $1 order by id limit ${AT_ONCE}`,
      [last],
    );
    if (rows.length === 0) return count;
    const wrapped = rows.map((row) => {
      const context = contextOfKey(row);
      return { id: row.id, wrapped: wrapWith(next, unwrapWith(present, row.wrapped, context), context).wrapped };
    });
    await tx.query(
      `update sealing_keys set wrapped = n.wrapped, generation = $2
       from json_to_recordset($1::json) as n(id bigint, wrapped text) where sealing_keys.id = n.id`,
      [JSON.stringify(wrapped), next.generation],
    );
    last = rows.at(-1)?.id ?? last;
    count += rows.length;
  }
}

/** The keys that encrypt devices and secret storage can't change with the master key, so they are kept. */
async function keepDerived(tx: Queryable, present: MasterSecret, next: MasterSecret): Promise<number> {
  const { rows: kept } = await tx.query<{ name: string; wrapped: string }>("select name, wrapped from kept_secrets");
  const before = new Map(kept.map((row) => [row.name, row.wrapped]));
  const { rows: ghosts } = await tx.query<{ user_id: string; device_id: string; replaces: string | null }>(
    "select user_id, device_id, replaces from ghosts",
  );
  const names = ghosts.flatMap(({ user_id: userId, device_id: deviceId, replaces }) => [
    storeKeyName(userId, deviceId),
    ...(replaces === null ? [] : [storeKeyName(userId, replaces)]),
    recoveryKeyName(userId),
  ]);
  await tx.query("delete from kept_secrets");
  const rows = names.map((name) => {
    const wrapped = before.get(name);
    const secret = wrapped === undefined ? derive(present.key, name) : unwrapWith(present, wrapped, name);
    return { name, wrapped: wrapWith(next, secret, name).wrapped };
  });
  await tx.query(
    `insert into kept_secrets (name, wrapped)
     select name, wrapped from json_to_recordset($1::json) as k(name text, wrapped text)`,
    [JSON.stringify(rows)],
  );
  return rows.length;
}
