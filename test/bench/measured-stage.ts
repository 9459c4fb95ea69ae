import { openChats, type Chat } from "./asking.ts";
import { openStatements, STATEMENT_SETTINGS, type Statements } from "./measuring/statements.ts";
import { startStage, type Stage, type StageOptions } from "./stage.ts";

/** A stage with one agent, whose database server keeps account of the bridge's statements. */
export interface MeasuredStage {
  readonly stage: Stage;
  readonly statements: Statements;
  /** The agent's user id. */
  readonly agent: string;
}

/** Starts such a stage, does some work on it, and ends it, however the work ends. */
export async function onMeasuredStage<T>(
  work: (on: MeasuredStage) => Promise<T>,
  options: Pick<StageOptions, "extraConfig"> = {},
): Promise<T> {
  const stage = await startStage({ ...options, agents: 1, postgresSettings: STATEMENT_SETTINGS });
  let statements: Statements | undefined;
  try {
    statements = await openStatements(stage);
    return await work({ stage, statements, agent: stage.deployment.agent(stage.names[0] ?? "") });
  } finally {
    await statements?.close();
    await stage.stop();
  }
}

/** A direct chat of a new person with the agent. */
export async function chatOf({ stage, agent }: MeasuredStage, localpart: string): Promise<Chat> {
  const [chat] = await openChats(await stage.deployment.user("js-sdk", localpart), [agent]);
  if (chat === undefined) throw new Error("there is no agent");
  return chat;
}
