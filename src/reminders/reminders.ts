import { isPaused } from "../agents/pauses.ts";
import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { storable } from "../database/text.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { SealedRow, Seals } from "../sealing/seals.ts";
import { nextAfter } from "../time/recurrence.ts";
import type { Reminder, Task } from "./reminder.ts";

/** A reminder that somebody wants. */
export interface WantedReminder extends Task {
  readonly ghost: string;
  readonly roomId: string;
  readonly threadRoot: string | undefined;
  readonly owner: string;
  readonly encrypted: boolean;
  /** The call that makes it: the same again changes nothing. */
  readonly madeBy: string;
}

/** The most reminders of a person with one agent in a room. */
export const MOST_REMINDERS = 20;

/** A room of an agent. */
interface Where {
  readonly ghost: string;
  readonly roomId: string;
}

/** The days for which a reminder waits for another owner. */
const DAYS_OWNERLESS = 7;

/** The rows of `reminders`. They go when the agent leaves, with the key that seals them. */
export class Reminders {
  readonly #database: Database;
  readonly #seals: Seals;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
  }

  /** Stores a reminder, once for the same call. Undefined where its owner has too many, or its time is over. */
  async add(wanted: WantedReminder, now: number): Promise<Reminder | undefined> {
    const { ghost, roomId, threadRoot, owner, encrypted, madeBy, words, recurrence, zone, isAuthentic } = wanted;
    const authentic = isAuthentic === true ? { isAuthentic } : {};
    const nextAt = nextAfter(recurrence, zone, now);
    if (nextAt === undefined) return undefined;
    const id = await this.#database.transaction(async (tx) => {
      const { rows: before } = await tx.query<{ id: number }>(
        "select id from reminders where ghost = $1 and made_by = $2",
        [ghost, madeBy],
      );
      if (before[0] !== undefined) return before[0].id;
      // Two calls at once must not both find the last place.
      await tx.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [
        `reminders ${ghost} ${roomId} ${owner}`,
      ]);
      const { rows: counted } = await tx.query<{ count: number }>(
        `select count(*)::integer as count from reminders
         where ghost = $1 and room_id = $2 and owner = $3 and next_at is not null`,
        [ghost, roomId, owner],
      );
      if ((counted[0]?.count ?? 0) >= MOST_REMINDERS) return undefined;
      const seal = await this.#seals.in(tx, { ghost, roomId, isLasting: true });
      const task: Task = { words: storable(words), recurrence, zone, ...authentic };
      const { rows } = await tx.query<{ id: number }>(
        `insert into reminders (ghost, room_id, thread_root, owner, made_by, body, came_encrypted, sealed_by, next_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9::double precision / 1000))
         on conflict (ghost, made_by) do update set made_by = excluded.made_by returning id`,
        [
          ghost,
          roomId,
          threadRoot ?? null,
          owner,
          madeBy,
          seal.seal(JSON.stringify(task), CONTEXT, ghost, madeBy),
          encrypted,
          seal.id,
          nextAt,
        ],
      );
      return rows[0]?.id;
    });
    return id === undefined
      ? undefined
      : { id, ghost, roomId, threadRoot, owner, encrypted, words, recurrence, zone, nextAt, ...authentic };
  }

  /** The reminders of an agent in a room, the next one first; those that wait for an owner last. */
  async of({ ghost, roomId }: Where): Promise<Reminder[]> {
    const { rows } = await this.#database.query<Row>(
      `select ${COLUMNS} from reminders where ghost = $1 and room_id = $2
         and (next_at is not null or ownerless_since is not null) order by next_at nulls last, id`,
      [ghost, roomId],
    );
    return this.#opened(rows);
  }

  /**
   * Those that are due, except those of paused agents, the oldest first, and the time until the next one is, in ms.
   *
   * @param without the numbers of those that are passed over.
   */
  async due(
    limit: number,
    without: readonly number[] = [],
  ): Promise<{ readonly due: readonly Reminder[]; readonly nextMs: number | undefined }> {
    const { rows } = await this.#database.query<Row & { in_ms: number }>(
      `select ${COLUMNS}, extract(epoch from next_at - now())::double precision * 1000 as in_ms from reminders
       where next_at is not null and id <> all($2::bigint[]) and not ${isPaused("reminders")} order by next_at, id limit $1`,
      [limit, without],
    );
    const late = rows.filter(({ in_ms: inMs }) => inMs <= 0);
    const due = await this.#opened(late);
    // What can't be read must not hold up others.
    const lost = late.filter(({ id }) => due.every((one) => one.id !== id)).map(({ id }) => id);
    if (lost.length > 0)
      await this.#database.query("update reminders set next_at = null where id = any($1::bigint[])", [lost]);
    return {
      due,
      nextMs: rows.find(({ in_ms: inMs }) => inMs > 0)?.in_ms,
    };
  }

  /**
   * Takes an occasion of a reminder, in the transaction that acts on it. False where somebody else has taken it, or it was
   * cancelled.
   *
   * @param next.at when it comes again (ms since 1970); undefined: no more.
   * @param next.isOwnerless it waits for another owner instead.
   */
  async take(
    tx: Queryable,
    { id, nextAt }: Reminder,
    next: { readonly at: number | undefined; readonly isOwnerless: boolean },
  ): Promise<boolean> {
    const { count } = await tx.query(
      `update reminders set next_at = to_timestamp($3::double precision / 1000),
         ownerless_since = case when $4 then now() end
       where id = $1 and ${NEXT_MS} = $2`,
      [id, nextAt ?? null, next.isOwnerless ? null : (next.at ?? null), next.isOwnerless],
    );
    return count > 0;
  }

  /** Ends a reminder. False where there is no such one. */
  async cancel(tx: Queryable, { ghost, roomId }: Where, id: number): Promise<boolean> {
    const { count } = await tx.query("delete from reminders where ghost = $1 and room_id = $2 and id = $3", [
      ghost,
      roomId,
      id,
    ]);
    return count > 0;
  }

  /** Gives a reminder whose owner has left to another one. False where it waits for none. */
  async adopt(tx: Queryable, reminder: Reminder, owner: string, now: number): Promise<boolean> {
    const nextAt = nextAfter(reminder.recurrence, reminder.zone, now);
    const { count } = await tx.query(
      `update reminders set owner = $2, ownerless_since = null, next_at = to_timestamp($3::double precision / 1000)
       where id = $1 and ownerless_since is not null`,
      [reminder.id, owner, nextAt ?? now],
    );
    return count > 0;
  }

  /** Ends all reminders of an agent in a room. */
  async forget(tx: Queryable, { ghost, roomId }: Where): Promise<void> {
    await tx.query("delete from reminders where ghost = $1 and room_id = $2", [ghost, roomId]);
  }

  /** Deletes those that come no more, that nobody has taken over, or whose agent has left. Returns their number. */
  async prune(signal?: AbortSignal): Promise<number> {
    const where = `(next_at is null
        and (ownerless_since is null or ownerless_since < now() - interval '${DAYS_OWNERLESS} days'))
      or not exists (select from memberships where memberships.ghost = reminders.ghost
        and memberships.room_id = reminders.room_id and membership in ('join', 'invite'))`;
    return deleteInBatches(this.#database, { from: "reminders", where, values: [] }, signal);
  }

  /** Those whose words can be opened. */
  async #opened(all: readonly Row[]): Promise<Reminder[]> {
    const { rows, open } = await this.#seals.open(all);
    return rows.flatMap((row) => {
      const body = unlessBroken(() => open(row, row.body, CONTEXT, row.ghost, row.made_by));
      if (body === undefined) return [];
      const { words, recurrence, zone, isAuthentic } = JSON.parse(body) as Task;
      return {
        id: row.id,
        ghost: row.ghost,
        roomId: row.room_id,
        threadRoot: row.thread_root ?? undefined,
        owner: row.owner,
        encrypted: row.came_encrypted,
        nextAt: row.next_ms ?? undefined,
        words,
        recurrence,
        zone,
        ...(isAuthentic === true ? { isAuthentic } : {}),
      };
    });
  }
}

/** The context that a reminder is sealed with: see sealing/sealed-text.ts. */
const CONTEXT = "reminders.body";

/** Its time in whole ms. */
const NEXT_MS = "(extract(epoch from next_at) * 1000)::bigint";

const COLUMNS = `id, ghost, room_id, thread_root, owner, made_by, body, came_encrypted, sealed_by,
  ${NEXT_MS} as next_ms`;

interface Row extends SealedRow {
  readonly id: number;
  readonly ghost: string;
  readonly room_id: string;
  readonly thread_root: string | null;
  readonly owner: string;
  readonly made_by: string;
  readonly body: string;
  readonly came_encrypted: boolean;
  readonly next_ms: number | null;
}
