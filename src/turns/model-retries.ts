import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs } from "../concurrency/backoff.ts";
import type { Logger } from "../observability/log.ts";
import type { CallsWanted } from "./step-loop.ts";
import type { AnswerAttempt, Asking } from "./turn-work.ts";
import { idsOfTurn, type Turn, type TurnReply } from "./turn.ts";

/** The first and the longest pause between attempts at an unreachable model server, in ms. */
const MODEL_RETRY = { firstMs: 500, longestMs: 8_000 };

/**
 * Asks the model of a turn, repeatedly until the deadline while its server is away. Returns the last attempt with its
 * result.
 *
 * @param deadline by performance.now().
 * @param again makes the next attempt.
 */
export async function askUntil(
  deadline: number,
  turn: Turn,
  first: AnswerAttempt,
  asking: Asking,
  again: { readonly attempt: () => Promise<AnswerAttempt>; readonly log: Logger },
): Promise<{ readonly attempt: AnswerAttempt; readonly got: TurnReply | CallsWanted }> {
  let attempt = first;
  for (let failures = 0; ; failures++) {
    const got = await attempt.respond(asking);
    const pauseMs = backoffMs(failures, MODEL_RETRY);
    if (got.outcome !== "failed" || got.retry !== true || performance.now() + pauseMs > deadline)
      return { attempt, got };
    again.log.info({ ...idsOfTurn(turn), failure: got.failure, waitMs: pauseMs }, "the model is asked again soon");
    await sleep(pauseMs, undefined, { signal: asking.signal });
    attempt = await again.attempt();
  }
}
