import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import type { LimitKind, Limits } from "../config/config.ts";
import { LIMIT_KINDS, usedNow, waitMs } from "./wearing-off.ts";

/** Who uses something: the keys that are counted under. */
export type Users = Readonly<Record<LimitKind, string>>;

/** A question that is one too many. */
export interface TooMany {
  readonly kind: LimitKind;
  /** How long to wait until the next one, in ms. */
  readonly waitMs: number;
}

/** What is left of a limit. */
export interface Left {
  readonly what: "requests" | "tokens";
  readonly left: number;
  readonly of: number;
}

/** The keys of a question. */
export function usersOf(turn: { readonly asker: string; readonly roomId: string; readonly ghost: string }): Users {
  const { asker, roomId, ghost } = turn;
  return { user: asker, room: roomId, server: asker.slice(asker.indexOf(":") + 1), agent: ghost };
}

/** The rows of `allowances`: token buckets, shared by all processes. */
export class Allowances {
  readonly #database: Database;
  readonly #limits: () => Limits;

  /** @param limits asked anew each time. */
  constructor(database: Database, limits: () => Limits) {
    this.#database = database;
    this.#limits = limits;
  }

  /** Counts a question, unless it is one too many: then nothing is counted. */
  async take(tx: Queryable, users: Users): Promise<TooMany | undefined> {
    const refused = await this.#tooMany(tx, users);
    if (refused !== undefined) return refused;
    for (const kind of LIMIT_KINDS) {
      if (this.#limits()[kind].requests !== undefined) await add(tx, kind, users[kind], "requests", 1);
    }
    return undefined;
  }

  /** The same in a transaction of its own. */
  takeNow(users: Users): Promise<TooMany | undefined> {
    return this.#database.transaction((tx) => this.take(tx, users));
  }

  /** Whether a question would be one too many. */
  async check(users: Users): Promise<TooMany | undefined> {
    return this.#database.transaction((tx) => this.#tooMany(tx, users));
  }

  async #tooMany(tx: Queryable, users: Users): Promise<TooMany | undefined> {
    let refused: TooMany | undefined;
    for (const kind of LIMIT_KINDS) {
      for (const what of ["requests", "tokens"] as const) {
        const capacity = this.#limits()[kind][what];
        if (capacity === undefined) continue;
        const used = await current(tx, kind, users[kind], what, capacity);
        // Of tokens nobody knows beforehand how many it will be: there has to be one left.
        const wait = waitMs(used, capacity, 1);
        if (wait > (refused?.waitMs ?? 0)) refused = { kind, waitMs: wait };
      }
    }
    return refused;
  }

  /** Counts the tokens of an answer, which may be more than were left. */
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

  /** What a user has left. */
  async leftFor(user: string): Promise<Left[]> {
    const { requests, tokens } = this.#limits().user;
    return this.#database.transaction(async (tx) => {
      const left: Left[] = [];
      for (const [what, of] of [
        ["requests", requests],
        ["tokens", tokens],
      ] as const) {
        if (of === undefined) continue;
        const used = await current(tx, "user", user, what, of);
        left.push({ what, left: Math.max(0, Math.floor(of - used)), of });
      }
      return left;
    });
  }
}

/** What is counted now; the row is held until the end of the transaction. */
async function current(
  tx: Queryable,
  kind: LimitKind,
  key: string,
  what: "requests" | "tokens",
  capacity: number,
): Promise<number> {
  const { rows } = await tx.query<{ used: number; elapsed_ms: number }>(
    `insert into allowances (kind, key, what, used) values ($1, $2, $3, 0)
     on conflict (kind, key, what) do update set used = allowances.used
     returning used, extract(epoch from now() - counted_at)::double precision * 1000 as elapsed_ms`,
    [kind, key, what],
  );
  const used = usedNow(rows[0]?.used ?? 0, capacity, rows[0]?.elapsed_ms ?? 0);
  await tx.query("update allowances set used = $4, counted_at = now() where kind = $1 and key = $2 and what = $3", [
    kind,
    key,
    what,
    used,
  ]);
  return used;
}

async function add(tx: Queryable, kind: LimitKind, key: string, what: string, more: number): Promise<void> {
  await tx.query("update allowances set used = used + $4 where kind = $1 and key = $2 and what = $3", [
    kind,
    key,
    what,
    more,
  ]);
}

/**
 * Forgets those that nobody has used for 30 days. What was counted wears off by a day's worth in a day; an answer may take more
 * tokens than that, but not those of a month. Returns how many rows.
 */
export function pruneAllowances(database: Database, signal?: AbortSignal): Promise<number> {
  const where = "counted_at < now() - interval '30 days'";
  return deleteInBatches(database, { from: "allowances", where }, signal);
}
