import { ask, openChats } from "../asking.ts";
import { openStatements, STATEMENT_SETTINGS, type StatementSums } from "../measuring/statements.ts";
import { startStage } from "../stage.ts";

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
export async function statementCosts(questions: number): Promise<StatementCosts> {
  const stage = await startStage({ agents: 1, postgresSettings: STATEMENT_SETTINGS });
  try {
    const measured = await openStatements(stage);
    const person = await stage.deployment.user("js-sdk", "person");
    const chats = await openChats(
      person,
      stage.names.map((name) => stage.deployment.agent(name)),
    );
    const askAll = async (times: number): Promise<void> => {
      for (let count = 0; count < times; count++) for (const chat of chats) await ask(chat);
    };
    await askAll(3);
    await measured.reset();
    await askAll(questions);
    const sums = await measured.sums();
    await measured.close();
    return costsOf(sums, questions);
  } finally {
    await stage.stop();
  }
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
