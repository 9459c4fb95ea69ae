import { lastLines, type Process } from "../../support/process.ts";

/** Resolves when a bot says that it is ready. Throws with its last words when it ends. */
export async function ready(bot: Process): Promise<void> {
  const heard = new Promise<true>((resolve) => {
    bot.onLine((line) => {
      if (line === "ready") resolve(true);
    });
  });
  if ((await Promise.race([heard, bot.exited])) !== true) throw new Error(`a bot ended:\n${lastLines(bot)}`);
}
