import { ask } from "../asking.ts";
import { chatOf, onMeasuredStage } from "../measured-stage.ts";
import type { StatementSums } from "../measuring/statements.ts";

/** The time that PostgreSQL itself notes for the bridge's statements, for each encrypted answer in a direct chat. */
export interface StatementCosts {
  readonly statements: number;
  readonly planningMs: number;
  readonly executingMs: number;
  /** The statements that take most of this time, the longest first. */
  readonly longest: readonly StatementCost[];
}

/** One statement's part in an answer. */
export interface StatementCost {
  /** The beginning of its text. */
  readonly text: string;
  readonly calls: number;
  /** Planning and execution, in ms. */
  readonly ms: number;
}

const LONGEST = 10;
const TEXT_LENGTH = 80;

/** Measures them over so many answers. */
export function statementCosts(questions: number): Promise<StatementCosts> {
  return onMeasuredStage(async (on) => {
    const { statements } = on;
    const chat = await chatOf(on, "person");
    for (let count = 0; count < 3; count++) await ask(chat);
    await statements.reset();
    for (let count = 0; count < questions; count++) await ask(chat);
    return costsOf(await statements.sums(), questions);
  });
}

function costsOf(rows: readonly StatementSums[], answers: number): StatementCosts {
  const perAnswer = (of: (row: StatementSums) => number): number =>
    rows.reduce((sum, row) => sum + of(row), 0) / answers;
  const all = rows.map(({ text, calls, planningMs, executingMs }) => ({
    text: text.replaceAll(/\s+/g, " ").slice(0, TEXT_LENGTH),
    calls: calls / answers,
    ms: (planningMs + executingMs) / answers,
  }));
  return {
    statements: perAnswer(({ calls }) => calls),
    planningMs: perAnswer(({ planningMs }) => planningMs),
    executingMs: perAnswer(({ executingMs }) => executingMs),
    longest: all.toSorted((a, b) => b.ms - a.ms).slice(0, LONGEST),
  };
}
