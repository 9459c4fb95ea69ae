import type { Database, Queryable } from "../database/database.ts";
import { isStorable, storable } from "../database/text.ts";
import type { Seals } from "../sealing/seals.ts";
import { dropSummaries } from "./dropped-summaries.ts";
import { dropReadFile } from "./read-files.ts";
import type { Edited, RememberedMessage } from "./remembered-message.ts";
import { rewriteMessage, sealTexts } from "./sealed-messages.ts";

/** The messages that are remembered only because somebody replied to them. */
export class QuotedMessages {
  readonly #database: Database;
  readonly #seals: Seals;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
  }

  /**
   * Stores a message because somebody replied to it, unless it is stored already. Its row is made before it is read, so
   * that a deletion meanwhile is not missed: then, and where there is nothing to read, the row is deleted again.
   */
  async quote(
    ghost: string,
    roomId: string,
    eventId: string,
    read: () => Promise<Omit<RememberedMessage, "eventId"> | undefined>,
  ): Promise<void> {
    if (!isStorable(eventId)) return;
    await this.#database.transaction(async (tx) => {
      const key = await this.#seals.in(tx, { ghost, roomId });
      await tx.query(
        `insert into messages (ghost, room_id, event_id, sender, speaker, author, body, sent_at, sealed_by, only_quoted)
         values ($1, $2, $3, '', '', 'person', $4, $5, $6, true) on conflict (ghost, event_id) do nothing`,
        [ghost, roomId, eventId, sealTexts(key, { ghost, eventId }, { body: "" }).body, Date.now(), key.id],
      );
    });
    const unread = "ghost = $1 and room_id = $2 and event_id = $3 and only_quoted and sender = ''";
    const drop = (database: Queryable): Promise<unknown> =>
      database.query(`delete from messages where ${unread}`, [ghost, roomId, eventId]);
    let message;
    try {
      message = await read();
    } catch (error) {
      await drop(this.#database);
      throw error;
    }
    await this.#database.transaction(async (tx) => {
      if (message === undefined) {
        await drop(tx);
        return;
      }
      const { count } = await tx.query(
        `update messages set sender = $4, speaker = $5, author = $6, sent_at = $7 where ${unread}`,
        [ghost, roomId, eventId, message.sender, storable(message.speaker), message.author, message.sentAt],
      );
      const { body, attachment, encrypted } = message;
      if (count > 0) await rewriteMessage(tx, this.#seals, { ghost, roomId, eventId }, { body, attachment, encrypted });
    });
  }

  /**
   * Forgets a message that is stored only because of a reply, with the summaries that quote it, if the sender is its
   * own.
   */
  async unquote(tx: Queryable, { ghost, roomId, eventId, sender }: Omit<Edited, "encrypted">): Promise<void> {
    const where = "ghost = $1 and room_id = $2 and event_id = $3 and only_quoted and sender = $4";
    const values = [ghost, roomId, eventId, sender];
    const { rows } = await tx.query(`select from messages where ${where} for update`, values);
    if (rows.length === 0) return;
    await dropSummaries(tx, { ghost, roomId, eventId }, sender);
    await dropReadFile(tx, { ghost, eventId });
    await tx.query(`delete from messages where ${where}`, values);
  }
}
