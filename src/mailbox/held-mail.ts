import type { Actor, AuditEntry } from "../audit/audit-entry.ts";
import { AuditLog } from "../audit/audit-log.ts";
import type { Database } from "../database/database.ts";
import { notifyProcesses } from "../leases/processes.ts";

/** An item that is not retried automatically, as an operator sees it. It holds no message text. */
export interface HeldItem {
  readonly id: number;
  readonly ghost: string;
  readonly roomId: string;
  readonly eventId: string;
  /** Waiting for a key, or set aside permanently. */
  readonly state: "awaiting_key" | "set_aside";
  /** The reason for setting it aside; while it waits, the sender's reason for not sending the key. */
  readonly reason: string | undefined;
  readonly receivedAt: Date;
}

/** The numbers of items by state. */
export interface MailboxSummary {
  readonly ready: number;
  readonly awaitingKey: number;
  readonly setAside: number;
  /** The set-aside items that were refused: not trusted, not readable, or repeated. */
  readonly refused: number;
  /** Parts of transactions that are no events. */
  readonly malformed: number;
}

/** The items that a command is about: some, or all set-aside ones. */
export type HeldSelection = "all" | readonly number[];

/** The mail that needs an operator. Every method throws DatabaseError. */
export class HeldMail {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async summary(): Promise<MailboxSummary> {
    const { rows } = await this.#database.query<MailboxSummary>(
      `select count(*) filter (where state = 'ready')::integer as ready,
         count(*) filter (where state = 'awaiting_key')::integer as "awaitingKey",
         count(*) filter (where state = 'set_aside')::integer as "setAside",
         count(*) filter (where state = 'set_aside' and ${REFUSED})::integer as refused,
         (select count(*)::integer from malformed) as malformed
       from mailbox`,
    );
    const [summary] = rows;
    if (summary === undefined) throw new Error("the mailbox could not be counted");
    return summary;
  }

  /** The waiting time of the oldest ready item, in seconds; null when there is none. */
  async oldestReadySeconds(): Promise<number | null> {
    const { rows } = await this.#database.query<{ oldest: number | null }>(
      `select (extract(epoch from clock_timestamp() - min(received_at)))::float8 as oldest
       from mailbox join events using (event_id) where state = 'ready'`,
    );
    return rows[0]?.oldest ?? null;
  }

  /** In order of arrival: all items, or the first of those after an id. */
  async list({ after = 0, limit }: { readonly after?: number; readonly limit?: number } = {}): Promise<HeldItem[]> {
    const { rows } = await this.#database.query<HeldRow>(
      `select id, ghost, room_id, event_id, state, reason, received_at from mailbox join events using (event_id)
       where state in ('awaiting_key', 'set_aside') and id > $1 order by id limit $2`,
      [after, limit ?? null],
    );
    return rows.map((row) => ({
      id: row.id,
      ghost: row.ghost,
      roomId: row.room_id,
      eventId: row.event_id,
      state: row.state,
      reason: row.reason ?? undefined,
      receivedAt: row.received_at,
    }));
  }
}

/**
 * Makes items ready again, as if they came for the first time, and wakes their ghosts in the processes that have them.
 * Returns the items' ids. Throws DatabaseError.
 */
export function retryHeld(database: Database, selection: HeldSelection, by: Actor): Promise<number[]> {
  const audit = new AuditLog(database);
  return database.transaction(async (tx) => {
    const { rows } = await tx.query<{ id: number; ghost: string }>(
      `update mailbox set state = 'ready', attempts = 0, strikes = 0, reason = null where ${SELECTED} returning id, ghost`,
      selectionValues(selection),
    );
    await notifyProcesses(tx, { mail: [...new Set(rows.map(({ ghost }) => ghost))], wakeUps: [] });
    await audit.record(tx, commandEntry("mailbox retry", selection, by));
    return rows.map(({ id }) => id);
  });
}

/** Deletes items, which are then never handled. Returns their ids. Throws DatabaseError. */
export function dropHeld(database: Database, selection: HeldSelection, by: Actor): Promise<number[]> {
  const audit = new AuditLog(database);
  return database.transaction(async (tx) => {
    const { rows } = await tx.query<{ id: number; event_id: string }>(
      `delete from mailbox where ${SELECTED} returning id, event_id`,
      selectionValues(selection),
    );
    await tx.query(
      `update events set payload = null, sealed_by = null where event_id = any($1::text[])
       and not exists (select from mailbox where mailbox.event_id = events.event_id)`,
      [rows.map((row) => row.event_id)],
    );
    await audit.record(tx, commandEntry("mailbox drop", selection, by));
    return rows.map(({ id }) => id);
  });
}

function commandEntry(command: string, selection: HeldSelection, by: Actor): AuditEntry {
  return { kind: "admin.command", by, command, subject: selection === "all" ? selection : selection.join(" ") };
}

/** Reasons that are about the event, not about this bridge. */
const REFUSED =
  "(reason like 'not trusted: %' or reason like 'not decrypted: %' or reason = 'a replay of another event')";

/** A list of ids may include items that wait for a key; "all" means set-aside items only. */
const SELECTED = `case when $1 then state = 'set_aside' else state in ('set_aside', 'awaiting_key')
  and id = any($2::bigint[]) end`;

function selectionValues(selection: HeldSelection): [boolean, readonly number[]] {
  return [selection === "all", selection === "all" ? [] : selection];
}

interface HeldRow {
  id: number;
  ghost: string;
  room_id: string;
  event_id: string;
  state: HeldItem["state"];
  reason: string | null;
  received_at: Date;
}
