import { GhostStore } from "../../../ghost/ghost-store.ts";
import { agentArgument } from "../../agent-argument.ts";
import { atKeys, keysOf } from "../../agent-keys.ts";
import { defineCommand } from "../../command.ts";
import { UsageError } from "../../usage-error.ts";

/**
 * Returns 0, or 1 when something of an agent is not backed up. Throws UsageError, ConfigError, MasterKeyError,
 * HomeserverError, and the error of opening the database.
 */
export const command = defineCommand({
  summary: "check whether the agents' keys are backed up on the homeserver",
  arguments: { "[AGENT]": "one agent, or none for all" },
  options: {},
  run({ config: file }, [agent, ...more]) {
    if (more.length > 0) throw new UsageError("keys backup takes one agent, or none for all");
    return atKeys(file, async (at) => {
      const { config, database } = at;
      const agents =
        agent === undefined ? await new GhostStore(database).userIds() : [await agentArgument(agent, config, database)];
      let isComplete = true;
      for (const userId of agents) {
        const { identity, backup } = await (await keysOf(at, userId)).status();
        isComplete &&= identity && backup !== undefined;
        const kept = identity ? "identity in secret storage" : "no identity in secret storage";
        const room =
          backup === undefined ? "no backup of room keys" : `${backup.keys} room keys in backup ${backup.version}`;
        process.stdout.write(`${userId}: ${kept}, ${room}\n`);
      }
      return isComplete ? 0 : 1;
    });
  },
});
