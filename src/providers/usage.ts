import type { ChatUsage } from "./provider.ts";

/** More tokens than any window has: what is over it was not counted. */
const MOST_TOKENS = 100_000_000;

/** What a server says that it counted; undefined where that is no count, of the prompt or of the answer. */
export function usageOf(promptTokens: unknown, answerTokens: unknown): ChatUsage | undefined {
  return isCount(promptTokens) && isCount(answerTokens) ? { promptTokens, answerTokens } : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= MOST_TOKENS;
}
