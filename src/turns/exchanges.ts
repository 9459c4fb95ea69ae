import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { isStorable, storable } from "../database/text.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { SealedRow, Seals } from "../sealing/seals.ts";

/** A discussion among agents. */
export interface Discussion {
  readonly topic: string;
  /** User ids of the agents, in their speaking order. */
  readonly participants: readonly string[];
  /** The total number of turns. */
  readonly length: number;
  /** Whether the topic came encrypted. */
  readonly encrypted: boolean;
}

/** The turns of a room's agents that one message of a person causes. */
export interface Exchange {
  /** The person. */
  readonly asker: string;
  readonly discussion: Discussion | undefined;
}

/** Identifies an exchange. */
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
  readonly #seals: Seals;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
  }

  /** Records a turn that a person asked for. */
  async begin(tx: Queryable, { roomId, origin }: ExchangeId, asker: string, discussion?: Discussion): Promise<void> {
    const key = discussion && (await this.#seals.in(tx, { roomId }));
    await tx.query(
      `insert into exchanges (room_id, origin, asker, turns, topic, participants, length, sealed_by, came_encrypted)
       values ($1, $2, $3, 1, $4, $5, $6, $7, $8)
       on conflict (room_id, origin) do update set turns = exchanges.turns + 1`,
      [
        roomId,
        origin,
        asker,
        discussion === undefined || key === undefined
          ? null
          : key.seal(storable(discussion.topic), CONTEXT, roomId, origin),
        discussion === undefined ? null : JSON.stringify(discussion.participants),
        discussion?.length ?? null,
        key?.id ?? null,
        discussion?.encrypted ?? false,
      ],
    );
  }

  /**
   * Records a turn that an agent asks another one for. Undefined when it is refused: the exchange has used up its
   * budget, was stopped, or is unknown (its message was deleted).
   */
  async claim(tx: Queryable, { roomId, origin }: ExchangeId, maxTurns: number): Promise<Exchange | undefined> {
    if (!isStorable(origin)) return undefined;
    const { rows } = await tx.query<ExchangeRow>(
      `update exchanges set turns = turns + 1
       where room_id = $1 and origin = $2 and not stopped and turns < greatest($3, coalesce(length, 0))
       returning asker, topic, participants, length, sealed_by, came_encrypted`,
      [roomId, origin, maxTurns],
    );
    return this.#exchangeOf({ roomId, origin }, rows, tx);
  }

  /** An exchange that was neither stopped nor forgotten. */
  async get({ roomId, origin }: ExchangeId): Promise<Exchange | undefined> {
    const { rows } = await this.#database.query<ExchangeRow>(
      `select asker, topic, participants, length, sealed_by, came_encrypted from exchanges
       where room_id = $1 and origin = $2 and not stopped`,
      [roomId, origin],
    );
    return this.#exchangeOf({ roomId, origin }, rows);
  }

  /** Ends the exchanges of a room: all, those of a person, or one. No agent asks another one in them any more. */
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

  /** Forgets the exchanges of a room, or that of a deleted message, and thereby ends them. */
  async forget(tx: Queryable, roomId: string, origin?: string): Promise<void> {
    if (origin !== undefined && !isStorable(origin)) return;
    await tx.query("delete from exchanges where room_id = $1 and ($2::text is null or origin = $2)", [
      roomId,
      origin ?? null,
    ]);
  }

  /** Deletes older rows. */
  async prune(olderThanDays: number, signal?: AbortSignal): Promise<number> {
    const where = "created_at < now() - $1 * interval '1 day'";
    return deleteInBatches(this.#database, { from: "exchanges", where, values: [olderThanDays] }, signal);
  }

  async #exchangeOf(
    { roomId, origin }: ExchangeId,
    found: readonly ExchangeRow[],
    database?: Queryable,
  ): Promise<Exchange | undefined> {
    const { rows, open } = await this.#seals.open(found, database);
    const [row] = rows;
    if (row === undefined) return undefined;
    const { asker, topic, participants, length } = row;
    if (topic === null || participants === null || length === null) return { asker, discussion: undefined };
    const words = unlessBroken(() => open(row, topic, CONTEXT, roomId, origin));
    // A discussion whose topic we did not write is not continued.
    if (words === undefined) return undefined;
    return {
      asker,
      discussion: {
        topic: words,
        participants: JSON.parse(participants) as string[],
        length,
        encrypted: row.came_encrypted,
      },
    };
  }
}

/** The context that the topic of a discussion is sealed with: see sealing/sealed-text.ts. */
const CONTEXT = "exchanges.topic";

interface ExchangeRow extends SealedRow {
  asker: string;
  topic: string | null;
  participants: string | null;
  length: number | null;
  came_encrypted: boolean;
}
