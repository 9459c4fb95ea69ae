import type { Database, Queryable } from "../database/database.ts";
import { onceMore } from "../database/once-more.ts";
import type { RoomEvent, Transaction } from "../homeserver/transaction.ts";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Seals } from "../sealing/seals.ts";
import { ghostRooms, ghostsToWake, namedGhosts } from "./concerned-ghosts.ts";
import { storeMembership } from "./memberships.ts";
import type { MailItem } from "./mail-item.ts";
import { insertMalformed } from "./malformed.ts";
import { ownEchoes, storeEchoes } from "./own-echoes.ts";
import { route, type Routing } from "./routing.ts";
import { saidInRoom, storeSaid, type MessageRules, type SaidInRoom } from "./said-in-room.ts";
import { emptyUndelivered, eventKeys, insertEvents, keepRoomsFromAdoption } from "./stored-events.ts";

/** The ghosts that a transaction gives work to. */
export interface Arrivals {
  /** Ghosts with new rows in their mailbox. */
  readonly mail: readonly string[];
  /** Ghosts whose device should look at its /sync. */
  readonly wakeUps: readonly string[];
}

/** The result of storing a transaction. */
interface Stored extends Arrivals {
  /** The number of new events. */
  readonly stored: number;
}

/**
 * Records the room state that new events carry, in the transaction that stores them. It starts all its statements before it
 * first waits; see TransactionStatements. `isLate` says that the events are older than the recorded state.
 */
export type NoteState = (
  tx: Queryable,
  events: readonly RoomEvent[],
  options?: { readonly isLate: boolean },
) => Promise<void>;

/** The parts that storing transactions needs. */
export interface TransactionStoreOptions {
  readonly database: Database;
  readonly seals: Seals;
  readonly noteState: NoteState;
  /** Without them, messages of one room are stored like all other events. */
  readonly messages?: MessageRules | undefined;
  /** Whether a user id is one of ours: an agent that exists, or the bridge's bot. */
  readonly isGhost: (userId: string) => boolean;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
}

/** Puts the homeserver's transactions into the mailboxes of the ghosts that they concern. */
export class TransactionStore {
  readonly #database: Database;
  readonly #seals: Seals;
  readonly #noteState: NoteState;
  readonly #messages: MessageRules | undefined;
  readonly #isGhost: (userId: string) => boolean;
  readonly #log: Logger;
  readonly #metrics: Metrics | undefined;

  constructor(options: TransactionStoreOptions) {
    this.#database = options.database;
    this.#seals = options.seals;
    this.#noteState = options.noteState;
    this.#messages = options.messages;
    this.#isGhost = options.isGhost;
    this.#log = options.log;
    this.#metrics = options.metrics;
  }

  /**
   * Stores a transaction. Events are recognised by their ids: known ones are skipped, whatever the id of the
   * transaction (Synapse starts transaction ids again at 1). Throws DatabaseError; then nothing is stored, and Synapse
   * must be told to try again.
   */
  async store(transaction: Transaction): Promise<Arrivals> {
    // Where ephemeral events are pushed, many transactions hold nothing else.
    const { events, malformed, wakeUps, changedUsers } = transaction;
    if (events.length + malformed.length + wakeUps.length + changedUsers.length === 0) return { mail: [], wakeUps: [] };

    const { stored, ...arrivals } =
      (await this.#asEchoes(transaction)) ?? (await onceMore(() => this.#inOneTransaction(transaction)));
    this.#metrics?.events.inc({ outcome: "stored" }, stored);
    this.#metrics?.events.inc({ outcome: "repeated" }, events.length - stored);
    this.#metrics?.events.inc({ outcome: "malformed" }, malformed.length);
    if (malformed.length > 0) {
      this.#log.warn(
        { txn: transaction.txnId, count: malformed.length },
        "malformed parts of a transaction were stored separately",
      );
    }
    return arrivals;
  }

  /** Stores a transaction that holds only what a ghost has sent itself; undefined for others. */
  async #asEchoes(transaction: Transaction): Promise<Stored | undefined> {
    const rules = this.#messages;
    const echoes = ownEchoes(transaction, this.#isGhost);
    if (rules === undefined || echoes === undefined) return undefined;
    const stored = await storeEchoes(this.#database, echoes, rules);
    if (stored === undefined) return undefined;
    return { mail: [], wakeUps: namedGhosts(transaction, this.#isGhost), stored };
  }

  /** Stores messages of one room. */
  async #asSaid(said: SaidInRoom, rules: MessageRules, transaction: Transaction): Promise<Stored> {
    const parts = { database: this.#database, seals: this.#seals, rules };
    const { stored, beside } = await storeSaid(parts, said, (tx) => ghostsToWake(tx, transaction, this.#isGhost));
    return { ...stored, wakeUps: beside };
  }

  #inOneTransaction(transaction: Transaction): Promise<Stored> {
    const said = saidInRoom(transaction);
    if (said !== undefined && this.#messages !== undefined) return this.#asSaid(said, this.#messages, transaction);
    const { events, malformed } = transaction;
    return this.#database.transactionWithLast(
      async (tx) => {
        keepRoomsFromAdoption(tx);
        await insertMalformed(tx, this.#seals, malformed);
        const keys = await eventKeys(tx, this.#seals, events);
        const [fresh, rooms] = await Promise.all([insertEvents(tx, keys, events), ghostRooms(tx, events)]);
        return { fresh, rooms };
      },
      async (tx, { fresh, rooms }) => {
        const { mail, memberships } = route(fresh, rooms, this.#isGhost);
        const noted = this.#noteState(tx, fresh);
        const stored = memberships.map((change) => storeMembership(tx, change));
        const delivered = [insertMail(tx, mail), emptyUndelivered(tx, fresh, mail)];
        const waking = ghostsToWake(tx, transaction, this.#isGhost);
        await Promise.all([noted, ...stored, ...delivered, waking]);
        const ghosts = [...new Set(mail.map((item) => item.ghost))];
        return { mail: ghosts, wakeUps: await waking, stored: fresh.length };
      },
    );
  }

  /**
   * Gives a ghost the messages from before its own join, in the transaction that finishes that join: in order, and
   * before the later messages.
   */
  async adopt(tx: Queryable, ghost: string, join: MailItem, said: readonly RoomEvent[]): Promise<void> {
    if (said.length === 0) return;
    const keys = await eventKeys(tx, this.#seals, said);
    const events = await insertEvents(tx, keys, said, "keep what was emptied");
    await this.#noteState(tx, events, { isLate: true });
    const ids = said.map((event) => event.event_id);
    const { rows: later } = await tx.query<{ id: number }>(
      `select id from mailbox join events using (event_id) where ghost = $1 and room_id = $2 and id > $3 order by id`,
      [ghost, join.event.room_id, join.id],
    );
    await tx.query(`insert into mailbox (ghost, event_id) select $1, unnest($2::text[]) on conflict do nothing`, [
      ghost,
      ids,
    ]);
    for (const { id } of later) await tx.query("update mailbox set id = default where id = $1", [id]);
  }
}

async function insertMail(tx: Queryable, mail: Routing["mail"]): Promise<void> {
  if (mail.length === 0) return;
  await tx.query(
    `insert into mailbox (ghost, event_id)
     select m.ghost, m."eventId" from json_to_recordset($1::json) as m(ghost text, "eventId" text)
     on conflict do nothing`,
    [JSON.stringify(mail)],
  );
}
