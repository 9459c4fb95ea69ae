import type { Words } from "../language/words.ts";
import type { NotNow } from "../turns/admission.ts";

/** The reason why a command can ask nothing now. Nothing was asked: the same command tries again. */
export function notNowInWords(words: Words, agent: string, notNow: NotNow): string {
  if (notNow.why === "paused") return words.paused(agent);
  if (notNow.why === "full") return words.tooManyWait(agent);
  return words.tooMany(agent, notNow.kind, Math.ceil(notNow.waitMs / 60_000), false);
}
