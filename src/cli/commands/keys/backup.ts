import type { ServerSideKeys } from "../../../ghost/device/agent-keys.ts";
import { GhostStore } from "../../../ghost/ghost-store.ts";
import { publicKeys, type GhostKeys } from "../../../ghost/public-keys.ts";
import { agentArgument } from "../../agent-argument.ts";
import { atKeys, keysOf } from "../../agent-keys.ts";
import { defineCommand } from "../../command.ts";
import { UsageError } from "../../usage-error.ts";
import { counted } from "../../../language/counted.ts";

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
      if (config.encryption.mode === "off") {
        process.stdout.write("encryption.mode is off: agents have no keys that need a backup\n");
        return 0;
      }
      const agents =
        agent === undefined ? await new GhostStore(database).userIds() : [await agentArgument(agent, config, database)];
      let isComplete = true;
      for (const userId of agents) {
        const { identity, backup } = await (await keysOf(at, userId)).status();
        const [keys] = await publicKeys(database, userId);
        const isBackedUp = keys?.backup !== "behind" && (backup !== undefined || keys?.backup === "not needed yet");
        isComplete &&= identity !== undefined && isBackedUp;
        process.stdout.write(`${userId}: identity ${identity ?? "not kept"}, ${roomKeys(keys?.backup, backup)}\n`);
      }
      return isComplete ? 0 : 1;
    });
  },
});

function roomKeys(state: GhostKeys["backup"] | undefined, backup: ServerSideKeys["backup"]): string {
  if (backup === undefined) return state === "not needed yet" ? "no room keys yet" : "no backup of room keys";
  const held = `${counted(backup.keys, "room key", "room keys")} in backup ${backup.version}`;
  return state === "behind" ? `${held}, others not yet` : held;
}
