import type { Database, Queryable } from "../database/database.ts";
import { isStorable, storable } from "../database/text.ts";
import { fenced, fencedAtOnce, StaleLease, type Lease } from "../leases/leases.ts";
import type { RoomEvent, Transaction } from "../homeserver/transaction.ts";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { reached } from "../observability/steps.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { SealedRow, Seals } from "../sealing/seals.ts";
import { Attempt, COUNTED } from "./attempt.ts";
import { readBacklog, type Backlog } from "./backlog.ts";
import { emptyUnwanted } from "./emptied.ts";
import { pruneHeldMail } from "./held-mail-pruning.ts";
import { dropBeyondQuota } from "./held-quota.ts";
import type { AwaitedKey, MailItem } from "./mail-item.ts";
import { pruneMalformed } from "./malformed.ts";
import { contextOfEvent, pruneEvents, senderOf } from "./stored-events.ts";
import { TransactionStore, type Arrivals, type TransactionStoreOptions } from "./transaction-store.ts";

/** An item that has ended the process, or failed, this often is set aside. */
const MAX_STRIKES = 3;

/** An item that was tried this often without an end is set aside, whatever the reason. */
const MAX_ATTEMPTS = 10;

/**
 * The durable inbox, which all mail passes. A transaction is stored, with a row for every ghost it concerns, in one SQL
 * transaction before it is acknowledged. Each ghost takes its rows one by one, in order of arrival.
 */
export class Mailbox {
  readonly #database: Database;
  readonly #seals: Seals;
  readonly #transactions: TransactionStore;
  /** The items whose first attempt is counted, and not begun yet. */
  readonly #begun = new WeakMap<MailItem, Attempt>();
  readonly #log: Logger;
  readonly #metrics: Metrics | undefined;

  constructor(options: TransactionStoreOptions) {
    this.#database = options.database;
    this.#seals = options.seals;
    this.#transactions = new TransactionStore(options);
    this.#log = options.log;
    this.#metrics = options.metrics;
  }

  /** See {@link TransactionStore.store}. */
  store(transaction: Transaction): Promise<Arrivals> {
    return this.#transactions.store(transaction);
  }

  /**
   * The ghost's oldest ready item; undefined when there is none. An item that was tried too often is set aside, and the
   * next one is returned. A first attempt is counted with that, any other by {@link begin}. Throws StaleLease.
   */
  async next(lease: Lease): Promise<MailItem | undefined> {
    for (;;) {
      const found = await this.#database.query<ItemRow>(
        `with next as materialized (
           select id, attempts, strikes, event_id, waiting_since from mailbox
           where ghost = $1 and state = 'ready' order by id limit 1
         ), lease as materialized (
           select from leases, next where leases.ghost = $1 and epoch = $2 for share of leases
         ), counted as (
           update mailbox set ${COUNTED} from next, lease
           where mailbox.id = next.id and next.attempts = 0 and next.strikes = 0
         )
         select id, attempts, strikes, event_id, payload, sealed_by,
           coalesce(extract(epoch from now() - waiting_since) * 1000, 0) as late_ms,
           (select count(*)::integer from lease) as leases
         from next join events using (event_id)`,
        [lease.ghost, lease.epoch],
      );
      if (found.rows.length === 0) return undefined;
      if (found.rows[0]?.leases !== 1) throw new StaleLease(lease);
      const { rows, open } = await this.#seals.open(found.rows);
      const [row] = rows;
      // The item's key was destroyed meanwhile, and the item with it.
      if (row === undefined) continue;
      if (row.strikes >= MAX_STRIKES || row.attempts >= MAX_ATTEMPTS) {
        const tries = row.strikes >= MAX_STRIKES ? row.strikes : row.attempts;
        await this.setAside(lease, row.id, `did not finish in ${tries} attempts`);
        this.#log.error({ ghost: lease.ghost, event: row.event_id, tries }, "event set aside: it did not finish");
        continue;
      }
      const { payload: sealed } = row;
      const payload =
        sealed === null ? undefined : unlessBroken(() => open(row, sealed, ...contextOfEvent(row.event_id)));
      if (payload === undefined) {
        await this.setAside(lease, row.id, "it was changed in the database, or is damaged");
        continue;
      }
      const item: MailItem = {
        id: row.id,
        event: JSON.parse(payload) as RoomEvent,
        lateMs: row.late_ms,
        isSuspect: row.attempts > 0,
      };
      if (row.attempts === 0 && row.strikes === 0) this.#begun.set(item, new Attempt(this.#database, lease, item));
      return item;
    }
  }

  /** See {@link TransactionStore.adopt}. */
  adopt(tx: Queryable, ghost: string, join: MailItem, said: readonly RoomEvent[]): Promise<void> {
    return this.#transactions.adopt(tx, ghost, join, said);
  }

  /** Counts an attempt at an item before it is made, unless that is done. Throws StaleLease. */
  async begin(lease: Lease, item: MailItem): Promise<Attempt> {
    const attempt = this.#begun.get(item) ?? (await Attempt.begin(this.#database, lease, item));
    this.#begun.delete(item);
    reached("mail.taken");
    return attempt;
  }

  /** Removes a finished item, in the fenced transaction that stores its result. */
  async done(tx: Queryable, item: MailItem): Promise<void> {
    await Promise.all([
      // The lock settles a race with another ghost that adopts the event: the next statement either sees that ghost, or
      // that ghost sees an emptied event.
      tx.query(
        `delete from mailbox using (select event_id from events where event_id = $2 for update) as held
         where id = $1 and mailbox.event_id = held.event_id`,
        [item.id, item.event.event_id],
      ),
      tx.query(
        `update events set payload = null, sealed_by = null where event_id = $1 and not unrouted
         and not exists (select 1 from mailbox where event_id = $1)`,
        [item.event.event_id],
      ),
    ]);
  }

  /** Whether a ghost has ready items, as a transaction sees it. */
  async hasReady(tx: Queryable, ghost: string): Promise<boolean> {
    const { count } = await tx.query("select from mailbox where ghost = $1 and state = 'ready' limit 1", [ghost]);
    return count > 0;
  }

  /** Lets an item wait for a Megolm session's key; later items go on. */
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

  /** Makes a ghost's items ready again whose keys have come. Returns their number. */
  async keysArrived(lease: Lease, sessionIds: readonly string[]): Promise<number> {
    return this.#update(
      lease,
      `update mailbox set state = 'ready' where ghost = $1 and state = 'awaiting_key'
       and session_id = any($2::text[])`,
      [sessionIds.map(storable)],
    );
  }

  /** Sets an item aside, with the reason. It is never retried automatically. */
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
   * Deletes a ghost's waiting and set-aside items of a room: all of them when the ghost has left, or one event that was
   * deleted before it could be read.
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

  /** Deletes a room's waiting and set-aside items from before a time. Returns their number. */
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

  /** The ghosts with ready mail that a process owns, or could own because no other process does. */
  async ghostsWithMail(process: number): Promise<string[]> {
    const { rows } = await this.#database.query<{ ghost: string }>(
      `select distinct ghost from mailbox left join leases using (ghost)
       where state = 'ready' and (owner is null or owner = $1 or not process_lives(owner))`,
      [process],
    );
    return rows.map((row) => row.ghost);
  }

  /** See {@link senderOf}. */
  senderOf(roomId: string, eventId: string): Promise<string | undefined> {
    return senderOf(this.#database, roomId, eventId);
  }

  /** Counts the waiting items of all mailboxes, and the malformed parts. */
  backlog(): Promise<Backlog> {
    return readBacklog(this.#database);
  }

  /**
   * Deletes old rows: ids of events handled long ago (a homeserver repeats only what was not acknowledged), malformed
   * parts, and items that waited or were set aside for too long. Returns their number.
   */
  async prune(olderThanDays: number, signal?: AbortSignal): Promise<number> {
    const held = await pruneHeldMail(this.#database, olderThanDays, signal);
    const events = await pruneEvents(this.#database, olderThanDays, signal);
    return held + events + (await pruneMalformed(this.#database, olderThanDays, signal));
  }

  /** Deletes events of the same sender and server beyond their limits. */
  async #keepQuota(eventId: string): Promise<void> {
    const dropped = await dropBeyondQuota(this.#database, eventId);
    if (dropped === 0) return;
    this.#metrics?.mail.inc({ outcome: "dropped" }, dropped);
    this.#log.warn({ event: eventId, dropped }, "unreadable events dropped: their sender or server has too many");
  }

  /** Writes rows of one ghost; `$1` is the ghost. */
  async #update(lease: Lease, sql: string, values: readonly unknown[]): Promise<number> {
    const { count } = await fencedAtOnce(this.#database, lease, (tx) => tx.query(sql, [lease.ghost, ...values]));
    return count;
  }
}

interface ItemRow extends SealedRow {
  leases: number;
  id: number;
  attempts: number;
  strikes: number;
  event_id: string;
  payload: string | null;
  late_ms: number;
}
