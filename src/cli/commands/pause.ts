import { pauseAgent, pausedAgents } from "../../agents/pauses.ts";
import { agentArgument } from "../agent-argument.ts";
import { atDatabase, type AtDatabase } from "../at-database.ts";
import { defineCommand } from "../command.ts";
import { operator } from "../operator.ts";
import { printable } from "../printable.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Pauses an agent in all processes at once, or lists the paused ones. Returns 0. Throws UsageError, ConfigError, and the error
 * of opening the database.
 */
export const command = defineCommand({
  summary: "have an agent hear and remember, but answer nothing, until it is resumed; or list the paused agents",
  arguments: { "[list]": "list the paused agents", AGENT: "the agent that pauses" },
  options: {},
  examples: ["matrix-agents pause llama"],
  run({ config }, [agent = "list", ...more]) {
    if (more.length > 0) throw new UsageError("name one agent: matrix-agents pause AGENT");
    return atDatabase(config, (at) => (agent === "list" ? list(at) : pause(agent, at)));
  },
});

async function list({ database }: AtDatabase): Promise<number> {
  const paused = await pausedAgents(database);
  if (paused.length === 0) process.stdout.write("no agent is paused\n");
  for (const { ghost, by, at } of paused) {
    process.stdout.write(`${ghost}: paused by ${printable(by)} at ${at.toISOString().slice(0, 19)}Z\n`);
  }
  return 0;
}

async function pause(agent: string, { config, database }: AtDatabase): Promise<number> {
  const userId = await agentArgument(agent, config, database);
  if (userId === `@${config.appservice.bot}:${config.homeserver.domain}`) {
    throw new UsageError(`${userId} is the bot, which answers nobody's questions: name an agent`);
  }
  const isNew = await pauseAgent(database, userId, operator());
  process.stdout.write(
    isNew
      ? `${userId} is paused; matrix-agents resume ${agent} ends that\n`
      : `${userId} is paused already; matrix-agents resume ${agent} ends that\n`,
  );
  return 0;
}
