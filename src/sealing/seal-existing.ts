import type { Database, Queryable, Row } from "../database/database.ts";
import { storable } from "../database/text.ts";
import type { Logger } from "../observability/log.ts";
import { unlessBroken } from "./sealed-text.ts";
import type { Scope, Seals } from "./seals.ts";
import { OperatorError } from "../observability/operator-error.ts";

/** The rows sealed in one transaction. */
const AT_ONCE = 200;

/** The columns that versions before sealing left unsealed in a table. */
interface ClearTable {
  readonly table: string;
  /** The condition that selects the rows. Each has an index, so that the check is cheap once all rows are sealed. */
  readonly where: string;
  /** The columns that identify a row. */
  readonly keys: readonly string[];
  readonly texts: readonly string[];
  readonly scope: (row: Row) => Scope;
  /** The values that a seal is bound to, where they are not the keys. */
  readonly context?: readonly string[];
  /** Further columns that are written. */
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
    context: ["ghost", "event_id"],
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
    context: ["ghost", "event_id", "round"],
  },
  {
    table: "sends",
    where: "sealed_by is null and event_id is null",
    keys: ["ghost", "txn_id"],
    texts: ["content"],
    scope: ofRoom,
  },
  { table: "malformed", where: "sealed_by is null", keys: ["id"], texts: ["raw"], scope: () => ({}), context: [] },
  {
    table: "events",
    where: "sealed_by is null and payload is not null",
    keys: ["event_id"],
    texts: ["payload"],
    scope: ofRoom,
    more: (row) => outsideOf(String(row["payload"])),
  },
];

/** The number of unsealed rows of a table. */
export interface Unsealed {
  readonly table: string;
  readonly rows: number;
}

/** The database holds unsealed words, and no record says that all were sealed before. */
export class UnsealedRows extends OperatorError<"UnsealedRows"> {
  override readonly name = "UnsealedRows";

  constructor(unsealed: readonly Unsealed[]) {
    super(
      `the database holds words that are not sealed (${describeUnsealed(unsealed)}): a version from before words were sealed has left them, or somebody wrote them there. If you have just upgraded from such a version: "matrix-agents keys seal-existing"`,
    );
  }
}

/** The numbers of rows in each table, for people. */
export function describeUnsealed(unsealed: readonly Unsealed[]): string {
  return unsealed.map(({ table, rows }) => `${table}: ${rows}`).join(", ");
}

/** The tables with unsealed rows. Throws DatabaseError. */
export async function unsealedRows(database: Queryable): Promise<Unsealed[]> {
  const counts = TABLES.map(
    ({ table, where }) => `select '${table}' as "table", count(*)::integer as rows from ${table} where ${where}`,
  );
  const { rows } = await database.query<{ table: string; rows: number }>(counts.join(" union all "));
  return rows.filter((row) => row.rows > 0);
}

/**
 * Confirms, before the bridge does anything else, that all texts are sealed, and records this in a way that only an
 * owner of the master key can. From then on an unsealed text must come from somebody else: it is never sealed and never
 * read (Seals.open). Throws {@link UnsealedRows} where this fails, MasterKeyError, DatabaseError.
 */
export async function confirmSealed(database: Database, seals: Seals, log: Logger): Promise<void> {
  const unsealed = await unsealedRows(database);
  const isRecorded = await isRecordedAsSealed(database, seals);
  if (unsealed.length === 0) {
    if (!isRecorded) await database.transaction((tx) => recordAsSealed(tx, seals));
    return;
  }
  if (!isRecorded) throw new UnsealedRows(unsealed);
  log.error({ unsealed }, "somebody has written unsealed words into the database; they are ignored");
}

/**
 * Seals the texts that earlier versions left unsealed. This happens once, at the operator's command, because the
 * database can't tell such texts from texts that somebody else inserted. Returns the number of rows. Throws
 * MasterKeyError, DatabaseError.
 */
export async function sealExisting(database: Database, seals: Seals): Promise<number> {
  let rows = 0;
  for (const table of TABLES) {
    for (let count = AT_ONCE; count > 0; rows += count) {
      count = await database.transaction((tx) => sealSome(tx, seals, table));
    }
  }
  await database.transaction((tx) => recordAsSealed(tx, seals));
  return rows;
}

/** The row of `settings` that records the sealing: the id of a permanent key, and a text sealed with it. */
const RECORD = "all_sealed";
const RECORD_CONTEXT = ["settings.value", RECORD];

/** Whether an owner of the master key has recorded that everything is sealed. Throws MasterKeyError, DatabaseError. */
export async function isRecordedAsSealed(database: Queryable, seals: Seals): Promise<boolean> {
  const { rows } = await database.query<{ value: string }>("select value from settings where name = $1", [RECORD]);
  const [, id, text] = /^([1-9]\d{0,15}) (\S+)$/.exec(rows[0]?.value ?? "") ?? [];
  if (id === undefined || text === undefined) return false;
  const { rows: known, open } = await seals.open([{ sealed_by: Number(id) }], database);
  const [row] = known;
  return row !== undefined && unlessBroken(() => open(row, text, ...RECORD_CONTEXT)) === RECORD;
}

async function recordAsSealed(tx: Queryable, seals: Seals): Promise<void> {
  const key = await seals.in(tx, { isLasting: true });
  await tx.query(
    "insert into settings (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value",
    [RECORD, `${key.id} ${key.seal(RECORD, ...RECORD_CONTEXT)}`],
  );
}

async function sealSome(tx: Queryable, seals: Seals, table: ClearTable): Promise<number> {
  const { rows } = await tx.query(`select * from ${table.table} where ${table.where} limit ${AT_ONCE} for update`);
  for (const row of rows) {
    const key = await seals.in(tx, table.scope(row));
    const context = (table.context ?? table.keys).map((name) => String(row[name]));
    const sealed = table.texts.map((name): [string, unknown] => {
      const text = row[name];
      return [name, typeof text === "string" ? key.seal(text, `${table.table}.${name}`, ...context) : null];
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

/** The fields of an event that are readable without opening it. */
function outsideOf(payload: string): Record<string, unknown> {
  const { type, sender, state_key, origin_server_ts } = JSON.parse(payload) as Record<string, unknown>;
  return {
    type: storable(String(type)),
    sender: storable(String(sender)),
    is_state: state_key !== undefined,
    sent_at: origin_server_ts,
  };
}
