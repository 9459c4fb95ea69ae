import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";

/** A person's rating of an answer. */
export interface Rating {
  readonly roomId: string;
  readonly answer: string;
  readonly sender: string;
  /** The reaction's event. */
  readonly reaction: string;
  readonly good: boolean;
}

/** Stores a person's rating of an answer. */
export async function rateAnswer(
  tx: Queryable,
  ghost: string,
  { roomId, answer, sender, reaction, good }: Rating,
): Promise<void> {
  await tx.query(
    `insert into feedback (ghost, room_id, event_id, sender, reaction, good) values ($1, $2, $3, $4, $5, $6)
     on conflict do nothing`,
    [ghost, roomId, answer, sender, reaction, good],
  );
}

/** Deletes a rating whose reaction was deleted. */
export async function forgetRating(tx: Queryable, ghost: string, reaction: string): Promise<void> {
  await tx.query("delete from feedback where ghost = $1 and reaction = $2", [ghost, reaction]);
}

/** Deletes the ratings of an agent's answers in a room. */
export async function forgetRatings(tx: Queryable, ghost: string, roomId: string): Promise<void> {
  await tx.query("delete from feedback where ghost = $1 and room_id = $2", [ghost, roomId]);
}

/** Deletes ratings of forgotten answers. Returns the number of rows. */
export function pruneFeedback(database: Database, signal?: AbortSignal): Promise<number> {
  const where = `not exists (select from messages where messages.ghost = feedback.ghost
    and messages.event_id = feedback.event_id)`;
  return deleteInBatches(database, { from: "feedback", where }, signal);
}
