import type { Database, Queryable } from "../database/database.ts";
import { isStorable } from "../database/text.ts";
import type { Seals } from "../sealing/seals.ts";
import { dropSummaries, forgetDropped } from "./dropped-summaries.ts";
import { forgetRating, forgetRatings } from "./feedback.ts";

/** Deletes from the agents' memory: a message, a room, or everything older than a time. */
export class Forgetting {
  readonly #database: Database;
  readonly #seals: Seals;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
  }

  /**
   * Forgets a redacted message and its answer, or a rating whose reaction was deleted.
   *
   * @param by the person who deleted it. The homeserver accepted the redaction; it holds back invalid ones.
   */
  async message(tx: Queryable, ghost: string, roomId: string, eventId: string, by: string): Promise<void> {
    if (!isStorable(eventId)) return;
    await forgetRating(tx, ghost, eventId);
    await dropSummaries(tx, { ghost, roomId, eventId }, by);
    await tx.query(
      `delete from messages where ghost = $1 and room_id = $2 and answers in (
         select position from messages where ghost = $1 and room_id = $2 and event_id = $3)`,
      [ghost, roomId, eventId],
    );
    await tx.query("delete from messages where ghost = $1 and room_id = $2 and event_id = $3", [
      ghost,
      roomId,
      eventId,
    ]);
  }

  /** Forgets a room: its messages, summaries and ratings. */
  async room(tx: Queryable, ghost: string, roomId: string): Promise<void> {
    await forgetRatings(tx, ghost, roomId);
    await tx.query("delete from messages where ghost = $1 and room_id = $2", [ghost, roomId]);
    // After the messages: a summary being stored locks them, and is visible by now.
    await tx.query("delete from summaries where ghost = $1 and room_id = $2", [ghost, roomId]);
    await forgetDropped(tx, ghost, roomId);
    await this.#seals.destroy(tx, { ghost, roomId });
  }

  /**
   * Forgets a room's messages from before a time, by the senders' clocks or by the day of arrival, with their answers
   * and summaries. Returns the number of messages.
   */
  async expired(roomId: string, before: Date): Promise<number> {
    return this.#database.transaction(async (tx) => {
      const { rows } = await tx.query<{ ghost: string; event_id: string; position: number }>(
        `with expired as (
           select position from messages left join sealing_keys on sealing_keys.id = sealed_by
           where messages.room_id = $1 and (sent_at < $2 or (period <> '' and period < $3)))
         delete from messages where room_id = $1
           and (position in (select position from expired) or answers in (select position from expired))
         returning ghost, event_id, coalesce(answers, position) as position`,
        [roomId, before.getTime(), before.toISOString().slice(0, 10)],
      );
      const { rows: quoting } = await tx.query<{ ghost: string; position: number }>(
        `select ghost, position from messages
         where room_id = $1 and replies_to = any($2::text[])`,
        [roomId, rows.map((row) => row.event_id)],
      );
      const first = new Map<string, number>();
      for (const { ghost, position } of [...rows, ...quoting])
        first.set(ghost, Math.min(position, first.get(ghost) ?? Infinity));
      for (const [ghost, position] of first) {
        await tx.query("delete from summaries where ghost = $1 and room_id = $2 and up_to >= $3", [
          ghost,
          roomId,
          position,
        ]);
      }
      await this.#seals.expire(tx, roomId, before);
      return rows.length;
    });
  }
}
