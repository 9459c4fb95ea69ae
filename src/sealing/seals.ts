import { createSecretKey, randomBytes, type KeyObject } from "node:crypto";
import type { Database, Queryable } from "../database/database.ts";
import type { Logger } from "../observability/log.ts";
import type { MasterKey, WrappedKey } from "./master-key.ts";
import { NotSealed, SealBroken, seal, unseal } from "./sealed-text.ts";

/** The texts that one key seals. */
export interface Scope {
  /** The ghost whose memory it is; absent for texts in transit, which belong to no single ghost. */
  readonly ghost?: string;
  /** The person whose sign-ins to tools these are, in place of a ghost. */
  readonly person?: string;
  /** Absent for texts that belong to no known room. */
  readonly roomId?: string;
  /** The key lasts until the ghost leaves the room, instead of a day. */
  readonly isLasting?: boolean;
}

/** A scope as its key names it. No ghost has the id of a person. */
type WholeScope = Required<Omit<Scope, "person">>;

/** Seals texts of one scope, within the transaction that asked for it. */
export interface Seal {
  /** The key's id; the row stores it as `sealed_by`. */
  readonly id: number;
  /** @param context the table, the column and the values that identify the row: the text can be opened only as that. */
  seal(text: string, ...context: readonly string[]): string;
}

/** A row that may hold sealed text. */
export interface SealedRow {
  /** Null: nothing in the row is sealed, and we did not store its words (see seal-existing.ts). */
  readonly sealed_by: number | null;
}

/** Opens a row's sealed text. Throws SealBroken. */
export type Opener = (row: SealedRow, text: string, ...context: readonly string[]) => string;

/** The most opened keys in memory: one room's keys for some months, or many rooms' keys for a day. */
const MAX_OPENED = 10_000;

const TODAY = "to_char(now() at time zone 'utc', 'YYYY-MM-DD')";
/** A transaction that began yesterday may still be invisible; no transaction takes a day. */
const YESTERDAY = "to_char((now() - interval '1 day') at time zone 'utc', 'YYYY-MM-DD')";

/**
 * The keys that seal rooms: one for each ghost, room and day, one for texts in transit, and one for each person's sign-ins. The master key wraps them;
 * the database never holds them unwrapped. Rows refer to their key and are deleted with it. So deleting a key deletes
 * its texts, and nothing can be sealed with a deleted key.
 */
export class Seals {
  readonly #database: Database;
  readonly #master: MasterKey;
  readonly #log: Logger;
  readonly #maxOpened: number;
  /** By id, the oldest first. Ids are never reused. */
  readonly #opened = new Map<number, KeyObject>();
  /** The keys that sealed something last, by scope: the next text of the day takes the same. */
  readonly #inUse = new Map<string, KeyRow>();

  /** @param options.maxOpened the most opened keys in memory. */
  constructor(database: Database, master: MasterKey, log: Logger, { maxOpened = MAX_OPENED } = {}) {
    this.#database = database;
    this.#master = master;
    this.#log = log;
    this.#maxOpened = maxOpened;
  }

  /**
   * The seal for a scope today. Nobody can delete its key before the transaction ends. Throws MasterKeyError,
   * DatabaseError.
   */
  async in(tx: Queryable, scope: Scope): Promise<Seal> {
    const [only] = await this.all(tx, [scope]);
    if (only === undefined) throw new Error("there is no seal for a scope");
    return only;
  }

  /** The seals for several scopes, in their order. */
  async all(tx: Queryable, scopes: readonly Scope[]): Promise<Seal[]> {
    const wanted = scopes.map(wholeScope);
    const held = this.#hold(tx, wanted);
    if (held !== undefined) return held;
    const found = new Map((await this.#find(tx, wanted)).map((row) => [nameOf(row), row]));
    // A key that this transaction made is gone again when it is rolled back.
    for (const [name, row] of found) if (!row.made_here) this.#inUse.set(name, row);
    this.#bound(this.#inUse);
    const seals: Seal[] = [];
    for (const scope of wanted) {
      const row = found.get(nameOf(scope)) ?? (await this.#make(tx, scope));
      found.set(nameOf(scope), row);
      seals.push(sealWith(row.id, await this.#keyOf(tx, row)));
    }
    return seals;
  }

  /**
   * The seals of scopes whose keys are all in memory. A statement that locks the keys goes out with the next one, and fails
   * the transaction, to be tried again, where a key was deleted or is of another day: the database decides which day it is.
   */
  #hold(tx: Queryable, scopes: readonly WholeScope[]): Seal[] | undefined {
    const today = new Date().toISOString().slice(0, 10);
    const seals: Seal[] = [];
    for (const scope of scopes) {
      const row = this.#inUse.get(nameOf(scope));
      const key = row && this.#opened.get(row.id);
      if (row === undefined || key === undefined || (row.period !== "" && row.period !== today)) return undefined;
      seals.push(sealWith(row.id, key));
    }
    const ids = [...new Set(seals.map(({ id }) => id))];
    tx.query("select hold_sealing_keys($1::bigint[])", [ids]).catch(() => {
      for (const scope of scopes) this.#inUse.delete(nameOf(scope));
    });
    return seals;
  }

  /** Seals with an existing key, and locks it as {@link in} does. Throws SealBroken when the key no longer exists. */
  async known(tx: Queryable, id: number): Promise<Seal> {
    const { rows } = await tx.query<KeyRow>(
      "select id, ghost, room_id, period, generation, wrapped from sealing_keys where id = $1 for key share",
      [id],
    );
    const [row] = rows;
    if (row === undefined) throw new SealBroken(`key ${id}`);
    return sealWith(id, await this.#keyOf(tx, row));
  }

  /**
   * The rows that can be opened, each with its opener. A row's key may have been destroyed since the row was read.
   * Throws MasterKeyError, SealBroken, DatabaseError.
   *
   * @param database the transaction in which the rows were read, if any.
   */
  async open<R extends SealedRow>(
    all: readonly R[],
    database: Queryable = this.#database,
  ): Promise<{ readonly rows: R[]; readonly open: Opener }> {
    const ids = [...new Set(all.flatMap((row) => (row.sealed_by === null ? [] : [row.sealed_by])))];
    // This holds the keys while the rows are read, however many others are opened meanwhile.
    const keys = new Map(ids.map((id) => [id, this.#opened.get(id)]));
    const missing = ids.filter((id) => keys.get(id) === undefined);
    if (missing.length > 0) {
      const { rows } = await database.query<KeyRow>(
        `select id, ghost, room_id, period, generation, wrapped from sealing_keys
         where id = any($1::bigint[])`,
        [missing],
      );
      for (const row of rows) keys.set(row.id, await this.#keyOf(database, row));
    }
    return {
      rows: all.filter((row) => row.sealed_by === null || keys.get(row.sealed_by) !== undefined),
      open: ({ sealed_by: id }, text, ...context) => {
        if (id === null) throw this.#broken(new NotSealed(contextOf(context)));
        const key = keys.get(id);
        if (key === undefined) throw new SealBroken(contextOf(context));
        return this.#unseal(key, text, contextOf(context));
      },
    };
  }

  #unseal(key: KeyObject, text: string, context: string): string {
    try {
      return unseal(key, text, context).toString();
    } catch (error) {
      throw this.#broken(error);
    }
  }

  #broken(error: unknown): unknown {
    this.#log.error({ error }, "a sealed text in the database was changed or damaged; it is ignored");
    return error;
  }

  /** Destroys the keys of a scope, of all days, and with them everything they seal. */
  async destroy(tx: Queryable, { ghost = "", roomId = "", isLasting = false }: Scope): Promise<void> {
    const { rows } = await tx.query<{ id: number }>(
      "delete from sealing_keys where ghost = $1 and room_id = $2 and (period = '') = $3 returning id",
      [ghost, roomId, isLasting],
    );
    for (const { id } of rows) this.#opened.delete(id);
  }

  /**
   * Destroys the keys of a room's memories for the days that ended before a time, and with them everything they seal.
   */
  async expire(tx: Queryable, roomId: string, before: Date): Promise<void> {
    const { rows } = await tx.query<{ id: number }>(
      `delete from sealing_keys where room_id = $1 and ghost <> '' and period <> '' and period < least($2, ${YESTERDAY})
       returning id`,
      [roomId, before.toISOString().slice(0, 10)],
    );
    for (const { id } of rows) this.#opened.delete(id);
  }

  /** Destroys unused keys: of past days, and of agents that have left. Returns their number. */
  async prune(): Promise<number> {
    const unused = SEALED_TABLES.map(
      (table) => `not exists (select from ${table} where ${table}.sealed_by = sealing_keys.id)`,
    );
    const { rows } = await this.#database.query<{ id: number }>(
      `delete from sealing_keys
       where (case when period <> '' then period < ${YESTERDAY} else ghost <> '' and not exists (select from memberships
           where memberships.ghost = sealing_keys.ghost and memberships.room_id = sealing_keys.room_id
             and membership in ('join', 'invite')) end)
         and ${unused.join(" and ")} returning id`,
    );
    for (const { id } of rows) this.#opened.delete(id);
    return rows.length;
  }

  async #find(tx: Queryable, scopes: readonly WholeScope[]): Promise<FoundKey[]> {
    const { rows } = await tx.query<FoundKey>(
      `select id, sealing_keys.ghost, room_id, period, generation, wrapped,
         coalesce(sealing_keys.xmin = pg_current_xact_id_if_assigned()::xid, false) as made_here
       from sealing_keys join json_to_recordset($1::json) as s(ghost text, "roomId" text, "isLasting" boolean)
         on sealing_keys.ghost = s.ghost and room_id = s."roomId"
           and period = case when s."isLasting" then '' else ${TODAY} end
       for key share of sealing_keys`,
      [JSON.stringify(scopes)],
    );
    return rows;
  }

  /** When another transaction makes the same key at once, that one is used. */
  async #make(tx: Queryable, { ghost, roomId, isLasting }: WholeScope): Promise<FoundKey> {
    const { rows: days } = await tx.query<{ today: string }>(`select ${TODAY} as today`);
    const period = isLasting ? "" : (days[0]?.today ?? "");
    const context = contextOfKey({ ghost, room_id: roomId, period });
    const { generation, wrapped } = await this.#master.wrap(tx, randomBytes(32), context);
    await tx.query(
      `insert into sealing_keys (ghost, room_id, period, generation, wrapped) values ($1, $2, $3, $4, $5)
       on conflict (ghost, room_id, period) do nothing`,
      [ghost, roomId, period, generation, wrapped],
    );
    const [made] = await this.#find(tx, [{ ghost, roomId, isLasting }]);
    if (made === undefined) throw new Error("the key of a room was destroyed while it was made");
    return made;
  }

  /** The master key may have changed since the row was read. */
  async #unwrap(database: Queryable, row: KeyRow): Promise<Uint8Array> {
    try {
      return await this.#master.unwrap(database, row, contextOfKey(row));
    } catch (error) {
      if (!(error instanceof SealBroken)) throw error;
      const { rows } = await database.query<KeyRow>(
        "select id, ghost, room_id, period, generation, wrapped from sealing_keys where id = $1",
        [row.id],
      );
      if (rows[0] === undefined || rows[0].generation === row.generation) throw error;
      return this.#master.unwrap(database, rows[0], contextOfKey(rows[0]));
    }
  }

  async #keyOf(database: Queryable, row: KeyRow): Promise<KeyObject> {
    const known = this.#opened.get(row.id);
    if (known !== undefined) {
      // The keys unused for longest go first.
      this.#opened.delete(row.id);
      this.#opened.set(row.id, known);
      return known;
    }
    const key = createSecretKey(await this.#unwrap(database, row));
    this.#opened.set(row.id, key);
    this.#bound(this.#opened);
    return key;
  }

  #bound<K>(kept: Map<K, unknown>): void {
    for (const oldest of kept.keys()) {
      if (kept.size <= this.#maxOpened) break;
      kept.delete(oldest);
    }
  }
}

/** The tables whose rows may be sealed; each has a column `sealed_by`. */
export const SEALED_TABLES = [
  "messages",
  "read_files",
  "summaries",
  "room_settings",
  "reminders",
  "exchanges",
  "turns",
  "turn_steps",
  "call_files",
  "tool_sign_ins",
  "sign_in_attempts",
  "tool_clients",
  "sends",
  "events",
  "malformed",
] as const;

/** The context of a room's key, for the key's own seal. */
export function contextOfKey({ ghost, room_id, period }: Pick<KeyRow, "ghost" | "room_id" | "period">): string {
  return contextOf(["sealing_keys.wrapped", ghost, room_id, period]);
}

function sealWith(id: number, key: KeyObject): Seal {
  return { id, seal: (text, ...context) => seal(key, Buffer.from(text), contextOf(context)) };
}

function wholeScope({ person, ghost = person ?? "", roomId = "", isLasting = false }: Scope): WholeScope {
  return { ghost, roomId, isLasting };
}

/** Ids hold no control characters, so two places can't have the same name. */
function contextOf(context: readonly string[]): string {
  return context.join("\n");
}

function nameOf(scope: WholeScope | KeyRow): string {
  return "roomId" in scope
    ? `${scope.ghost}\n${scope.roomId}\n${scope.isLasting}`
    : `${scope.ghost}\n${scope.room_id}\n${scope.period === ""}`;
}

/** A row of `sealing_keys`. */
export interface KeyRow extends WrappedKey {
  readonly id: number;
  readonly ghost: string;
  readonly room_id: string;
  readonly period: string;
}

interface FoundKey extends KeyRow {
  /** Whether the transaction that found it has made it. */
  readonly made_here: boolean;
}
