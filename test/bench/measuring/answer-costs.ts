import { setTimeout as sleep } from "node:timers/promises";
import type { Stage } from "../stage.ts";
import { median } from "./median.ts";
import { cpuOf, processes } from "./processes.ts";
import type { Statements } from "./statements.ts";

/** The costs of an answer, to see how they grow. */
export interface AnswerCosts {
  /** The median. */
  readonly latencyMs: number;
  /** The processor time of the bridge and its PostgreSQL, in ms. */
  readonly cpuMs: number;
  /** The pages of 8 KiB that PostgreSQL looks at: a count, which no load of the machine changes. */
  readonly pages: number;
}

/** After the last answer the programs still tidy up, which is part of the work. */
const TIDY_MS = 1_500;

/**
 * Asks so many times, and shares the costs among the answers.
 *
 * @param ask resolves with the time of an answer, in ms.
 */
export async function answerCosts(
  { stage: { deployment, postgres }, statements }: { readonly stage: Stage; readonly statements: Statements },
  ask: () => Promise<number>,
  questions: number,
): Promise<AnswerCosts> {
  const cpuMs = async (): Promise<number> => {
    await sleep(TIDY_MS);
    return cpuOf(await processes(), [deployment.bridge.pid, postgres.pid()]);
  };
  await statements.reset();
  const before = await cpuMs();
  const latencies: number[] = [];
  for (let count = 0; count < questions; count++) latencies.push(await ask());
  const taken = (await cpuMs()) - before;
  const pages = (await statements.sums()).reduce((sum, one) => sum + one.pages, 0);
  return { latencyMs: median(latencies), cpuMs: taken / questions, pages: pages / questions };
}
