import { ask, openChats } from "../asking.ts";
import { answerCosts, type AnswerCosts } from "../measuring/answer-costs.ts";
import { openStatements, STATEMENT_SETTINGS } from "../measuring/statements.ts";
import { startStage } from "../stage.ts";

/** An encrypted answer in a direct chat with this history. */
export interface AnswerAfter extends AnswerCosts {
  /** The questions and answers before it. */
  readonly messages: number;
}

/** The questions of one measurement. */
const QUESTIONS = 20;

/** Measures answers in one chat after these numbers of questions, in ascending order. */
export async function history(questionsBefore: readonly number[]): Promise<AnswerAfter[]> {
  const stage = await startStage({ agents: 1, postgresSettings: STATEMENT_SETTINGS });
  try {
    const statements = await openStatements(stage);
    const person = await stage.deployment.user("js-sdk", "person");
    const [chat] = await openChats(
      person,
      stage.names.map((name) => stage.deployment.agent(name)),
    );
    if (chat === undefined) throw new Error("there is no agent");
    const found: AnswerAfter[] = [];
    let asked = 0;
    for (const before of questionsBefore) {
      for (; asked < before; asked++) await ask(chat);
      found.push({ messages: asked * 2, ...(await answerCosts(stage, statements, () => ask(chat), QUESTIONS)) });
      asked += QUESTIONS;
    }
    await statements.close();
    return found;
  } finally {
    await stage.stop();
  }
}
