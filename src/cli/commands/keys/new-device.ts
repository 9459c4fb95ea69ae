import { atAgentDevice, oneAgent } from "../../agent-keys.ts";
import { defineCommand } from "../../command.ts";
import { renewDevice } from "../../new-device.ts";
import { noteCommand } from "../../operator.ts";

/** Throws UsageError, ConfigError, MasterKeyError, and the error of opening the database. */
export const command = defineCommand({
  summary: "give an agent a new device, signed by the same identity, with the keys of the backup",
  arguments: { AGENT: "the agent that gets it" },
  options: {},
  run: ({ config }, args) =>
    atAgentDevice(config, oneAgent("new-device", args), async ({ database, userId }) => {
      await noteCommand(database, "keys new-device", userId);
      return renewDevice(database, userId);
    }),
});
