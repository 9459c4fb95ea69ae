import { ask, openChats } from "../asking.ts";
import { chatOf, onMeasuredStage } from "../measured-stage.ts";
import { answerCosts, type AnswerCosts } from "../measuring/answer-costs.ts";

/** An encrypted answer of an agent that has answered in this many rooms. */
export interface AnswerInRooms extends AnswerCosts {
  readonly rooms: number;
}

/** The questions of one measurement. */
const QUESTIONS = 20;

/** Measures answers in the agent's first room, when it is in these numbers of encrypted rooms, in ascending order. */
export function rooms(sizes: readonly number[]): Promise<AnswerInRooms[]> {
  return onMeasuredStage(async (on) => {
    const chat = await chatOf(on, "person");
    await ask(chat);
    const found: AnswerInRooms[] = [];
    let made = 1;
    for (const size of sizes) {
      for (; made < size; made++) for (const another of await openChats(chat.person, [on.agent])) await ask(another);
      found.push({ rooms: made, ...(await answerCosts(on, () => ask(chat), QUESTIONS)) });
    }
    return found;
  });
}
