import type { Queryable } from "../database/database.ts";
import { storable } from "../database/text.ts";
import type { Attachment } from "../matrix/attachments.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { Seal, SealedRow, Seals } from "../sealing/seals.ts";
import { dropReadFile } from "./read-files.ts";
import type { Edited, PlacedMessage, RememberedMessage } from "./remembered-message.ts";

/** The columns of `messages` that {@link openMessages} needs. */
export const COLUMNS =
  "event_id, author, sender, speaker, body, sent_at, attachment, sealed_by, came_encrypted, replies_to, coalesce(answers, position) as turn_position";

/** A row of `messages`, with sealed texts. */
export interface MessageRow extends SealedRow {
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

/** The texts of a message, sealed with one key. */
export interface SealedTexts {
  readonly body: string;
  readonly attachment: string | null;
}

/** Seals a message's texts. */
export function sealTexts(
  key: Seal,
  { ghost, eventId }: Pick<Edited, "ghost" | "eventId">,
  { body, attachment }: Pick<RememberedMessage, "body" | "attachment">,
): SealedTexts {
  return {
    body: key.seal(storable(body), ...contextOf("body", ghost, eventId)),
    attachment:
      attachment === undefined
        ? null
        : key.seal(storable(JSON.stringify(attachment)), ...contextOf("attachment", ghost, eventId)),
  };
}

/** Seals a whole message again, because it has one key. A message that came encrypted keeps that mark. */
export async function rewriteMessage(
  tx: Queryable,
  seals: Seals,
  { ghost, roomId, eventId }: Pick<Edited, "ghost" | "roomId" | "eventId">,
  said: Pick<RememberedMessage, "body" | "attachment" | "encrypted">,
): Promise<void> {
  const key = await seals.in(tx, { ghost, roomId });
  await dropReadFile(tx, { ghost, eventId });
  const { body, attachment } = sealTexts(key, { ghost, eventId }, said);
  await tx.query(
    `update messages set body = $3, attachment = $4, sealed_by = $5, came_encrypted = came_encrypted or $6
     where ghost = $1 and event_id = $2`,
    [ghost, eventId, body, attachment, key.id, said.encrypted],
  );
}

/** The opened messages, without those whose key was destroyed after they were read. */
export async function openMessages(
  seals: Seals,
  ghost: string,
  sealed: readonly MessageRow[],
  database?: Queryable,
): Promise<PlacedMessage[]> {
  const { rows, open } = await seals.open(sealed, database);
  return rows.flatMap((row) => {
    // A damaged message must not hide the others.
    const text = unlessBroken(() => ({
      body: open(row, row.body, ...contextOf("body", ghost, row.event_id)),
      attachment: row.attachment && open(row, row.attachment, ...contextOf("attachment", ghost, row.event_id)),
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

/** The context that what is said is sealed with: see sealing/sealed-text.ts. */
function contextOf(column: "body" | "attachment", ghost: string, eventId: string): string[] {
  return [`messages.${column}`, ghost, eventId];
}
