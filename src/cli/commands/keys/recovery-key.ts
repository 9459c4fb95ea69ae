import { encodeRecoveryKey } from "../../../crypto/recovery-key.ts";
import { atAgentKeys, oneAgent } from "../../agent-keys.ts";
import { defineCommand } from "../../command.ts";
import { noteExport } from "../../operator.ts";

/** Throws UsageError, ConfigError, MasterKeyError, and the error of opening the database. */
export const command = defineCommand({
  summary: "show an agent's recovery key, which opens its keys on the homeserver; keep it secret",
  arguments: { AGENT: "the agent whose key it is" },
  options: {},
  run: ({ config }, args) =>
    atAgentKeys(config, oneAgent("recovery-key", args), async ({ database, masterKey, userId }) => {
      await noteExport(database, userId, "recovery_key");
      process.stdout.write(`${encodeRecoveryKey(await masterKey.recoveryKey(userId))}\n`);
      return 0;
    }),
});
