import { resumeAgent } from "../../agents/pauses.ts";
import { agentArgument } from "../agent-argument.ts";
import { atDatabase } from "../at-database.ts";
import { defineCommand } from "../command.ts";
import { operator } from "../operator.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Ends an agent's pause in all processes at once. Returns 0. Throws UsageError, ConfigError, and the error of opening the
 * database.
 */
export const command = defineCommand({
  summary: "have a paused agent go on: it answers what waited before the pause, and what is asked from now on",
  arguments: { AGENT: "the agent that goes on" },
  options: {},
  run({ config: file }, [agent, ...more]) {
    if (agent === undefined || more.length > 0) throw new UsageError("name one agent: matrix-agents resume AGENT");
    return atDatabase(file, async ({ config, database }) => {
      const userId = await agentArgument(agent, config, database);
      const wasPaused = await resumeAgent(database, userId, operator());
      process.stdout.write(`${userId} ${wasPaused ? "goes on" : "is not paused"}\n`);
      return 0;
    });
  },
});
