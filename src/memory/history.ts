import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { isStorable, storable } from "../database/text.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { SealedRow, Seals } from "../sealing/seals.ts";
import type { Attachment } from "../matrix/attachments.ts";
import { dropSummaries, forgetDropped } from "./dropped-summaries.ts";
import { dropReadFile } from "./read-files.ts";

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
  /** A file that came with it. */
  readonly attachment?: Attachment | undefined;
  /** The thread it stands in. */
  readonly threadRoot?: string | undefined;
  /** Whether it came encrypted, or was made of what did. */
  readonly encrypted: boolean;
  /** The event that it replies to; empty: one that the agent is not to read. */
  readonly repliesTo?: string | undefined;
  /** With a person's message: what a strict client shows beside it, when not all is well with it. */
  readonly shield?: string;
}

/** A message that was looked up. */
export interface FoundMessage extends RememberedMessage {
  /** Whether it is remembered for a reply to it alone, and stands in no conversation itself. */
  readonly isOnlyQuoted: boolean;
}

/** What somebody thinks of an answer. */
export interface Rating {
  readonly roomId: string;
  readonly answer: string;
  readonly sender: string;
  /** The reaction's event. */
  readonly reaction: string;
  readonly good: boolean;
}

/** The message that an edit is of. */
export interface Edited {
  readonly ghost: string;
  readonly roomId: string;
  readonly eventId: string;
  /** Who edits it: nobody can change another's words. */
  readonly sender: string;
  /** Whether the edit came encrypted. */
  readonly encrypted: boolean;
}

/** What agents remember of their rooms. */
export class History {
  readonly #database: Database;
  readonly #seals: Seals;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
  }

  /** Remembers a message and returns its position in the conversation. Saying it twice changes nothing. */
  async remember(tx: Queryable, ghost: string, roomId: string, message: RememberedMessage): Promise<number> {
    const key = await this.#seals.in(tx, { ghost, roomId });
    const { eventId, attachment } = message;
    const { rows } = await tx.query<{ position: number }>(
      `insert into messages (ghost, room_id, event_id, sender, speaker, author, body, sent_at, answers, shield,
         thread_root, attachment, sealed_by, came_encrypted, replies_to)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
       on conflict (ghost, event_id) do update set
         ${renewed("body", "attachment", "sealed_by")},
         ${onceQuoted("sender", "speaker", "author", "sent_at", "answers", "shield", "thread_root", "replies_to")},
         only_quoted = false,
         came_encrypted = messages.came_encrypted or excluded.came_encrypted
       returning position`,
      [
        ghost,
        roomId,
        eventId,
        message.sender,
        storable(message.speaker),
        message.author,
        key.seal(storable(message.body), ...placeOf("body", ghost, eventId)),
        message.sentAt,
        message.answers ?? null,
        message.shield ?? null,
        message.threadRoot ?? null,
        attachment === undefined
          ? null
          : key.seal(storable(JSON.stringify(attachment)), ...placeOf("attachment", ghost, eventId)),
        key.id,
        message.encrypted,
        message.repliesTo ?? null,
      ],
    );
    const position = rows[0]?.position;
    if (position === undefined) throw new Error("the message was not stored");
    return position;
  }

  /**
   * What is remembered of events of a room, in whichever conversation they stand, by their ids; also what is remembered only
   * because it was replied to.
   */
  async find(ghost: string, roomId: string, eventIds: readonly string[]): Promise<Map<string, FoundMessage>> {
    const known = eventIds.filter((eventId) => eventId !== "" && isStorable(eventId));
    if (known.length === 0) return new Map();
    const { rows } = await this.#database.query<MessageRow & { only_quoted: boolean }>(
      `select ${COLUMNS}, only_quoted from messages where ghost = $1 and room_id = $2 and sender <> ''
         and event_id in (select json_array_elements_text($3::json))`,
      [ghost, roomId, JSON.stringify(known)],
    );
    const quoted = new Set(rows.filter((row) => row.only_quoted).map((row) => row.event_id));
    return new Map(
      (await this.#open(ghost, rows)).map((message) => [
        message.eventId,
        { ...message, isOnlyQuoted: quoted.has(message.eventId) },
      ]),
    );
  }

  /**
   * Remembers a message because somebody replied to it, unless it is remembered already. Its row is there before it is read,
   * so that a deletion in the meantime is not missed: then, and where there is nothing to read, nothing stays.
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
        [ghost, roomId, eventId, key.seal("", ...placeOf("body", ghost, eventId)), Date.now(), key.id],
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
      if (count > 0) await this.#write(tx, { ghost, roomId, eventId }, { body: storable(body), attachment, encrypted });
    });
  }

  /** Forgets a message that is remembered for a reply to it alone, with the summaries that quote it, where it is its sender's. */
  async unquote(tx: Queryable, { ghost, roomId, eventId, sender }: Omit<Edited, "encrypted">): Promise<void> {
    const where = "ghost = $1 and room_id = $2 and event_id = $3 and only_quoted and sender = $4";
    const values = [ghost, roomId, eventId, sender];
    const { rows } = await tx.query(`select from messages where ${where} for update`, values);
    if (rows.length === 0) return;
    await dropSummaries(tx, { ghost, roomId, eventId }, sender);
    await dropReadFile(tx, { ghost, eventId });
    await tx.query(`delete from messages where ${where}`, values);
  }

  /**
   * Changes what is remembered of a message that its sender has edited. False when it says what it said before.
   *
   * @param asked with one that is a question only now: what belongs to it, for of what was overheard less is remembered.
   */
  async edit(
    tx: Queryable,
    { ghost, roomId, eventId, sender, encrypted }: Edited,
    body: string,
    asked?: Pick<RememberedMessage, "attachment" | "threadRoot" | "repliesTo">,
  ): Promise<boolean> {
    if (!isStorable(eventId)) return false;
    const { rows } = await tx.query<MessageRow>(
      `select ${COLUMNS} from messages where ghost = $1 and room_id = $2 and event_id = $3 and sender = $4 for update`,
      [ghost, roomId, eventId, sender],
    );
    const [before] = await this.#open(ghost, rows, tx);
    if (before === undefined) return false;
    if (asked === undefined && before.body === storable(body)) return false;
    await dropSummaries(tx, { ghost, roomId, eventId }, sender);
    if (asked !== undefined) {
      await tx.query(
        "update messages set thread_root = $4, replies_to = $5 where ghost = $1 and room_id = $2 and event_id = $3",
        [ghost, roomId, eventId, asked.threadRoot ?? null, asked.repliesTo ?? null],
      );
    }
    const { attachment } = asked ?? before;
    await this.#write(tx, { ghost, roomId, eventId }, { body: storable(body), attachment, encrypted });
    return true;
  }

  /** Puts what was said in a recording in its place. */
  async transcribed(ghost: string, roomId: string, eventId: string, body: string): Promise<void> {
    await this.#database.transaction((tx) =>
      this.#write(tx, { ghost, roomId, eventId }, { body: storable(body), attachment: undefined, encrypted: false }),
    );
  }

  /** Seals a message anew: all of it, since it has one key. What came encrypted before stays so. */
  async #write(
    tx: Queryable,
    { ghost, roomId, eventId }: Pick<Edited, "ghost" | "roomId" | "eventId">,
    { body, attachment, encrypted }: Pick<RememberedMessage, "body" | "attachment" | "encrypted">,
  ): Promise<void> {
    const key = await this.#seals.in(tx, { ghost, roomId });
    await dropReadFile(tx, { ghost, eventId });
    await tx.query(
      `update messages set body = $3, attachment = $4, sealed_by = $5, came_encrypted = came_encrypted or $6
       where ghost = $1 and event_id = $2`,
      [
        ghost,
        eventId,
        key.seal(body, ...placeOf("body", ghost, eventId)),
        attachment === undefined
          ? null
          : key.seal(storable(JSON.stringify(attachment)), ...placeOf("attachment", ghost, eventId)),
        key.id,
        encrypted,
      ],
    );
  }

  /** Messages as they were said, without those whose key was destroyed since they were read. */
  async #open(
    ghost: string,
    sealed: readonly MessageRow[],
    database?: Queryable,
  ): Promise<(RememberedMessage & { readonly turnPosition: number })[]> {
    const { rows, open } = await this.#seals.open(sealed, database);
    return rows.flatMap((row) => {
      // One that is damaged is no reason to forget the others.
      const text = unlessBroken(() => ({
        body: open(row, row.body, ...placeOf("body", ghost, row.event_id)),
        attachment: row.attachment && open(row, row.attachment, ...placeOf("attachment", ghost, row.event_id)),
      }));
      if (text === undefined) return [];
      return {
        eventId: row.event_id,
        author: row.author,
        sender: row.sender,
        speaker: row.speaker,
        body: text.body,
        sentAt: row.sent_at,
        encrypted: row.came_encrypted,
        ...(text.attachment === null ? {} : { attachment: JSON.parse(text.attachment) as Attachment }),
        ...(row.replies_to === null ? {} : { repliesTo: row.replies_to }),
        turnPosition: row.turn_position,
      };
    });
  }

  /** Keeps messages from being changed until the transaction ends. Returns those that have been, or are gone. */
  async hold<M extends Pick<RememberedMessage, "eventId" | "body">>(
    tx: Queryable,
    ghost: string,
    messages: readonly M[],
  ): Promise<M[]> {
    const { rows } = await tx.query<MessageRow>(
      `select ${COLUMNS} from messages where ghost = $1
         and event_id in (select json_array_elements_text($2::json)) for share`,
      [ghost, JSON.stringify(messages.map(({ eventId }) => eventId))],
    );
    const bodies = new Map((await this.#open(ghost, rows, tx)).map(({ eventId, body }) => [eventId, body]));
    return messages.filter(({ eventId, body }) => bodies.get(eventId) !== body);
  }

  /** The events with which a ghost has answered a question, in order. */
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

  /** Keeps what somebody thinks of an answer. */
  async rate(tx: Queryable, ghost: string, { roomId, answer, sender, reaction, good }: Rating): Promise<void> {
    await tx.query(
      `insert into feedback (ghost, room_id, event_id, sender, reaction, good) values ($1, $2, $3, $4, $5, $6)
       on conflict do nothing`,
      [ghost, roomId, answer, sender, reaction, good],
    );
  }

  /**
   * Forgets a redacted message with what answered it, or a rating that was taken back.
   *
   * @param by who deleted it, by a redaction that the homeserver let through: it holds back those that do not count.
   */
  async forget(tx: Queryable, ghost: string, roomId: string, eventId: string, by: string): Promise<void> {
    if (!isStorable(eventId)) return;
    await tx.query("delete from feedback where ghost = $1 and reaction = $2", [ghost, eventId]);
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

  /** Forgets a room: what was said and summed up, and what people thought of the answers. */
  async forgetAll(tx: Queryable, ghost: string, roomId: string): Promise<void> {
    await tx.query("delete from feedback where ghost = $1 and room_id = $2", [ghost, roomId]);
    await tx.query("delete from messages where ghost = $1 and room_id = $2", [ghost, roomId]);
    // After the messages: one that is just being stored holds them, and is there by now.
    await tx.query("delete from summaries where ghost = $1 and room_id = $2", [ghost, roomId]);
    await forgetDropped(tx, ghost, roomId);
    await this.#seals.destroy(tx, { ghost, roomId });
  }

  /**
   * Forgets what was said in a room before a time, by the senders' clocks or by the day on which it came, with what answered
   * it and what sums it up. Returns how many messages.
   */
  async expire(roomId: string, before: Date): Promise<number> {
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
         where room_id = $1 and replies_to in (select json_array_elements_text($2::json))`,
        [roomId, JSON.stringify(rows.map((row) => row.event_id))],
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

  /** What people said last, to a ghost or in its hearing, newest first. */
  async lastWords(ghost: string, roomId: string, limit: number): Promise<string[]> {
    const { rows } = await this.#database.query<MessageRow>(
      `select ${COLUMNS} from messages where ghost = $1 and room_id = $2 and author = 'person' and not only_quoted
       order by coalesce(answers, position) desc, position desc limit $3`,
      [ghost, roomId, limit],
    );
    return (await this.#open(ghost, rows)).map(({ body }) => body);
  }

  /** Whether somebody said a message that is remembered. */
  async isSentBy({ ghost, roomId, eventId, sender }: Omit<Edited, "encrypted">): Promise<boolean> {
    if (!isStorable(eventId)) return false;
    const { count } = await this.#database.query(
      "select from messages where ghost = $1 and room_id = $2 and event_id = $3 and sender = $4",
      [ghost, roomId, eventId, sender],
    );
    return count > 0;
  }

  /** Whether an event is a message of any agent's in the room. */
  async isAgents(roomId: string, eventId: string): Promise<boolean> {
    if (!isStorable(eventId)) return false;
    const { count } = await this.#database.query(
      "select 1 from messages where room_id = $1 and event_id = $2 and author = 'agent'",
      [roomId, eventId],
    );
    return count > 0;
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
   * right behind its question, so that questions asked meanwhile do not come between. A thread is a conversation of its
   * own, which begins with what it hangs on: a question with its answer, or the other way round.
   *
   * @param options.after the position up to which it is left out.
   * @param options.withAnswer whether what was answered to that question before belongs to it.
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
    return this.#open(ghost, rows.reverse());
  }

  /** A conversation from a position on, oldest first, `limit` messages at the most, each with its place in the order. */
  async since(
    {
      ghost,
      roomId,
      threadRoot,
    }: { readonly ghost: string; readonly roomId: string; readonly threadRoot: string | undefined },
    after: number,
    limit: number,
  ): Promise<(RememberedMessage & { readonly turnPosition: number })[]> {
    const { rows } = await this.#database.query<MessageRow>(
      `select ${COLUMNS} from messages where ghost = $1 and room_id = $2 and thread_root is not distinct from $3
         and not only_quoted and coalesce(answers, position) > $4
       order by coalesce(answers, position), position limit $5`,
      [ghost, roomId, threadRoot ?? null, after, limit],
    );
    return this.#open(ghost, rows);
  }
}

const COLUMNS =
  "event_id, author, sender, speaker, body, sent_at, attachment, sealed_by, came_encrypted, replies_to, coalesce(answers, position) as turn_position";

interface MessageRow extends SealedRow {
  event_id: string;
  author: "person" | "agent";
  sender: string;
  speaker: string;
  body: string;
  sent_at: number;
  attachment: string | null;
  came_encrypted: boolean;
  replies_to: string | null;
  turn_position: number;
}

/** What is said anew by an agent takes the place of what it said, and of what was remembered only to be quoted. */
function renewed(...columns: readonly string[]): string {
  return columns
    .map(
      (column) =>
        `${column} = case when messages.author = 'agent' or messages.only_quoted then excluded.${column} else messages.${column} end`,
    )
    .join(", ");
}

/** What was remembered only to be quoted becomes a message like others. */
function onceQuoted(...columns: readonly string[]): string {
  return columns
    .map((column) => `${column} = case when messages.only_quoted then excluded.${column} else messages.${column} end`)
    .join(", ");
}

/** Where what is said stands sealed. */
function placeOf(column: "body" | "attachment", ghost: string, eventId: string): string[] {
  return [`messages.${column}`, ghost, eventId];
}

/** Forgets what people thought of answers that are not remembered any more. Returns how many rows. */
export function pruneFeedback(database: Database, signal?: AbortSignal): Promise<number> {
  const where = `not exists (select from messages where messages.ghost = feedback.ghost
    and messages.event_id = feedback.event_id)`;
  return deleteInBatches(database, { from: "feedback", where }, signal);
}
