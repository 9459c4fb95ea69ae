import type { Database, Queryable } from "../database/database.ts";
import { isStorable } from "../database/text.ts";
import type { Seals } from "../sealing/seals.ts";
import type { Edited, FoundMessage, PlacedMessage, RememberedMessage } from "./remembered-message.ts";
import { COLUMNS, openMessages, type MessageRow } from "./sealed-messages.ts";

/** Reads the agents' memory of their rooms. */
export class HistoryReader {
  readonly #database: Database;
  readonly #seals: Seals;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
  }

  /**
   * The conversation up to and including the question at a position, oldest first, at most `limit` messages. An answer
   * stands directly after its question, so that questions asked meanwhile do not come between. A thread is a separate
   * conversation, which begins with its root: a question with its answer, or the other way round.
   *
   * @param options.after the position up to which messages are left out.
   * @param options.withAnswer whether an earlier answer to that question is included.
   */
  async upTo(
    ghost: string,
    roomId: string,
    position: number,
    limit: number,
    {
      withAnswer = false,
      threadRoot,
      after = 0,
    }: { readonly withAnswer?: boolean; readonly threadRoot?: string | undefined; readonly after?: number } = {},
  ): Promise<RememberedMessage[]> {
    const { rows } = await this.#database.query<MessageRow>(
      `with root as (select position, answers from messages where ghost = $1 and room_id = $2 and event_id = $6)
       select ${COLUMNS} from messages
       where ghost = $1 and room_id = $2 and not only_quoted
         and coalesce(answers, position) <= $3 and coalesce(answers, position) > $7
         and ($5 or answers is null or answers < $3)
         and (thread_root is not distinct from $6 or event_id = $6
           or position in (select answers from root) or answers in (select position from root))
       order by coalesce(answers, position) desc, position desc limit $4`,
      [ghost, roomId, position, limit, withAnswer, threadRoot ?? null, after],
    );
    return openMessages(this.#seals, ghost, rows.reverse());
  }

  /** A conversation from a position on, oldest first, at most `limit` messages, each with its position. */
  async since(
    {
      ghost,
      roomId,
      threadRoot,
    }: { readonly ghost: string; readonly roomId: string; readonly threadRoot: string | undefined },
    after: number,
    limit: number,
  ): Promise<PlacedMessage[]> {
    const { rows } = await this.#database.query<MessageRow>(
      `select ${COLUMNS} from messages where ghost = $1 and room_id = $2 and thread_root is not distinct from $3
         and not only_quoted and coalesce(answers, position) > $4
       order by coalesce(answers, position), position limit $5`,
      [ghost, roomId, threadRoot ?? null, after, limit],
    );
    return openMessages(this.#seals, ghost, rows);
  }

  /**
   * The remembered messages among events of a room, in any conversation, by id; including those remembered only because
   * somebody replied to them.
   */
  async find(ghost: string, roomId: string, eventIds: readonly string[]): Promise<Map<string, FoundMessage>> {
    const known = eventIds.filter((eventId) => eventId !== "" && isStorable(eventId));
    if (known.length === 0) return new Map();
    const { rows } = await this.#database.query<MessageRow & { only_quoted: boolean }>(
      `select ${COLUMNS}, only_quoted from messages where ghost = $1 and room_id = $2 and sender <> ''
         and event_id = any($3::text[])`,
      [ghost, roomId, known],
    );
    const quoted = new Set(rows.filter((row) => row.only_quoted).map((row) => row.event_id));
    return new Map(
      (await openMessages(this.#seals, ghost, rows)).map((message) => [
        message.eventId,
        { ...message, isOnlyQuoted: quoted.has(message.eventId) },
      ]),
    );
  }

  /** A ghost's answers to a question, as events, in order. */
  async answersTo(ghost: string, roomId: string, eventId: string): Promise<string[]> {
    if (!isStorable(eventId)) return [];
    const { rows } = await this.#database.query<{ event_id: string }>(
      `select answer.event_id from messages answer join messages question
         on question.position = answer.answers and question.ghost = answer.ghost
       where answer.ghost = $1 and answer.room_id = $2 and question.event_id = $3 order by answer.position`,
      [ghost, roomId, eventId],
    );
    return rows.map((row) => row.event_id);
  }

  /** People's latest messages, to a ghost or overheard by it, newest first. */
  async lastWords(
    ghost: string,
    roomId: string,
    limit: number,
    database: Queryable = this.#database,
  ): Promise<string[]> {
    const { rows } = await database.query<MessageRow>(
      `select ${COLUMNS} from messages where ghost = $1 and room_id = $2 and author = 'person' and not only_quoted
       order by coalesce(answers, position) desc, position desc limit $3`,
      [ghost, roomId, limit],
    );
    return (await openMessages(this.#seals, ghost, rows, database)).map(({ body }) => body);
  }

  /** Locks messages against changes until the transaction ends. Returns those that were changed or deleted before. */
  async hold<M extends Pick<RememberedMessage, "eventId" | "body">>(
    tx: Queryable,
    ghost: string,
    messages: readonly M[],
  ): Promise<M[]> {
    const { rows } = await tx.query<MessageRow>(
      `select ${COLUMNS} from messages where ghost = $1
         and event_id = any($2::text[]) for share`,
      [ghost, messages.map(({ eventId }) => eventId)],
    );
    const bodies = new Map(
      (await openMessages(this.#seals, ghost, rows, tx)).map(({ eventId, body }) => [eventId, body]),
    );
    return messages.filter(({ eventId, body }) => bodies.get(eventId) !== body);
  }

  /** Whether a user wrote a remembered message. */
  async isSentBy({ ghost, roomId, eventId, sender }: Omit<Edited, "encrypted">): Promise<boolean> {
    if (!isStorable(eventId)) return false;
    const { count } = await this.#database.query(
      "select from messages where ghost = $1 and room_id = $2 and event_id = $3 and sender = $4",
      [ghost, roomId, eventId, sender],
    );
    return count > 0;
  }

  /** Whether an event is any agent's message in the room. */
  async isAgents(roomId: string, eventId: string): Promise<boolean> {
    if (!isStorable(eventId)) return false;
    const { count } = await this.#database.query(
      "select 1 from messages where room_id = $1 and event_id = $2 and author = 'agent'",
      [roomId, eventId],
    );
    return count > 0;
  }

  /** Whether an event is the ghost's own message in the room. */
  async isOwn(ghost: string, roomId: string, eventId: string): Promise<boolean> {
    if (!isStorable(eventId)) return false;
    const { count } = await this.#database.query(
      "select 1 from messages where ghost = $1 and room_id = $2 and event_id = $3 and author = 'agent'",
      [ghost, roomId, eventId],
    );
    return count > 0;
  }
}
