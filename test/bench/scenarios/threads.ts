import { ask } from "../asking.ts";
import { onMeasuredStage } from "../measured-stage.ts";
import { answerCosts, type AnswerCosts } from "../measuring/answer-costs.ts";

/** An encrypted answer in a new thread of a room that has this many already. */
export interface AnswerBesideThreads extends AnswerCosts {
  readonly threads: number;
}

/** The questions of one measurement, each of which makes a thread. */
const QUESTIONS = 20;

/** Measures answers in a room in which each question begins a thread, after these numbers of them, in ascending order. */
export function threads(before: readonly number[]): Promise<AnswerBesideThreads[]> {
  return onMeasuredStage(async (on) => {
    const { agent, stage } = on;
    const person = await stage.deployment.user("js-sdk", "person");
    const other = await stage.deployment.user("js-sdk", "other");
    const roomId = await person.createRoom({ invite: [agent, other.userId] });
    await person.waitMember(roomId, agent, "join", 60_000);
    await person.sendText({ roomId, body: "!threads on", mentions: [agent] });
    await person.waitMessage({ roomId, sender: agent });
    const question = (): Promise<number> => ask({ person, roomId, agent }, { mention: true });
    const found: AnswerBesideThreads[] = [];
    let made = 0;
    for (const count of before) {
      for (; made < count; made++) await question();
      found.push({ threads: made, ...(await answerCosts(on, question, QUESTIONS)) });
      made += QUESTIONS;
    }
    return found;
  });
}
