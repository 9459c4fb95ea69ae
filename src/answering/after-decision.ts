import type { Queryable } from "../database/database.ts";
import type { Words } from "../language/words.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import { targetOf } from "./answer-messages.ts";
import type { FailureNotices } from "./failure-notices.ts";

/**
 * Handles a room's decision about the questions that waited for it: they are asked, as many as may wait, or dropped.
 * When some find no place, one notice says so, in reply to the first of them; a reaction asks each again.
 */
export async function afterDecision(
  tx: Queryable,
  where: { readonly ghost: string; readonly roomId: string; readonly target: string },
  granted: boolean,
  {
    turns,
    limits,
    failureNotices,
    words,
  }: {
    readonly turns: TurnStore;
    readonly limits: () => { readonly maxQueued: number };
    readonly failureNotices: FailureNotices;
    readonly words: Words;
  },
): Promise<void> {
  const { maxQueued } = limits();
  const [first] = await turns.consent.consented(tx, where, granted ? { maxQueued } : "declined");
  if (first === undefined) return;
  await turns.declineAgain(tx, first, failureNotices.failed(first, "full", words, targetOf(first)));
}
