import { decodeRecoveryKey } from "../../../crypto/recovery-key.ts";
import { askForNewDevice } from "../../../ghost/operator-requests.ts";
import { atAgentDevice, oneAgent, SECRET_FILE } from "../../agent-keys.ts";
import { defineCommand } from "../../command.ts";
import { tellNewDevice } from "../../new-device.ts";
import { noteCommand } from "../../operator.ts";
import { readSecret } from "../../secret-input.ts";

/**
 * Throws UsageError, ConfigError, MasterKeyError, RecoveryKeyError, KeysNotFound, HomeserverError, and the error of
 * opening the database.
 */
export const command = defineCommand({
  summary: "restore an agent's identity and keys with its recovery key, when the master key is lost",
  arguments: { AGENT: "the agent that gets them" },
  options: { "secret-file": SECRET_FILE },
  run: ({ config, "secret-file": secretFile }, args) =>
    atAgentDevice(config, oneAgent("restore", args), async ({ database, keys, userId }) => {
      const recoveryKey = decodeRecoveryKey(await readSecret("recovery key", secretFile));
      await noteCommand(database, "keys restore", userId);
      await keys.takeOver(recoveryKey);
      await askForNewDevice(database, userId);
      return tellNewDevice(database, userId);
    }),
});
