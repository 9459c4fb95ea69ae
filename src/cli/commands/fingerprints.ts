import { publicKeys, type GhostKeys } from "../../ghost/public-keys.ts";
import { isColoured } from "../../observability/colour.ts";
import { agentArgument } from "../agent-argument.ts";
import { atDatabase } from "../at-database.ts";
import { defineCommand } from "../command.ts";
import { drawQrCode } from "../qr-code.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Prints the keys that people compare. They come from the database, not from the homeserver. Throws UsageError,
 * ConfigError, and the error of opening the database.
 */
export const command = defineCommand({
  summary: "show the agents' keys as clients show them; for one agent, on a terminal, also as QR codes",
  arguments: { "[AGENT]": "one agent, or none for all" },
  options: {},
  run({ config: file }, [agent, ...more]) {
    if (more.length > 0) throw new UsageError("fingerprints takes one agent, or none for all");
    return atDatabase(file, async ({ config, database }) => {
      const wanted = agent === undefined ? undefined : await agentArgument(agent, config, database);
      if (config.encryption.mode === "off") {
        process.stdout.write("encryption.mode is off: agents use no keys\n");
        return 0;
      }
      for (const keys of await publicKeys(database, wanted)) {
        process.stdout.write(describe(keys, wanted !== undefined && process.stdout.isTTY));
      }
      return 0;
    });
  },
});

function describe({ userId, deviceId, fingerprint, masterKey }: GhostKeys, withCodes: boolean): string {
  const lines = [userId, `  device ${deviceId}: ${inGroups(fingerprint)}`, `  identity: ${inGroups(masterKey)}`];
  for (const [name, key] of withCodes ? Object.entries({ device: fingerprint, identity: masterKey }) : []) {
    if (key !== undefined) lines.push("", `${name}:`, drawQrCode(key, { isColoured: isColoured(process.stdout) }));
  }
  return `${lines.join("\n")}\n`;
}

/** Groups of four, as clients show keys. */
function inGroups(key: string | undefined): string {
  return key === undefined ? "not made yet" : (key.match(/.{1,4}/g) ?? []).join(" ");
}
