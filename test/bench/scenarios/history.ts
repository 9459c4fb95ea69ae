import { ask } from "../asking.ts";
import { chatOf, onMeasuredStage } from "../measured-stage.ts";
import { answerCosts, type AnswerCosts } from "../measuring/answer-costs.ts";

/** An encrypted answer in a direct chat with this history. */
export interface AnswerAfter extends AnswerCosts {
  /** The questions and answers before it. */
  readonly messages: number;
}

/** The questions of one measurement. */
const QUESTIONS = 20;

/** Measures answers in one chat after these numbers of questions, in ascending order. */
export function history(questionsBefore: readonly number[]): Promise<AnswerAfter[]> {
  return onMeasuredStage(async (on) => {
    const chat = await chatOf(on, "person");
    const found: AnswerAfter[] = [];
    let asked = 0;
    for (const before of questionsBefore) {
      for (; asked < before; asked++) await ask(chat);
      found.push({ messages: asked * 2, ...(await answerCosts(on, () => ask(chat), QUESTIONS)) });
      asked += QUESTIONS;
    }
    return found;
  });
}
