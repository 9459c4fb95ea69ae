import { randomBytes } from "node:crypto";
import type { Database, Queryable } from "../database/database.ts";
import type { Logger } from "../observability/log.ts";
import type { MasterKey, WrappedKey } from "./master-key.ts";
import { NotSealed, SealBroken, seal, unseal } from "./sealed-text.ts";

/** The texts that one key seals. */
export interface Scope {
  /** The ghost whose memory it is; absent for texts on their way in or out of a room, for every ghost. */
  readonly ghost?: string;
  /** Absent for texts that belong to no known room. */
  readonly roomId?: string;
  /** Stays until the ghost leaves the room, and is not of the day. */
  readonly isLasting?: boolean;
}

/** Seals texts of one scope, in the transaction it was asked for in. */
export interface Seal {
  /** The key's id, which the row refers to: `sealed_by`. */
  readonly id: number;
  /**
   * @param place the table, the column and the values that identify the row: the text can be opened as that one alone.
   */
  seal(text: string, ...place: readonly string[]): string;
}

/** A row of which something may be sealed. */
export interface SealedRow {
  /** Null: nothing in the row is sealed, and words in it were not stored by us (see seal-existing.ts). */
  readonly sealed_by: number | null;
}

/** Opens what rows hold. Throws SealBroken. */
export type Opener = (row: SealedRow, text: string, ...place: readonly string[]) => string;

/** So many opened keys are kept in memory: a room's for some months, or those of many rooms for a day. */
const MAX_OPENED = 10_000;

const TODAY = "to_char(now() at time zone 'utc', 'YYYY-MM-DD')";
/** A transaction that began yesterday may not be visible yet; no transaction takes a day. */
const YESTERDAY = "to_char((now() - interval '1 day') at time zone 'utc', 'YYYY-MM-DD')";

/**
 * The keys that rooms are sealed with: one for each ghost, room and day, and one for texts on their way. The master key
 * wraps them, and they never stand in the database in clear. Rows refer to their key and go with it. So deleting a key
 * forgets its texts, and nothing can be sealed with a deleted key.
 */
export class Seals {
  readonly #database: Database;
  readonly #master: MasterKey;
  readonly #log: Logger;
  readonly #maxOpened: number;
  /** By id, the oldest first. Ids are never used twice. */
  readonly #opened = new Map<number, Uint8Array>();

  /** @param options.maxOpened how many opened keys are kept in memory. */
  constructor(database: Database, master: MasterKey, log: Logger, { maxOpened = MAX_OPENED } = {}) {
    this.#database = database;
    this.#master = master;
    this.#log = log;
    this.#maxOpened = maxOpened;
  }

  /**
   * The seal for a scope today, until the transaction ends: nobody can delete its key before. Throws MasterKeyError,
   * DatabaseError.
   */
  async in(tx: Queryable, scope: Scope): Promise<Seal> {
    const [only] = await this.all(tx, [scope]);
    if (only === undefined) throw new Error("there is no seal for a scope");
    return only;
  }

  /** The same for several, in their order. */
  async all(tx: Queryable, scopes: readonly Scope[]): Promise<Seal[]> {
    const wanted = scopes.map(({ ghost = "", roomId = "", isLasting = false }) => ({ ghost, roomId, isLasting }));
    const found = new Map((await this.#find(tx, wanted)).map((row) => [nameOf(row), row]));
    const seals: Seal[] = [];
    for (const scope of wanted) {
      const row = found.get(nameOf(scope)) ?? (await this.#make(tx, scope));
      found.set(nameOf(scope), row);
      const key = await this.#keyOf(tx, row);
      seals.push({
        id: row.id,
        seal: (text, ...place) => seal(key, Buffer.from(text), placeOf(place)),
      });
    }
    return seals;
  }

  /** Seals with a key that seals something already, and holds it as {@link in} does. Throws SealBroken when it is no more. */
  async known(tx: Queryable, id: number): Promise<Seal> {
    const { rows } = await tx.query<KeyRow>(
      "select id, ghost, room_id, period, generation, wrapped from sealing_keys where id = $1 for key share",
      [id],
    );
    const [row] = rows;
    if (row === undefined) throw new SealBroken(`key ${id}`);
    const key = await this.#keyOf(tx, row);
    return { id, seal: (text, ...place) => seal(key, Buffer.from(text), placeOf(place)) };
  }

  /**
   * The rows that can be opened, each with its opener; a row's key may have been destroyed since the row was read.
   * Throws MasterKeyError, SealBroken, DatabaseError.
   *
   * @param database the transaction in which the rows were read, if there is one.
   */
  async open<R extends SealedRow>(
    all: readonly R[],
    database: Queryable = this.#database,
  ): Promise<{ readonly rows: R[]; readonly open: Opener }> {
    const ids = [...new Set(all.flatMap((row) => (row.sealed_by === null ? [] : [row.sealed_by])))];
    // The keys are held here while the rows are read, however many others are opened meanwhile.
    const keys = new Map(ids.map((id) => [id, this.#opened.get(id)]));
    const missing = ids.filter((id) => keys.get(id) === undefined);
    if (missing.length > 0) {
      const { rows } = await database.query<KeyRow>(
        `select id, ghost, room_id, period, generation, wrapped from sealing_keys
         where id in (select value::bigint from json_array_elements_text($1::json))`,
        [JSON.stringify(missing)],
      );
      for (const row of rows) keys.set(row.id, await this.#keyOf(database, row));
    }
    return {
      rows: all.filter((row) => row.sealed_by === null || keys.get(row.sealed_by) !== undefined),
      open: ({ sealed_by: id }, text, ...place) => {
        if (id === null) throw this.#broken(new NotSealed(placeOf(place)));
        const key = keys.get(id);
        if (key === undefined) throw new SealBroken(placeOf(place));
        return this.#unseal(key, text, placeOf(place));
      },
    };
  }

  #unseal(key: Uint8Array, text: string, place: string): string {
    try {
      return unseal(key, text, place).toString();
    } catch (error) {
      throw this.#broken(error);
    }
  }

  #broken(error: unknown): unknown {
    this.#log.error({ error }, "something in the database was changed, or is damaged; it is passed over");
    return error;
  }

  /** Destroys the keys of a scope, of all days, and with them all that they seal. */
  async destroy(tx: Queryable, { ghost = "", roomId = "", isLasting = false }: Scope): Promise<void> {
    const { rows } = await tx.query<{ id: number }>(
      "delete from sealing_keys where ghost = $1 and room_id = $2 and (period = '') = $3 returning id",
      [ghost, roomId, isLasting],
    );
    for (const { id } of rows) this.#opened.delete(id);
  }

  /**
   * Destroys the keys of ghosts' memories of a room for the days that were over at a time, and with them all that they
   * seal.
   */
  async expire(tx: Queryable, roomId: string, before: Date): Promise<void> {
    const { rows } = await tx.query<{ id: number }>(
      `delete from sealing_keys where room_id = $1 and ghost <> '' and period <> '' and period < least($2, ${YESTERDAY})
       returning id`,
      [roomId, before.toISOString().slice(0, 10)],
    );
    for (const { id } of rows) this.#opened.delete(id);
  }

  /**
   * Destroys the keys with which nothing is sealed any more: of days that have passed, and those that stay until an agent leaves
   * of agents that have left. Returns how many.
   */
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

  async #find(tx: Queryable, scopes: readonly Required<Scope>[]): Promise<KeyRow[]> {
    const { rows } = await tx.query<KeyRow>(
      `select id, sealing_keys.ghost, room_id, period, generation, wrapped
       from sealing_keys join json_to_recordset($1::json) as s(ghost text, "roomId" text, "isLasting" boolean)
         on sealing_keys.ghost = s.ghost and room_id = s."roomId"
           and period = case when s."isLasting" then '' else ${TODAY} end
       for key share of sealing_keys`,
      [JSON.stringify(scopes)],
    );
    return rows;
  }

  /** Another transaction may make the same one at the same time: then it is that one's. */
  async #make(tx: Queryable, { ghost, roomId, isLasting }: Required<Scope>): Promise<KeyRow> {
    const { rows: days } = await tx.query<{ today: string }>(`select ${TODAY} as today`);
    const period = isLasting ? "" : (days[0]?.today ?? "");
    const place = placeOfKey({ ghost, room_id: roomId, period });
    const { generation, wrapped } = await this.#master.wrap(tx, randomBytes(32), place);
    await tx.query(
      `insert into sealing_keys (ghost, room_id, period, generation, wrapped) values ($1, $2, $3, $4, $5)
       on conflict (ghost, room_id, period) do nothing`,
      [ghost, roomId, period, generation, wrapped],
    );
    const [made] = await this.#find(tx, [{ ghost, roomId, isLasting }]);
    if (made === undefined) throw new Error("the key of a room was destroyed while it was made");
    return made;
  }

  /** The master key may have been changed since the row was read. */
  async #unwrap(database: Queryable, row: KeyRow): Promise<Uint8Array> {
    try {
      return await this.#master.unwrap(database, row, placeOfKey(row));
    } catch (error) {
      if (!(error instanceof SealBroken)) throw error;
      const { rows } = await database.query<KeyRow>(
        "select id, ghost, room_id, period, generation, wrapped from sealing_keys where id = $1",
        [row.id],
      );
      if (rows[0] === undefined || rows[0].generation === row.generation) throw error;
      return this.#master.unwrap(database, rows[0], placeOfKey(rows[0]));
    }
  }

  async #keyOf(database: Queryable, row: KeyRow): Promise<Uint8Array> {
    const known = this.#opened.get(row.id);
    if (known !== undefined) {
      // Those not used for longest go first.
      this.#opened.delete(row.id);
      this.#opened.set(row.id, known);
      return known;
    }
    const key = await this.#unwrap(database, row);
    this.#opened.set(row.id, key);
    for (const id of this.#opened.keys()) {
      if (this.#opened.size <= this.#maxOpened) break;
      this.#opened.delete(id);
    }
    return key;
  }
}

/** The tables whose rows may be sealed; each has a column `sealed_by`. */
export const SEALED_TABLES = [
  "messages",
  "read_files",
  "summaries",
  "room_settings",
  "exchanges",
  "turns",
  "turn_steps",
  "sends",
  "events",
  "malformed",
] as const;

/** Where a key of a room is kept, for its own seal. */
export function placeOfKey({ ghost, room_id, period }: Pick<KeyRow, "ghost" | "room_id" | "period">): string {
  return placeOf(["sealing_keys.wrapped", ghost, room_id, period]);
}

/** Ids hold no control characters, so that no two places are named the same. */
function placeOf(place: readonly string[]): string {
  return place.join("\n");
}

function nameOf(scope: Required<Scope> | KeyRow): string {
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
