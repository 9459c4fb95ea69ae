import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import type { DailyLimit, LimitKind, Limits } from "../config/config.ts";
import { LIMIT_KINDS, usedNow, waitMs } from "./wearing-off.ts";

/** The keys under which a use is counted. */
export type Users = Readonly<Record<LimitKind, string>>;

/** A question that exceeds a limit. */
export interface TooMany {
  readonly kind: LimitKind;
  /** The time until the next question is possible, in ms. */
  readonly waitMs: number;
}

/** The things of which a day's number may be limited. */
export type Counted = keyof DailyLimit;

/** The names of these in rows. */
const NAMES: Readonly<Record<Counted, string>> = { requests: "requests", tokens: "tokens", toolCalls: "tool_calls" };

/** The rest of a limit. */
export interface Left {
  readonly what: Counted;
  readonly left: number;
  readonly of: number;
}

/** The keys of a question. */
export function usersOf(turn: { readonly asker: string; readonly roomId: string; readonly ghost: string }): Users {
  const { asker, roomId, ghost } = turn;
  return { user: asker, room: roomId, server: asker.slice(asker.indexOf(":") + 1), agent: ghost };
}

/** The limits that a question must not exceed. */
const ASKING: readonly Counted[] = ["requests", "tokens"];

/** The rows of `allowances`: token buckets, shared by all processes. */
export class Allowances {
  readonly #database: Database;
  readonly #limits: () => Limits;

  /** @param limits read anew each time. */
  constructor(database: Database, limits: () => Limits) {
    this.#database = database;
    this.#limits = limits;
  }

  /** Counts a question. A question that exceeds a limit is not counted. */
  take(tx: Queryable, users: Users): Promise<TooMany | undefined> {
    return this.#take(tx, users, "requests", ASKING);
  }

  /** Counts a call of a tool. A call that exceeds a limit is not counted. */
  async takeToolCall(users: Users): Promise<TooMany | undefined> {
    if (LIMIT_KINDS.every((kind) => this.#limits()[kind].toolCalls === undefined)) return undefined;
    return this.#database.transaction((tx) => this.#take(tx, users, "toolCalls", ["toolCalls"]));
  }

  /** The same in a separate transaction. */
  takeNow(users: Users): Promise<TooMany | undefined> {
    return this.#database.transaction((tx) => this.take(tx, users));
  }

  /** Whether a question would exceed a limit. */
  async check(users: Users): Promise<TooMany | undefined> {
    return this.#database.transaction((tx) => this.#tooMany(tx, users, ASKING));
  }

  async #take(tx: Queryable, users: Users, what: Counted, limits: readonly Counted[]): Promise<TooMany | undefined> {
    const refused = await this.#tooMany(tx, users, limits);
    if (refused !== undefined) return refused;
    for (const kind of LIMIT_KINDS) {
      if (this.#limits()[kind][what] !== undefined) await add(tx, kind, users[kind], what, 1);
    }
    return undefined;
  }

  async #tooMany(tx: Queryable, users: Users, limits: readonly Counted[]): Promise<TooMany | undefined> {
    let refused: TooMany | undefined;
    for (const kind of LIMIT_KINDS) {
      for (const what of limits) {
        const capacity = this.#limits()[kind][what];
        if (capacity === undefined) continue;
        const used = await current(tx, kind, users[kind], what, capacity);
        // The number of tokens is not known beforehand, so at least one must be left.
        const wait = waitMs(used, capacity, 1);
        if (wait > (refused?.waitMs ?? 0)) refused = { kind, waitMs: wait };
      }
    }
    return refused;
  }

  /** Counts the tokens of an answer, possibly more than were left. */
  async spend(users: Users, tokens: number): Promise<void> {
    const limited = LIMIT_KINDS.filter((kind) => this.#limits()[kind].tokens !== undefined);
    if (limited.length === 0) return;
    await this.#database.transaction(async (tx) => {
      for (const kind of limited) {
        await current(tx, kind, users[kind], "tokens", this.#limits()[kind].tokens ?? 1);
        await add(tx, kind, users[kind], "tokens", tokens);
      }
    });
  }

  /** The rest of a user's limits. */
  async leftFor(user: string): Promise<Left[]> {
    const limits = this.#limits().user;
    return this.#database.transaction(async (tx) => {
      const left: Left[] = [];
      for (const what of ["requests", "tokens", "toolCalls"] as const) {
        const of = limits[what];
        if (of === undefined) continue;
        const used = await current(tx, "user", user, what, of);
        left.push({ what, left: Math.max(0, Math.floor(of - used)), of });
      }
      return left;
    });
  }
}

/** The present count; the row stays locked until the end of the transaction. */
async function current(tx: Queryable, kind: LimitKind, key: string, what: Counted, capacity: number): Promise<number> {
  const { rows } = await tx.query<{ used: number; elapsed_ms: number }>(
    `insert into allowances (kind, key, what, used) values ($1, $2, $3, 0)
     on conflict (kind, key, what) do update set used = allowances.used
     returning used, extract(epoch from now() - counted_at)::double precision * 1000 as elapsed_ms`,
    [kind, key, NAMES[what]],
  );
  const used = usedNow(rows[0]?.used ?? 0, capacity, rows[0]?.elapsed_ms ?? 0);
  await tx.query("update allowances set used = $4, counted_at = now() where kind = $1 and key = $2 and what = $3", [
    kind,
    key,
    NAMES[what],
    used,
  ]);
  return used;
}

async function add(tx: Queryable, kind: LimitKind, key: string, what: Counted, more: number): Promise<void> {
  await tx.query("update allowances set used = used + $4 where kind = $1 and key = $2 and what = $3", [
    kind,
    key,
    NAMES[what],
    more,
  ]);
}

/**
 * Deletes rows unused for 30 days. The count falls by a day's worth in a day; an answer may take more tokens than that,
 * but not a month's. Returns the number of rows.
 */
export function pruneAllowances(database: Database, signal?: AbortSignal): Promise<number> {
  const where = "counted_at < now() - interval '30 days'";
  return deleteInBatches(database, { from: "allowances", where }, signal);
}
