import type { Database, Queryable } from "../database/database.ts";
import { isStorable, storable } from "../database/text.ts";

/** A message as an agent remembers it. */
export interface RememberedMessage {
  readonly eventId: string;
  readonly author: "person" | "agent";
  readonly sender: string;
  /** The name the sender went by in the room. */
  readonly speaker: string;
  readonly body: string;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  /** With an answer: the position of its question. */
  readonly answers?: number;
  /** With a person's message: what a strict client shows beside it, when not all is well with it. */
  readonly shield?: string;
}

/** What agents remember of their rooms. */
export class History {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Remembers a message and returns its position in the conversation. Saying it twice changes nothing. */
  async remember(tx: Queryable, ghost: string, roomId: string, message: RememberedMessage): Promise<number> {
    const { rows } = await tx.query<{ position: number }>(
      `insert into messages (ghost, room_id, event_id, sender, speaker, author, body, sent_at, answers, shield)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       on conflict (ghost, event_id) do update set body = messages.body
       returning position`,
      [
        ghost,
        roomId,
        message.eventId,
        message.sender,
        storable(message.speaker),
        message.author,
        storable(message.body),
        message.sentAt,
        message.answers ?? null,
        message.shield ?? null,
      ],
    );
    const position = rows[0]?.position;
    if (position === undefined) throw new Error("the message was not stored");
    return position;
  }

  /** Changes what is remembered of a message that its sender has edited. */
  async edit(tx: Queryable, ghost: string, eventId: string, sender: string, body: string): Promise<void> {
    if (!isStorable(eventId)) return;
    await tx.query("update messages set body = $4 where ghost = $1 and event_id = $2 and sender = $3", [
      ghost,
      eventId,
      sender,
      storable(body),
    ]);
  }

  /** Forgets a redacted message. */
  async forget(tx: Queryable, ghost: string, roomId: string, eventId: string): Promise<void> {
    if (!isStorable(eventId)) return;
    await tx.query("delete from messages where ghost = $1 and room_id = $2 and event_id = $3", [
      ghost,
      roomId,
      eventId,
    ]);
  }

  /** Whether an event is a message of the ghost's own in the room. */
  async isOwn(ghost: string, roomId: string, eventId: string): Promise<boolean> {
    if (!isStorable(eventId)) return false;
    const { count } = await this.#database.query(
      "select 1 from messages where ghost = $1 and room_id = $2 and event_id = $3 and author = 'agent'",
      [ghost, roomId, eventId],
    );
    return count > 0;
  }

  /**
   * The conversation up to and with the question at a position, oldest first, `limit` messages at most. An answer stands
   * right behind its question, so that questions asked meanwhile do not come between.
   */
  async upTo(ghost: string, roomId: string, position: number, limit: number): Promise<RememberedMessage[]> {
    const { rows } = await this.#database.query<{
      event_id: string;
      author: "person" | "agent";
      sender: string;
      speaker: string;
      body: string;
      sent_at: number;
    }>(
      `select event_id, author, sender, speaker, body, sent_at from messages
       where ghost = $1 and room_id = $2 and coalesce(answers, position) <= $3
       order by coalesce(answers, position) desc, position desc limit $4`,
      [ghost, roomId, position, limit],
    );
    return rows.reverse().map((row) => ({
      eventId: row.event_id,
      author: row.author,
      sender: row.sender,
      speaker: row.speaker,
      body: row.body,
      sentAt: row.sent_at,
    }));
  }
}
