import type { Database, Queryable } from "../database/database.ts";
import { isStorable, storable } from "../database/text.ts";

/** A discussion among agents. */
export interface Discussion {
  readonly topic: string;
  /** User ids of the agents, in the order in which they speak. */
  readonly participants: readonly string[];
  /** Turns altogether. */
  readonly length: number;
}

/** What one message of a person leads to among the agents of a room. */
export interface Exchange {
  /** The person. */
  readonly asker: string;
  readonly discussion: Discussion | undefined;
}

/** Names an exchange. */
export interface ExchangeId {
  readonly roomId: string;
  /** The person's message. */
  readonly origin: string;
}

/**
 * The rows of `exchanges`: the budget that keeps agents from talking with each other without end, whatever their models
 * say, over all processes.
 */
export class Exchanges {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Notes a turn that a person has asked for. */
  async begin(tx: Queryable, { roomId, origin }: ExchangeId, asker: string, discussion?: Discussion): Promise<void> {
    await tx.query(
      `insert into exchanges (room_id, origin, asker, turns, topic, participants, length) values ($1, $2, $3, 1, $4, $5, $6)
       on conflict (room_id, origin) do update set turns = exchanges.turns + 1`,
      [
        roomId,
        origin,
        asker,
        discussion === undefined ? null : storable(discussion.topic),
        discussion === undefined ? null : JSON.stringify(discussion.participants),
        discussion?.length ?? null,
      ],
    );
  }

  /**
   * Notes a turn that an agent asks another one for. Undefined when there may be none: the exchange is over its budget, was
   * stopped, or is not known (its message was deleted).
   */
  async claim(tx: Queryable, { roomId, origin }: ExchangeId, maxTurns: number): Promise<Exchange | undefined> {
    if (!isStorable(origin)) return undefined;
    const { rows } = await tx.query<ExchangeRow>(
      `update exchanges set turns = turns + 1
       where room_id = $1 and origin = $2 and not stopped and turns < greatest($3, coalesce(length, 0))
       returning asker, topic, participants, length`,
      [roomId, origin, maxTurns],
    );
    return rows[0] && exchangeOf(rows[0]);
  }

  /** One that was neither stopped nor forgotten. */
  async get({ roomId, origin }: ExchangeId): Promise<Exchange | undefined> {
    const { rows } = await this.#database.query<ExchangeRow>(
      "select asker, topic, participants, length from exchanges where room_id = $1 and origin = $2 and not stopped",
      [roomId, origin],
    );
    return rows[0] && exchangeOf(rows[0]);
  }

  /** Ends the exchanges of a room: all, those of a person, or one. No agent asks another one there any more. */
  async stop(
    tx: Queryable,
    roomId: string,
    { asker, origin }: { readonly asker?: string; readonly origin?: string } = {},
  ): Promise<void> {
    await tx.query(
      `update exchanges set stopped = true where room_id = $1 and ($2::text is null or asker = $2)
         and ($3::text is null or origin = $3) and not stopped`,
      [roomId, asker ?? null, origin ?? null],
    );
  }

  /** Forgets the exchanges of a room, or the one of a message that was deleted, and thereby ends them. */
  async forget(tx: Queryable, roomId: string, origin?: string): Promise<void> {
    if (origin !== undefined && !isStorable(origin)) return;
    await tx.query("delete from exchanges where room_id = $1 and ($2::text is null or origin = $2)", [
      roomId,
      origin ?? null,
    ]);
  }

  /** Deletes those that are older. */
  async prune(olderThanDays: number): Promise<number> {
    const { count } = await this.#database.query(
      "delete from exchanges where created_at < now() - make_interval(days => $1)",
      [olderThanDays],
    );
    return count;
  }
}

interface ExchangeRow {
  asker: string;
  topic: string | null;
  participants: string | null;
  length: number | null;
}

function exchangeOf({ asker, topic, participants, length }: ExchangeRow): Exchange {
  if (topic === null || participants === null || length === null) return { asker, discussion: undefined };
  return { asker, discussion: { topic, participants: JSON.parse(participants) as string[], length } };
}
