import { ask, openChats } from "../asking.ts";
import { answerCosts, type AnswerCosts } from "../measuring/answer-costs.ts";
import { openStatements, STATEMENT_SETTINGS } from "../measuring/statements.ts";
import { startStage } from "../stage.ts";

/** An encrypted answer of an agent that has answered in this many rooms. */
export interface AnswerInRooms extends AnswerCosts {
  readonly rooms: number;
}

/** The questions of one measurement. */
const QUESTIONS = 20;

/** Measures answers in the agent's first room, when it is in these numbers of encrypted rooms, in ascending order. */
export async function rooms(sizes: readonly number[]): Promise<AnswerInRooms[]> {
  const stage = await startStage({ agents: 1, postgresSettings: STATEMENT_SETTINGS });
  try {
    const statements = await openStatements(stage);
    const person = await stage.deployment.user("js-sdk", "person");
    const agents = stage.names.map((name) => stage.deployment.agent(name));
    const [chat] = await openChats(person, agents);
    if (chat === undefined) throw new Error("there is no agent");
    await ask(chat);
    const found: AnswerInRooms[] = [];
    let made = 1;
    for (const size of sizes) {
      for (; made < size; made++) for (const another of await openChats(person, agents)) await ask(another);
      found.push({ rooms: made, ...(await answerCosts(stage, statements, () => ask(chat), QUESTIONS)) });
    }
    await statements.close();
    return found;
  } finally {
    await stage.stop();
  }
}
