import { deleteInBatches } from "../database/batches.ts";
import type { Database } from "../database/database.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { redactEvent } from "../homeserver/room-calls.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";
import { fencedAtOnce } from "../leases/leases.ts";
import { contextOfEvent } from "../mailbox/stored-events.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { SealedRow, Seals } from "../sealing/seals.ts";
import { isRetryable } from "../observability/retryable.ts";
import type { LoadedGhost } from "./loaded-ghost.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import type { NoticeWriter } from "./notice-writer.ts";
import { parseRelation } from "../matrix/relation.ts";
import { transactionId, type Outbox } from "./outbox.ts";

/** The parts that reporting missing keys needs. */
export interface MissingKeysOptions {
  readonly database: Database;
  readonly seals: Seals;
  readonly client: HomeserverClient;
  readonly outbox: Outbox;
  /** The time for which a key may be late before people are told, in ms. */
  readonly tellAfterMs: number;
  readonly isGhost: (userId: string) => boolean;
  readonly notices: Pick<NoticeWriter, "missingKey">;
}

/** The interval of notices about a client that never sends its keys, however many sessions it makes. */
const TOLD_AGAIN_AFTER = "1 hour";

/**
 * Tells people about messages that nobody can read: once for a room and session, by one ghost of the room. The notice
 * is deleted when the key comes.
 */
export class MissingKeys {
  readonly #options: MissingKeysOptions;

  constructor(options: MissingKeysOptions) {
    this.#options = options;
  }

  /**
   * Reports the ghost's overdue keys. Returns the ms until the next report may be due, undefined when nothing waits.
   * Throws the error of sending; the next call then repeats the report.
   */
  async tell(ghost: GhostHandle, { lease }: LoadedGhost): Promise<number | undefined> {
    const { rows: waiting, open } = await this.#options.seals.open(await this.#waiting(ghost.userId));
    for (const row of waiting) {
      if (row.due_ms > 0) continue;
      const payload = unlessBroken(() => open(row, row.payload, ...contextOfEvent(row.event_id)));
      // It is set aside when its key comes; until then it is not reported.
      if (payload === undefined) continue;
      const event = JSON.parse(payload) as RoomEvent;
      // Agents do not complain to agents.
      if (this.#options.isGhost(event.sender)) continue;
      if (!(await this.#claim(ghost.userId, row, event.sender))) continue;
      const content = await this.#options.notices.missingKey({
        eventId: event.event_id,
        roomId: row.room_id,
        threadRoot: threadRootOf(event),
        ghost: ghost.userId,
        withheld: row.withheld ?? undefined,
      });
      // A device whose keys are missing may be one that gets none from us either.
      await ghost.sendToAll(row.room_id, content, stepOf(row.session_id)).catch((error: unknown) => {
        if (isRetryable(error)) throw error;
        // Nobody there can be told, now or later.
        ghost.log.warn({ room: row.room_id, error }, "a missing key could not be reported to its sender");
      });
      await fencedAtOnce(this.#options.database, lease, (tx) =>
        tx.query("update key_notices set told = true where room_id = $1 and session_id = $2", [
          row.room_id,
          row.session_id,
        ]),
      );
      ghost.log.info(
        { room: row.room_id, event: event.event_id, withheld: row.withheld },
        "a missing key was reported to its sender",
      );
    }
    const due = waiting.map((row) => row.due_ms).filter((ms) => ms > 0);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** Deletes the notice of an event's session, if this ghost gave one. Throws HomeserverError or DatabaseError. */
  async takeBack(ghost: GhostHandle, event: RoomEvent, { access, lease }: LoadedGhost): Promise<void> {
    const sessionId = event.content["session_id"];
    if (typeof sessionId !== "string") return;
    const { database, outbox, client } = this.#options;
    const { count } = await database.query(
      "select from key_notices where room_id = $1 and session_id = $2 and ghost = $3",
      [event.room_id, sessionId, ghost.userId],
    );
    if (count === 0) return;
    const sent = await outbox.find(ghost.userId, transactionId(ghost.userId, event.room_id, stepOf(sessionId)));
    if (sent?.eventId !== undefined) {
      const redaction = {
        roomId: event.room_id,
        eventId: sent.eventId,
        txnId: transactionId(ghost.userId, event.room_id, `${stepOf(sessionId)} taken back`),
        reason: "The key has come.",
      };
      await access
        .call((as) => redactEvent(client, as, redaction))
        .catch((error: unknown) => {
          if (isRetryable(error)) throw error;
          // Its message is read and answered anyway.
          ghost.log.warn({ room: event.room_id, error }, "the notice of a missing key could not be deleted");
        });
    }
    await fencedAtOnce(database, lease, (tx) =>
      tx.query("delete from key_notices where room_id = $1 and session_id = $2", [event.room_id, sessionId]),
    );
  }

  /** One row for each unreported room and session that the ghost waits for. */
  async #waiting(ghost: string): Promise<WaitingRow[]> {
    const { rows } = await this.#options.database.query<WaitingRow>(
      `select distinct on (events.room_id, session_id) events.room_id, session_id, mailbox.reason as withheld, event_id, payload,
         sealed_by,
         $2 - extract(epoch from now() - waiting_since) * 1000 as due_ms
       from mailbox join events using (event_id)
         join memberships on memberships.ghost = mailbox.ghost and memberships.room_id = events.room_id
       where mailbox.ghost = $1 and state = 'awaiting_key' and membership = 'join'
         and not exists (
           select from key_notices told where told.room_id = events.room_id and told.session_id = mailbox.session_id
             and (told.told or told.ghost <> $1))
       order by events.room_id, session_id, mailbox.id`,
      [ghost, this.#options.tellAfterMs],
    );
    return rows;
  }

  /** Whether this ghost should report it; the claim also holds for the next look. */
  async #claim(ghost: string, row: WaitingRow, sender: string): Promise<boolean> {
    const { database } = this.#options;
    await database.query(
      `insert into key_notices (room_id, session_id, ghost, sender, told)
       values ($1, $2, $3, $4, exists (select from key_notices
         where room_id = $1 and sender = $4 and created_at > now() - interval '${TOLD_AGAIN_AFTER}'))
       on conflict do nothing`,
      [row.room_id, row.session_id, ghost, sender],
    );
    const { count } = await database.query(
      "select from key_notices where room_id = $1 and session_id = $2 and ghost = $3 and not told",
      [row.room_id, row.session_id, ghost],
    );
    return count > 0;
  }
}

interface WaitingRow extends SealedRow {
  event_id: string;
  room_id: string;
  session_id: string;
  withheld: string | null;
  payload: string;
  due_ms: number;
}

function stepOf(sessionId: string): string {
  return `missing key ${sessionId}`;
}

/** The relation stands outside the ciphertext (spec "m.room.encrypted"). */
function threadRootOf(event: RoomEvent): string | undefined {
  return parseRelation(event.content["m.relates_to"]).threadRoot;
}

/**
 * Deletes old notices for which nothing waits: until then the notice is known, so that it is deleted with the key's
 * arrival and not repeated. Returns the number of rows.
 */
export function pruneKeyNotices(database: Database, olderThanDays: number, signal?: AbortSignal): Promise<number> {
  const where = `created_at < now() - $1 * interval '1 day' and not exists (select from mailbox
    where mailbox.session_id = key_notices.session_id and state = 'awaiting_key')`;
  return deleteInBatches(database, { from: "key_notices", where, values: [olderThanDays] }, signal);
}
