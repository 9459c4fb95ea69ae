import { createHash } from "node:crypto";
import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { onceMore } from "../database/once-more.ts";
import { fencedAtOnce, fencedWithLast, type Lease } from "../leases/leases.ts";
import type { StoredBeside } from "./form.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { Seal, SealedRow, Seals } from "../sealing/seals.ts";

/** An event in its final form, stored before its first attempt. */
export interface StoredSend {
  readonly txnId: string;
  readonly roomId: string;
  readonly eventType: string;
  /** JSON; ciphertext where the room is encrypted. */
  readonly content: string;
  /** Set once the server has accepted it. */
  readonly eventId: string | undefined;
  /** The time since it was first stored, in ms by the database's clock. */
  readonly ageMs: number;
}

/** An event that is about to be sent. */
type UnsentEvent = Pick<StoredSend, "txnId" | "roomId" | "eventType" | "content">;

/** The context that what is to be sent is sealed with: see sealing/sealed-text.ts. */
const CONTEXT = "sends.content";

/** The rows of `sends`: they make a repeat the same bytes under the same id. */
export class Outbox {
  readonly #database: Database;
  readonly #seals: Seals;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
  }

  /** The stored send under this id, if any. */
  async find(ghost: string, txnId: string): Promise<StoredSend | undefined> {
    const found = await this.#database.query<
      SealedRow & { room_id: string; event_type: string; content: string; event_id: string | null; age_ms: number }
    >(
      `select room_id, event_type, content, event_id, sealed_by, extract(epoch from now() - created_at) * 1000 as age_ms
       from sends where ghost = $1 and txn_id = $2`,
      [ghost, txnId],
    );
    const { rows, open } = await this.#seals.open(found.rows);
    const row = rows[0];
    if (row === undefined) return undefined;
    // A sent event's content is no longer needed. An unreadable content was not stored by us, and is made again instead
    // of being sent.
    const content =
      row.event_id === null ? unlessBroken(() => open(row, row.content, CONTEXT, ghost, txnId)) : row.content;
    if (content === undefined) return undefined;
    const { room_id: roomId, event_type: eventType, age_ms: ageMs } = row;
    return { txnId, roomId, eventType, content, eventId: row.event_id ?? undefined, ageMs };
  }

  /**
   * Stores an event before it is sent, in place of an earlier unsent form. Throws StaleLease.
   *
   * @param beside further writes of the transaction.
   */
  async store(lease: Lease, send: UnsentEvent, beside?: StoredBeside): Promise<void> {
    const scopes = [{ roomId: send.roomId }, ...(beside?.scopes ?? [])];
    await onceMore(() =>
      fencedWithLast(
        this.#database,
        lease,
        async (tx) => {
          const [key, ...others] = await this.#seals.all(tx, scopes);
          if (key === undefined) throw new Error("there is no seal for a scope");
          return { key, others };
        },
        (tx, { key, others }) => Promise.all([insertSend(tx, key, lease, send), beside?.store(tx, others)]),
      ),
    );
  }

  /** The number of events of all ghosts that are not known to have arrived. */
  async pending(): Promise<number> {
    const { rows } = await this.#database.query<{ pending: number }>(
      "select count(*)::integer as pending from sends where event_id is null",
    );
    return rows[0]?.pending ?? 0;
  }

  /** Deletes old sent events, and unsent ones after twice that time. Returns the number of rows. */
  async prune(olderThanDays: number, signal?: AbortSignal): Promise<number> {
    const where = "created_at < now() - $1 * interval '1 day' * case when event_id is null then 2 else 1 end";
    return deleteInBatches(this.#database, { from: "sends", where, values: [olderThanDays] }, signal);
  }

  /** Drops the unsent messages of a ghost that has left a room. */
  async forget(tx: Queryable, ghost: string, roomId: string): Promise<void> {
    await tx.query("delete from sends where ghost = $1 and room_id = $2 and event_id is null", [ghost, roomId]);
  }

  /** Records that the server has accepted it, and drops its content. */
  async sent(lease: Lease, txnId: string, eventId: string): Promise<void> {
    await fencedAtOnce(this.#database, lease, (tx) => this.mark(tx, lease, txnId, eventId));
  }

  /** The same in a fenced transaction. It starts its only statement at once. */
  async mark(tx: Queryable, { ghost }: Lease, txnId: string, eventId: string): Promise<void> {
    await tx.query(
      "update sends set event_id = $3, content = '{}', sealed_by = null where ghost = $1 and txn_id = $2",
      [ghost, txnId, eventId],
    );
  }
}

async function insertSend(tx: Queryable, key: Seal, { ghost }: Lease, send: UnsentEvent): Promise<void> {
  await tx.query(
    `insert into sends (ghost, txn_id, room_id, event_type, content, sealed_by) values ($1, $2, $3, $4, $5, $6)
     on conflict (ghost, txn_id) do update
       set event_type = excluded.event_type, content = excluded.content, sealed_by = excluded.sealed_by
     where sends.event_id is null`,
    [ghost, send.txnId, send.roomId, send.eventType, key.seal(send.content, CONTEXT, ghost, send.txnId), key.id],
  );
}

/**
 * The Matrix transaction id of a send, always the same for the same ghost and step. It contains the ghost, because
 * Synapse's cache of an appservice's transaction ids does not tell its users apart.
 */
export function transactionId(ghost: string, roomId: string, step: string): string {
  return createHash("sha256")
    .update(JSON.stringify([ghost, roomId, step]))
    .digest("base64url");
}
