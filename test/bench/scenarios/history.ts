import { setTimeout as sleep } from "node:timers/promises";
import { ask, openChats } from "../asking.ts";
import { median } from "../measuring/median.ts";
import { cpuOf, processes } from "../measuring/processes.ts";
import { startStage } from "../stage.ts";

/** An encrypted answer in a direct chat with this history. */
export interface AnswerAfter {
  /** The questions and answers before it. */
  readonly messages: number;
  readonly latencyMs: number;
  /** The processor time of the bridge and its PostgreSQL for an answer, in ms. */
  readonly cpuMs: number;
}

/** The questions of one measurement. */
const QUESTIONS = 20;

const TIDY_MS = 1_500;

/** Measures answers in one chat after these numbers of questions, in ascending order. */
export async function history(questionsBefore: readonly number[]): Promise<AnswerAfter[]> {
  const stage = await startStage({ agents: 1 });
  const { deployment, postgres } = stage;
  const cpuMs = async (): Promise<number> => {
    await sleep(TIDY_MS);
    return cpuOf(await processes(), [deployment.bridge.pid, postgres.pid()]);
  };
  try {
    const person = await deployment.user("js-sdk", "person");
    const [chat] = await openChats(
      person,
      stage.names.map((name) => deployment.agent(name)),
    );
    if (chat === undefined) throw new Error("there is no agent");
    const found: AnswerAfter[] = [];
    let asked = 0;
    for (const before of questionsBefore) {
      for (; asked < before; asked++) await ask(chat);
      const begun = await cpuMs();
      const latencies: number[] = [];
      for (let count = 0; count < QUESTIONS; count++) latencies.push(await ask(chat));
      const taken = (await cpuMs()) - begun;
      found.push({ messages: asked * 2, latencyMs: median(latencies), cpuMs: taken / QUESTIONS });
      asked += QUESTIONS;
    }
    return found;
  } finally {
    await stage.stop();
  }
}
