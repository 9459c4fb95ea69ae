import type { Queryable } from "../database/database.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import { combined, type Outcome } from "../ghost/outcome.ts";
import type { GhostRedaction } from "../ghost/received.ts";
import { isRetryable } from "../observability/retryable.ts";
import { stopping } from "../turns/stopping.ts";
import { stepOf } from "../turns/turn.ts";
import { ANSWER_STEP, DRAFT_STEP } from "../turns/turn-runner.ts";
import type { ConversationOptions } from "./conversation-options.ts";

type RedactionOptions = Pick<
  ConversationOptions,
  "exchanges" | "forgetting" | "history" | "waitsStopped" | "stopTurns" | "turns"
>;

/** Handles a deleted message: the agent forgets it, deletes its answer, and does not answer it any more. */
export async function redacted(
  options: RedactionOptions,
  ghost: GhostHandle,
  { roomId, target, sender }: GhostRedaction,
): Promise<Outcome> {
  const { forgetting, history, turns, exchanges } = options;
  const about = await turns.about(ghost.userId, roomId, target);
  const isQuestion = about?.turn.eventId === target;
  // Also the answers to a question whose turn is long forgotten.
  const answers = new Set(await history.answersTo(ghost.userId, roomId, target));
  if (isQuestion) {
    const draft = about.isOpen ? await ghost.sent(roomId, stepOf(about.turn, DRAFT_STEP)) : undefined;
    if (draft !== undefined) answers.add(draft);
    for (const said of await turns.waiting.saidBeside(ghost.userId, roomId, target)) answers.add(said);
    // A notice of failure is not a remembered answer.
    for (let round = 0; round <= about.turn.round; round++) {
      const said = await ghost.sent(roomId, stepOf({ eventId: target, round }, ANSWER_STEP));
      if (said !== undefined) answers.add(said);
    }
  }
  for (const answer of answers) {
    await takeBack(ghost, roomId, answer, `${target} deleted ${answer}`);
  }
  const store = async (tx: Queryable): Promise<void> => {
    await exchanges.forget(tx, roomId, target);
    await forgetting.message(tx, ghost.userId, roomId, target, sender);
  };
  if (!isQuestion) return { store };
  const which = { ghost: ghost.userId, roomId, eventId: target };
  return combined(stopping(options, which, { keeps: false }), { store });
}

/** An answer that the homeserver refuses to delete stays; the question must still be forgotten. */
async function takeBack(ghost: GhostHandle, roomId: string, eventId: string, step: string): Promise<void> {
  await ghost.redact(roomId, eventId, step).catch((error: unknown) => {
    if (isRetryable(error)) throw error;
    ghost.log.warn({ room: roomId, event: eventId, error }, "an answer could not be deleted");
  });
}
