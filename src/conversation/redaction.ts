import type { Queryable } from "../database/database.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import { combined, type Outcome } from "../ghost/outcome.ts";
import type { GhostRedaction } from "../ghost/received.ts";
import { isRetryable } from "../observability/retryable.ts";
import { stopping } from "../turns/stopping.ts";
import { stepOf } from "../turns/turn.ts";
import { ANSWER_STEP, DRAFT_STEP } from "../turns/turn-runner.ts";
import type { ConversationOptions } from "./conversation-options.ts";

type RedactionOptions = Pick<ConversationOptions, "exchanges" | "forgetting" | "history" | "stopTurns" | "turns">;

/**
 * A message was deleted: it leaves no trace in what the agent remembers, its answer goes, and it is not answered if it has
 * not been yet.
 */
export async function redacted(
  options: RedactionOptions,
  ghost: GhostHandle,
  { roomId, target, sender }: GhostRedaction,
): Promise<Outcome> {
  const { forgetting, history, turns, exchanges } = options;
  const about = await turns.about(ghost.userId, roomId, target);
  const isQuestion = about?.turn.eventId === target;
  // Those of a question whose turn is long forgotten as well.
  const answers = new Set(await history.answersTo(ghost.userId, roomId, target));
  if (isQuestion) {
    const draft = about.isOpen ? await ghost.sent(roomId, stepOf(about.turn, DRAFT_STEP)) : undefined;
    if (draft !== undefined) answers.add(draft);
    // A notice of failure is no answer that is remembered.
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

/** An answer that the homeserver will never take back stays; it must not keep the question from being forgotten. */
async function takeBack(ghost: GhostHandle, roomId: string, eventId: string, step: string): Promise<void> {
  await ghost.redact(roomId, eventId, step).catch((error: unknown) => {
    if (isRetryable(error)) throw error;
    ghost.log.warn({ room: roomId, event: eventId, error }, "an answer could not be deleted");
  });
}
