import type { Database, Queryable } from "../database/database.ts";
import { isStorable, storable } from "../database/text.ts";
import type { Seal, Seals } from "../sealing/seals.ts";
import { dropSummaries } from "./dropped-summaries.ts";
import { HistoryReader } from "./history-reader.ts";
import type { Edited, RememberedMessage } from "./remembered-message.ts";
import { COLUMNS, openMessages, rewriteMessage, sealTexts, type MessageRow } from "./sealed-messages.ts";

/** The agents' memory of their rooms. */
export class History extends HistoryReader {
  readonly #database: Database;
  readonly #seals: Seals;

  constructor(database: Database, seals: Seals) {
    super(database, seals);
    this.#database = database;
    this.#seals = seals;
  }

  /** Stores a message and returns its position in the conversation. A repeat changes nothing. */
  async remember(tx: Queryable, ghost: string, roomId: string, message: RememberedMessage): Promise<number> {
    const remember = await this.remembering(tx, ghost, roomId);
    return remember(message);
  }

  /** Makes ready to store messages: the returned function stores one, and starts its only statement at once. */
  async remembering(
    tx: Queryable,
    ghost: string,
    roomId: string,
  ): Promise<(message: RememberedMessage) => Promise<number>> {
    const key = await this.#seals.in(tx, { ghost, roomId });
    return (message) => insertMessage(tx, key, { ghost, roomId }, message);
  }
  /**
   * Changes a remembered message that its sender has edited. False when its words are the same.
   *
   * @param asked for a message that is a question only now: its further fields, because less is stored of overheard
   * messages.
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
    const [before] = await openMessages(this.#seals, ghost, rows, tx);
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
    await rewriteMessage(tx, this.#seals, { ghost, roomId, eventId }, { body, attachment, encrypted });
    return true;
  }

  /** Replaces a message by what it stands for: a recording by its words, the choice of a prompt by the prompt. */
  async reworded(ghost: string, roomId: string, eventId: string, body: string): Promise<void> {
    await this.#database.transaction((tx) =>
      rewriteMessage(tx, this.#seals, { ghost, roomId, eventId }, { body, attachment: undefined, encrypted: false }),
    );
  }
}

async function insertMessage(
  tx: Queryable,
  key: Seal,
  { ghost, roomId }: { readonly ghost: string; readonly roomId: string },
  message: RememberedMessage,
): Promise<number> {
  const { eventId } = message;
  const { body, attachment } = sealTexts(key, { ghost, eventId }, message);
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
      body,
      message.sentAt,
      message.answers ?? null,
      message.shield ?? null,
      message.threadRoot ?? null,
      attachment,
      key.id,
      message.encrypted,
      message.repliesTo ?? null,
    ],
  );
  const position = rows[0]?.position;
  if (position === undefined) throw new Error("the message was not stored");
  return position;
}

/** An agent's repeated message replaces its former one, and a copy that was stored only as a quotation. */
function renewed(...columns: readonly string[]): string {
  return columns
    .map(
      (column) =>
        `${column} = case when messages.author = 'agent' or messages.only_quoted then excluded.${column} else messages.${column} end`,
    )
    .join(", ");
}

/** A message that was stored only as a quotation becomes an ordinary one. */
function onceQuoted(...columns: readonly string[]): string {
  return columns
    .map((column) => `${column} = case when messages.only_quoted then excluded.${column} else messages.${column} end`)
    .join(", ");
}
