import type { Database, Queryable } from "../database/database.ts";
import { BATCH_ROWS, deleteInBatches, inBatches } from "../database/batches.ts";
import { isStorable, storable } from "../database/text.ts";
import { fenced, type Lease } from "../leases/leases.ts";
import type { RoomEvent, Transaction } from "../homeserver/transaction.ts";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { SealedRow, Seals } from "../sealing/seals.ts";
import { Attempt } from "./attempt.ts";
import { emptyUnwanted } from "./emptied.ts";
import { dropBeyondQuota } from "./held-quota.ts";
import { DELIVERED, route, type GhostRooms, type MembershipChange } from "./routing.ts";
import { reached } from "../observability/steps.ts";

/** An event waiting for a ghost. */
export interface MailItem {
  readonly id: number;
  readonly event: RoomEvent;
  /** How long it has waited for its key, in ms by the database's clock; 0 when it did not have to. */
  readonly lateMs: number;
  /** Whether an earlier try never came to its end. */
  readonly isSuspect: boolean;
}

/** The key that an item waits for. */
export interface AwaitedKey {
  readonly sessionId: string;
  /** Why the sender keeps it back, if it said so: a code of `m.room_key.withheld`. */
  readonly withheld?: string;
}

/** Tells who has new mail and whom else a transaction woke. */
export interface Arrivals {
  /** Ghosts with new rows in their mailbox. */
  readonly mail: readonly string[];
  /** Ghosts whose device should look at its /sync. */
  readonly doorbells: readonly string[];
}

/** What waits in mailboxes. */
export interface Backlog {
  readonly items: Readonly<Record<"ready" | "awaiting_key" | "set_aside", number>>;
  /** How long the oldest item that could be handled has been here, in seconds; 0 when there is none. */
  readonly oldestReadySeconds: number;
  /** Parts of transactions that could not be understood. */
  readonly malformed: number;
}

/**
 * Takes note of what new events say of rooms, in the transaction that stores the events; `isLate` says that they are from
 * before what was noted last.
 */
export type NoteState = (
  tx: Queryable,
  events: readonly RoomEvent[],
  options?: { readonly isLate: boolean },
) => Promise<void>;

/** An item that has ended the process, or failed, this often is set aside. */
const MAX_STRIKES = 3;

/** What waits for a key is given up after so long, in days; read later than `turns.max_wait` it is only remembered. */
const AWAITED_FOR_DAYS = 30;

/** So many parts of transactions that are no events are kept for a look, the newest. */
const MOST_MALFORMED = 1_000;

/** And one that was tried this often and never finished, whatever the reason. */
const MAX_ATTEMPTS = 10;

/**
 * The durable inbox and the only way in: a transaction is stored, with a row for every ghost concerned, in one SQL
 * transaction, before it is acknowledged. Each ghost takes its rows one by one, in order of arrival.
 */
export class Mailbox {
  readonly #database: Database;
  readonly #seals: Seals;
  readonly #noteState: NoteState;
  readonly #isGhost: (userId: string) => boolean;
  readonly #log: Logger;
  readonly #metrics: Metrics | undefined;

  /** @param isGhost whether a user id is one of ours: an agent that exists, or the bridge's bot. */
  constructor(options: {
    database: Database;
    seals: Seals;
    noteState: NoteState;
    isGhost: (userId: string) => boolean;
    log: Logger;
    metrics?: Metrics | undefined;
  }) {
    this.#database = options.database;
    this.#seals = options.seals;
    this.#noteState = options.noteState;
    this.#isGhost = options.isGhost;
    this.#log = options.log;
    this.#metrics = options.metrics;
  }

  /**
   * Stores a transaction. Events are recognised by their ids: what was stored before is skipped, whatever the id of the
   * transaction (Synapse starts those again at 1). Throws DatabaseError; then nothing of it is stored, and Synapse must
   * be told to try again.
   */
  async store(transaction: Transaction): Promise<Arrivals> {
    // Where ephemeral events are pushed, many a transaction holds nothing else.
    const { events, malformed, doorbells, changedUsers } = transaction;
    if (events.length + malformed.length + doorbells.length + changedUsers.length === 0)
      return { mail: [], doorbells: [] };

    const { stored, ...arrivals } = await this.#database.transaction(async (tx) => {
      await insertMalformed(tx, this.#seals, malformed);
      const fresh = await insertEvents(tx, this.#seals, events);
      await this.#noteState(tx, fresh);
      const { mail, memberships } = route(fresh, await this.#ghostRooms(tx, fresh), this.#isGhost);
      for (const change of memberships) await storeMembership(tx, change);
      if (mail.length > 0) {
        await tx.query(
          `insert into mailbox (ghost, event_id)
           select m.ghost, m."eventId" from json_to_recordset($1::json) as m(ghost text, "eventId" text)
           on conflict do nothing`,
          [JSON.stringify(mail)],
        );
      }
      const ids = JSON.stringify(fresh.map((event) => event.event_id));
      // We are told of rooms that a ghost is in. Where none is known, or no more than an invite, it is we who do not know:
      // see adoptEvents.
      await tx.query(
        `update events set unrouted = true where event_id in (select json_array_elements_text($1::json))
         and not exists (select 1 from memberships where memberships.room_id = events.room_id and membership <> 'invite')
         and not exists (select 1 from mailbox where mailbox.event_id = events.event_id)`,
        [ids],
      );
      await tx.query(
        `update events set payload = null, sealed_by = null where event_id in (select json_array_elements_text($1::json))
         and not unrouted and not exists (select 1 from mailbox where mailbox.event_id = events.event_id)`,
        [ids],
      );
      return {
        mail: [...new Set(mail.map((item) => item.ghost))],
        doorbells: await this.#doorbells(tx, transaction),
        stored: fresh.length,
      };
    });
    this.#metrics?.events.inc({ outcome: "stored" }, stored);
    this.#metrics?.events.inc({ outcome: "repeated" }, events.length - stored);
    this.#metrics?.events.inc({ outcome: "malformed" }, malformed.length);
    if (malformed.length > 0) {
      this.#log.warn({ txn: transaction.txnId, count: malformed.length }, "malformed parts stored aside");
    }
    return arrivals;
  }

  /**
   * The ghost's oldest ready item; undefined when there is none. One that was tried too often is set aside instead, and
   * the next one is looked at. Nothing is counted yet: see {@link begin}. Throws StaleLease.
   */
  async next(lease: Lease): Promise<MailItem | undefined> {
    for (;;) {
      const found = await this.#database.query<ItemRow>(
        `select id, attempts, strikes, event_id, payload, sealed_by,
           coalesce(extract(epoch from now() - waiting_since) * 1000, 0) as late_ms
         from mailbox join events using (event_id)
         where ghost = $1 and state = 'ready' order by id limit 1`,
        [lease.ghost],
      );
      if (found.rows.length === 0) return undefined;
      const { rows, open } = await this.#seals.open(found.rows);
      const [row] = rows;
      // Its key was destroyed since, and it went with it.
      if (row === undefined) continue;
      if (row.strikes >= MAX_STRIKES || row.attempts >= MAX_ATTEMPTS) {
        const tries = row.strikes >= MAX_STRIKES ? row.strikes : row.attempts;
        await this.setAside(lease, row.id, `did not finish in ${tries} attempts`);
        this.#log.error({ ghost: lease.ghost, event: row.event_id, tries }, "event set aside: it did not finish");
        continue;
      }
      const { payload: sealed } = row;
      const payload =
        sealed === null ? undefined : unlessBroken(() => open(row, sealed, ...placeOfEvent(row.event_id)));
      if (payload === undefined) {
        await this.setAside(lease, row.id, "it was changed in the database, or is damaged");
        continue;
      }
      return {
        id: row.id,
        event: JSON.parse(payload) as RoomEvent,
        lateMs: row.late_ms,
        isSuspect: row.attempts > 0,
      };
    }
  }

  /**
   * Gives a ghost what was said in a room before its own join, in the transaction that ends that join: in order, and before
   * what was said there since.
   */
  async adopt(tx: Queryable, ghost: string, join: MailItem, said: readonly RoomEvent[]): Promise<void> {
    if (said.length === 0) return;
    const events = await insertEvents(tx, this.#seals, said, "keep what was emptied");
    await this.#noteState(tx, events, { isLate: true });
    const ids = JSON.stringify(said.map((event) => event.event_id));
    const { rows: later } = await tx.query<{ id: number }>(
      `select id from mailbox join events using (event_id) where ghost = $1 and room_id = $2 and id > $3 order by id`,
      [ghost, join.event.room_id, join.id],
    );
    await tx.query(
      `insert into mailbox (ghost, event_id) select $1, json_array_elements_text($2::json) on conflict do nothing`,
      [ghost, ids],
    );
    for (const { id } of later) await tx.query("update mailbox set id = default where id = $1", [id]);
  }

  /** Counts a try at an item, before it is made. Throws StaleLease. */
  async begin(lease: Lease, item: MailItem): Promise<Attempt> {
    const attempt = await Attempt.begin(this.#database, lease, item);
    reached("mail.taken");
    return attempt;
  }

  /** Takes a finished item out, in the fenced transaction that stores what came of it. */
  async done(tx: Queryable, item: MailItem): Promise<void> {
    // The event is held: another ghost that adopts it meanwhile is seen by the next statement, or sees it emptied.
    await tx.query(
      `delete from mailbox using (select event_id from events where event_id = $2 for update) as held
       where id = $1 and mailbox.event_id = held.event_id`,
      [item.id, item.event.event_id],
    );
    await tx.query(
      `update events set payload = null, sealed_by = null where event_id = $1 and not unrouted
       and not exists (select 1 from mailbox where event_id = $1)`,
      [item.event.event_id],
    );
  }

  /** Lets an item wait for a Megolm session's key; those behind it go on. */
  async awaitKey(lease: Lease, item: MailItem, key: AwaitedKey): Promise<void> {
    await this.#update(
      lease,
      `update mailbox set state = 'awaiting_key', session_id = $3, reason = $4, attempts = 0, strikes = 0,
         waiting_since = coalesce(waiting_since, now())
       where ghost = $1 and id = $2`,
      [item.id, storable(key.sessionId), key.withheld === undefined ? null : storable(key.withheld)],
    );
    this.#metrics?.mail.inc({ outcome: "awaiting_key" });
    await this.#keepQuota(item.event.event_id);
  }

  /** Makes a ghost's items ready again whose keys have come. Returns how many. */
  async keysArrived(lease: Lease, sessionIds: readonly string[]): Promise<number> {
    return this.#update(
      lease,
      `update mailbox set state = 'ready' where ghost = $1 and state = 'awaiting_key'
       and session_id in (select json_array_elements_text($2::json))`,
      [JSON.stringify(sessionIds.map(storable))],
    );
  }

  /** Keeps an item, with the reason, but never tries it again by itself. */
  async setAside(lease: Lease, id: number, reason: string): Promise<void> {
    const eventIds = await fenced(this.#database, lease, async (tx) => {
      const { rows } = await tx.query<{ event_id: string }>(
        "update mailbox set state = 'set_aside', reason = $3 where ghost = $1 and id = $2 returning event_id",
        [lease.ghost, id, reason],
      );
      return rows.map((row) => row.event_id);
    });
    this.#metrics?.mail.inc({ outcome: "set_aside" });
    for (const eventId of eventIds) await this.#keepQuota(eventId);
  }

  /**
   * Drops what a ghost waits for in a room, and what was set aside there: all, for it has left, or an event that was deleted
   * before it could be read.
   */
  async forget(
    tx: Queryable,
    ghost: string,
    { roomId, eventId }: { readonly roomId: string; readonly eventId?: string },
  ): Promise<void> {
    if (eventId !== undefined && !isStorable(eventId)) return;
    const { rows } = await tx.query<{ event_id: string }>(
      `delete from mailbox using events where mailbox.event_id = events.event_id and ghost = $1 and room_id = $2
         and ($3::text is null or mailbox.event_id = $3)
         and state in ('awaiting_key', 'set_aside') returning mailbox.event_id`,
      [ghost, roomId, eventId ?? null],
    );
    await emptyUnwanted(
      tx,
      rows.map((row) => row.event_id),
    );
  }

  /** Drops what waits for its key, or was set aside, and came before a time. Returns how many. */
  async expire(roomId: string, before: Date): Promise<number> {
    return this.#database.transaction(async (tx) => {
      const { rows } = await tx.query<{ event_id: string }>(
        `delete from mailbox using events where mailbox.event_id = events.event_id and room_id = $1 and received_at < $2
           and state in ('awaiting_key', 'set_aside') returning mailbox.event_id`,
        [roomId, before],
      );
      await emptyUnwanted(
        tx,
        rows.map((row) => row.event_id),
      );
      return rows.length;
    });
  }

  /** Who sent an event of a room, be it a ghost's own; undefined when it is not known, or not any more. */
  async senderOf(roomId: string, eventId: string): Promise<string | undefined> {
    if (!isStorable(eventId)) return undefined;
    const { rows } = await this.#database.query<{ sender: string | null }>(
      "select sender from events where room_id = $1 and event_id = $2",
      [roomId, eventId],
    );
    return rows[0]?.sender ?? undefined;
  }

  /** Ghosts with ready mail that a process has, or could have because nobody else does. */
  async ghostsWithMail(process: number): Promise<string[]> {
    const { rows } = await this.#database.query<{ ghost: string }>(
      `select distinct ghost from mailbox left join leases using (ghost)
       where state = 'ready' and (owner is null or owner = $1 or not process_lives(owner))`,
      [process],
    );
    return rows.map((row) => row.ghost);
  }

  /** What waits in all mailboxes, and what was stored aside. */
  async backlog(): Promise<Backlog> {
    const { rows } = await this.#database.query<{ state: keyof Backlog["items"]; items: number; oldest: number }>(
      `select state, count(*)::integer as items, extract(epoch from now() - min(received_at)) as oldest
       from mailbox join events using (event_id) group by state`,
    );
    const aside = await this.#database.query<{ count: number }>("select count(*)::integer as count from malformed");
    const itemsIn = (state: keyof Backlog["items"]): number => rows.find((row) => row.state === state)?.items ?? 0;
    return {
      items: { ready: itemsIn("ready"), awaiting_key: itemsIn("awaiting_key"), set_aside: itemsIn("set_aside") },
      oldestReadySeconds: Math.max(0, rows.find((row) => row.state === "ready")?.oldest ?? 0),
      malformed: aside.rows[0]?.count ?? 0,
    };
  }

  /**
   * Forgets what nobody needs any more: ids of events handled long ago (a homeserver repeats what was not acknowledged,
   * and nothing else), malformed parts, and what nobody has read, or looked at, for long. Returns how many rows.
   */
  async prune(olderThanDays: number, signal?: AbortSignal): Promise<number> {
    const values = [olderThanDays];
    const held = await this.#pruneHeld(olderThanDays, signal);
    const events = await deleteInBatches(
      this.#database,
      {
        from: "events",
        where: `(payload is null or unrouted) and received_at < now() - $1 * interval '1 day'
         and not exists (select from mailbox where mailbox.event_id = events.event_id)`,
        values,
      },
      signal,
    );
    const malformed = await deleteInBatches(
      this.#database,
      { from: "malformed", where: "received_at < now() - $1 * interval '1 day'", values },
      signal,
    );
    return held + events + malformed;
  }

  /** What waits for a key that has not come by then will hardly be read; what was set aside is kept for a look. */
  async #pruneHeld(olderThanDays: number, signal: AbortSignal | undefined): Promise<number> {
    return inBatches(
      () =>
        this.#database.transaction(async (tx) => {
          const { rows } = await tx.query<{ event_id: string }>(
            `delete from mailbox where id in (
               select id from mailbox join events using (event_id)
               where (state = 'awaiting_key' and coalesce(waiting_since, received_at) < now() - $1 * interval '1 day')
                 or (state = 'set_aside' and received_at < now() - $2 * interval '1 day')
               order by id limit ${BATCH_ROWS} for update of mailbox skip locked)
             returning event_id`,
            [Math.min(AWAITED_FOR_DAYS, olderThanDays), olderThanDays],
          );
          await emptyUnwanted(
            tx,
            rows.map((row) => row.event_id),
          );
          return { rows: rows.length, isLast: rows.length < BATCH_ROWS };
        }),
      signal,
    );
  }

  /** Others' events of the same sender and server go where there are too many. */
  async #keepQuota(eventId: string): Promise<void> {
    const dropped = await dropBeyondQuota(this.#database, eventId);
    if (dropped === 0) return;
    this.#metrics?.mail.inc({ outcome: "dropped" }, dropped);
    this.#log.warn(
      { event: eventId, dropped },
      "events dropped that could not be read: their sender, or server, has too many",
    );
  }

  /** Writes what is one ghost's own; `$1` is the ghost. */
  async #update(lease: Lease, sql: string, values: readonly unknown[]): Promise<number> {
    const { count } = await fenced(this.#database, lease, (tx) => tx.query(sql, [lease.ghost, ...values]));
    return count;
  }

  async #ghostRooms(tx: Queryable, events: readonly RoomEvent[]): Promise<GhostRooms> {
    const { rows } = await tx.query<{ room_id: string; ghost: string }>(
      `select room_id, ghost from memberships where membership = 'join'
       and room_id in (select json_array_elements_text($1::json))`,
      [JSON.stringify([...new Set(events.map((event) => event.room_id))])],
    );
    const rooms = new Map<string, Set<string>>();
    for (const row of rows) rooms.set(row.room_id, (rooms.get(row.room_id) ?? new Set()).add(row.ghost));
    return rooms;
  }

  /**
   * Pushed to-device data names its ghost. A changed device list concerns every ghost that shares a room with the user; of
   * those only the ones that are loaded, for every ghost looks at its /sync before it encrypts.
   */
  async #doorbells(tx: Queryable, transaction: Transaction): Promise<string[]> {
    const named = transaction.doorbells.map((bell) => bell.userId).filter(this.#isGhost);
    if (transaction.changedUsers.length === 0) return [...new Set(named)];
    const { rows } = await tx.query<{ ghost: string }>(
      `select distinct ghost from memberships join room_members using (room_id) join leases using (ghost)
       where memberships.membership = 'join' and owner is not null
       and room_members.user_id in (select json_array_elements_text($1::json))`,
      [JSON.stringify(transaction.changedUsers)],
    );
    return [...new Set([...named, ...rows.map((row) => row.ghost)])];
  }
}

interface ItemRow extends SealedRow {
  id: number;
  attempts: number;
  strikes: number;
  event_id: string;
  payload: string | null;
  late_ms: number;
}

/** Something malformed as text, for a look; what can't even be written down (nested too deep) is named so. */
function readable(raw: unknown): string {
  try {
    return storable(((JSON.stringify(raw) as string | undefined) ?? "").slice(0, 65_536));
  } catch {
    return "(can't be shown)";
  }
}

async function insertMalformed(tx: Queryable, seals: Seals, malformed: Transaction["malformed"]): Promise<void> {
  if (malformed.length === 0) return;
  const key = await seals.in(tx, {});
  for (const { reason, raw } of malformed) {
    await tx.query("insert into malformed (reason, raw, sealed_by) values ($1, $2, $3)", [
      reason,
      key.seal(readable(raw), "malformed.raw"),
      key.id,
    ]);
  }
  await tx.query("delete from malformed where id <= (select id from malformed order by id desc offset $1 limit 1)", [
    MOST_MALFORMED,
  ]);
}

/** Returns those that were not there, or had been emptied and are to be kept again. */
async function insertEvents(
  tx: Queryable,
  seals: Seals,
  events: readonly RoomEvent[],
  known: "leave as it is" | "keep what was emptied" = "leave as it is",
): Promise<RoomEvent[]> {
  if (events.length === 0) return [];
  const roomIds = [...new Set(events.map((event) => event.room_id))].sort();
  const keys = await seals.all(
    tx,
    roomIds.map((roomId) => ({ roomId })),
  );
  const keyOf = new Map(keys.map((key, index) => [roomIds[index], key]));
  const { rows } = await tx.query<{ event_id: string }>(
    `insert into events (event_id, room_id, type, sender, is_state, sent_at, payload, sealed_by)
     select e."eventId", e."roomId", e.type, e.sender, e."isState", e."sentAt", e.payload, e."sealedBy"
     from json_to_recordset($1::json) as e("eventId" text, "roomId" text, type text, sender text, "isState" boolean,
       "sentAt" numeric, payload text, "sealedBy" bigint)
     on conflict (event_id) ${KNOWN_EVENT[known]} returning event_id`,
    [
      JSON.stringify(
        events.map((event) => {
          const key = keyOf.get(event.room_id);
          return {
            eventId: event.event_id,
            roomId: event.room_id,
            ...outsideOf(event),
            payload: key?.seal(JSON.stringify(event), ...placeOfEvent(event.event_id)),
            sealedBy: key?.id,
          };
        }),
      ),
    ],
  );
  const inserted = new Set(rows.map((row) => row.event_id));
  // The same event twice in one transaction counts once.
  return events.filter((event) => inserted.delete(event.event_id));
}

const KNOWN_EVENT = {
  "leave as it is": "do nothing",
  "keep what was emptied":
    "do update set payload = excluded.payload, sealed_by = excluded.sealed_by where events.payload is null",
} as const;

/**
 * Nobody who is in a room is invited to it: such an invite is told of late, or again after a leave that was not told of. The
 * ghost itself sees to it; until then it hears on, and the room is what it was called before.
 */
async function storeMembership(tx: Queryable, change: MembershipChange): Promise<void> {
  await tx.query(
    `insert into memberships (ghost, room_id, membership, direct) values ($1, $2, $3, $4)
     on conflict (ghost, room_id) do update set
       membership = case when memberships.membership = 'join' and excluded.membership = 'invite' then 'join'
         else excluded.membership end,
       changed_at = now(),
       direct = case when excluded.membership = 'invite' and memberships.membership <> 'join' then excluded.direct
         else memberships.direct end`,
    [change.ghost, change.roomId, change.membership, change.direct],
  );
}

/** Where an event stands sealed. */
export function placeOfEvent(eventId: string): string[] {
  return ["events.payload", eventId];
}

/** What of an event is looked at without opening it. */
function outsideOf(event: RoomEvent): { type: string; sender: string; isState: boolean; sentAt: number } {
  return {
    type: storable(event.type),
    sender: storable(event.sender),
    isState: event.state_key !== undefined,
    sentAt: event.origin_server_ts,
  };
}

/**
 * Gives a ghost the events of rooms that it turned out to be in, as far as they came before that was known, in the
 * transaction that notes the rooms.
 */
export async function adoptEvents(tx: Queryable, ghost: string, roomIds: readonly string[]): Promise<void> {
  await tx.query(
    `insert into mailbox (ghost, event_id)
     select $1, event_id from events
     where unrouted and payload is not null and room_id in (select json_array_elements_text($2::json))
       and sender <> $1 and not is_state and type in (select json_array_elements_text($3::json))
     order by received_at, sent_at
     on conflict do nothing`,
    [ghost, JSON.stringify(roomIds), JSON.stringify([...DELIVERED])],
  );
}
