import type { Command } from "./command.ts";
import { notNowInWords } from "./not-now.ts";

/** Shows that a question is asked again; the answer follows. */
const AGAIN = "🔁";

export const retry: Command = {
  name: "retry",
  group: "everyday",
  meaning: (words) => words.commands.retry.meaning,
  carryOut: async ({ turns, admission, turnQueued }, { ghost, message, agentName, words }) => {
    const question = await turns.lastQuestion(ghost.userId, message.roomId, message.sender);
    if (question === undefined) return { words: words.commands.retry.nothing };
    if (question.isOpen) return { words: words.commands.retry.notDoneYet };
    const notNow = await admission.check(question.turn);
    if (notNow !== undefined) return { words: notNowInWords(words, agentName, notNow) };
    return {
      reaction: AGAIN,
      store: async (tx) => {
        await admission.take(tx, question.turn);
        await turns.enqueueAgain(tx, ghost.userId, question.turn.eventId, "again");
      },
      after: turnQueued,
    };
  },
};
