import { requestNewDevice } from "../../../ghost/operator-requests.ts";
import { atAgentDevice, oneAgent } from "../../agent-keys.ts";
import { defineCommand } from "../../command.ts";
import { tellNewDevice } from "../../new-device.ts";
import { operator } from "../../operator.ts";

/** Throws UsageError, ConfigError, MasterKeyError, and the error of opening the database. */
export const command = defineCommand({
  summary: "give an agent a new device, signed by the same identity, with the keys of the backup",
  arguments: { AGENT: "the agent that gets it" },
  options: {},
  run: ({ config }, args) =>
    atAgentDevice(config, oneAgent("new-device", args), async ({ database, userId }) => {
      await requestNewDevice(database, userId, operator());
      return tellNewDevice(database, userId);
    }),
});
