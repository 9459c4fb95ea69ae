import type { ChatUsage } from "./provider.ts";

/** No window has more tokens, so a larger number was not counted. */
const MOST_TOKENS = 100_000_000;

/** A server's count for the prompt or the answer; undefined where its number is no count. */
export function usageOf(promptTokens: unknown, answerTokens: unknown): ChatUsage | undefined {
  return isCount(promptTokens) && isCount(answerTokens) ? { promptTokens, answerTokens } : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= MOST_TOKENS;
}
