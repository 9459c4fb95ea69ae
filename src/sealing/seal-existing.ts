import type { Database, Queryable, Row } from "../database/database.ts";
import { storable } from "../database/text.ts";
import type { Logger } from "../observability/log.ts";
import type { Scope, Seals } from "./seals.ts";

/** Rows that are sealed in one transaction. */
const AT_ONCE = 200;

/** What a table had in clear before texts were sealed. */
interface ClearTable {
  readonly table: string;
  /** Which rows; each has an index of its own, so that looking costs nothing once all are sealed. */
  readonly where: string;
  /** What identifies a row. */
  readonly keys: readonly string[];
  readonly texts: readonly string[];
  readonly scope: (row: Row) => Scope;
  /** What identifies it in the place of its seal, where that is something else than the keys. */
  readonly place?: readonly string[];
  /** What else is written. */
  readonly more?: (row: Row) => Readonly<Record<string, unknown>>;
}

const ofGhost = (row: Row): Scope => ({ ghost: String(row["ghost"]), roomId: String(row["room_id"]) });
const ofRoom = (row: Row): Scope => ({ roomId: String(row["room_id"]) });

const TABLES: readonly ClearTable[] = [
  {
    table: "messages",
    where: "sealed_by is null",
    keys: ["position"],
    texts: ["body", "attachment"],
    scope: ofGhost,
    place: ["ghost", "event_id"],
  },
  {
    table: "summaries",
    where: "sealed_by is null",
    keys: ["ghost", "room_id", "thread_root"],
    texts: ["body"],
    scope: ofGhost,
  },
  {
    table: "room_settings",
    where: "sealed_by is null",
    keys: ["ghost", "room_id", "name"],
    texts: ["value"],
    scope: (row) => ({ ...ofGhost(row), isLasting: true }),
  },
  {
    table: "exchanges",
    where: "sealed_by is null and topic is not null",
    keys: ["room_id", "origin"],
    texts: ["topic"],
    scope: ofRoom,
  },
  {
    table: "turns",
    where: "sealed_by is null and reply is not null",
    keys: ["id"],
    texts: ["reply"],
    scope: ofGhost,
    place: ["ghost", "event_id", "round"],
  },
  {
    table: "sends",
    where: "sealed_by is null and event_id is null",
    keys: ["ghost", "txn_id"],
    texts: ["content"],
    scope: ofRoom,
  },
  { table: "malformed", where: "sealed_by is null", keys: ["id"], texts: ["raw"], scope: () => ({}), place: [] },
  {
    table: "events",
    where: "sealed_by is null and payload is not null",
    keys: ["event_id"],
    texts: ["payload"],
    scope: ofRoom,
    more: (row) => outsideOf(String(row["payload"])),
  },
];

/** Seals what earlier versions have left in clear, before anything else looks at it. Throws MasterKeyError, DatabaseError. */
export async function sealExisting(database: Database, seals: Seals, log: Logger): Promise<void> {
  let rows = 0;
  for (const table of TABLES) {
    for (let count = AT_ONCE; count > 0; rows += count) {
      count = await database.transaction((tx) => sealSome(tx, seals, table));
    }
  }
  if (rows > 0) log.info({ rows }, "sealed what earlier versions had stored in clear");
}

async function sealSome(tx: Queryable, seals: Seals, table: ClearTable): Promise<number> {
  const { rows } = await tx.query(`select * from ${table.table} where ${table.where} limit ${AT_ONCE} for update`);
  for (const row of rows) {
    const key = await seals.in(tx, table.scope(row));
    const place = (table.place ?? table.keys).map((name) => String(row[name]));
    const sealed = table.texts.map((name): [string, unknown] => {
      const text = row[name];
      return [name, typeof text === "string" ? key.seal(text, `${table.table}.${name}`, ...place) : null];
    });
    const changes = Object.entries({ ...table.more?.(row), ...Object.fromEntries(sealed), sealed_by: key.id });
    await tx.query(
      `update ${table.table} set ${changes.map(([name], index) => `${name} = $${index + 1}`).join(", ")}
       where ${table.keys.map((name, index) => `${name} = $${changes.length + index + 1}`).join(" and ")}`,
      [...changes.map(([, value]) => value), ...table.keys.map((name) => row[name])],
    );
  }
  return rows.length;
}

/** What of an event is looked at without opening it. */
function outsideOf(payload: string): Record<string, unknown> {
  const { type, sender, state_key, origin_server_ts } = JSON.parse(payload) as Record<string, unknown>;
  return {
    type: storable(String(type)),
    sender: storable(String(sender)),
    is_state: state_key !== undefined,
    sent_at: origin_server_ts,
  };
}
