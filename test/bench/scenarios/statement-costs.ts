import pg from "pg";
import { ask, openChats } from "../asking.ts";
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

/** `pg_stat_statements`, as the contrib modules of PostgreSQL have it. */
const SETTINGS = { shared_preload_libraries: "pg_stat_statements", "pg_stat_statements.track_planning": "on" };

interface Row {
  readonly query: string;
  readonly calls: string;
  readonly planning: number;
  readonly executing: number;
}

/** Measures them over so many answers. */
export async function statementCosts(questions: number): Promise<StatementCosts> {
  const stage = await startStage({ agents: 1, postgresSettings: SETTINGS });
  const client = new pg.Client({ connectionString: stage.postgres.adminUrl });
  try {
    await client.connect();
    await client.query("create extension pg_stat_statements");
    const person = await stage.deployment.user("js-sdk", "person");
    const chats = await openChats(
      person,
      stage.names.map((name) => stage.deployment.agent(name)),
    );
    const askAll = async (times: number): Promise<void> => {
      for (let count = 0; count < times; count++) for (const chat of chats) await ask(chat);
    };
    await askAll(3);
    await client.query("select pg_stat_statements_reset()");
    await askAll(questions);
    const { rows } = await client.query<Row>(
      `select query, calls, total_plan_time as planning, total_exec_time as executing
       from pg_stat_statements join pg_database on pg_database.oid = dbid where datname = $1`,
      [new URL(stage.deployment.settings.database ?? "").pathname.slice(1)],
    );
    return costsOf(rows, questions);
  } finally {
    await client.end();
    await stage.stop();
  }
}

function costsOf(rows: readonly Row[], answers: number): StatementCosts {
  const perAnswer = (of: (row: Row) => number): number => rows.reduce((sum, row) => sum + of(row), 0) / answers;
  const all = rows.map(({ query, calls, planning, executing }) => ({
    text: query.replaceAll(/\s+/g, " ").slice(0, TEXT_LENGTH),
    calls: Number(calls) / answers,
    ms: (planning + executing) / answers,
  }));
  return {
    statements: perAnswer(({ calls }) => Number(calls)),
    planningMs: perAnswer(({ planning }) => planning),
    executingMs: perAnswer(({ executing }) => executing),
    longest: all.toSorted((a, b) => b.ms - a.ms).slice(0, LONGEST),
  };
}
