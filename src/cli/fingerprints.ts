import { loadConfig } from "../config/load.ts";
import { locationOf, openDatabase } from "../database/open.ts";
import { createLogger } from "../observability/log.ts";
import { agentArgument } from "./agent-argument.ts";
import { explainStartFailure } from "./start-failure.ts";
import { drawQrCode } from "./qr-code.ts";
import { UsageError } from "./usage-error.ts";

interface Row {
  user_id: string;
  device_id: string;
  fingerprint: string | null;
  master_key: string | null;
}

/**
 * Prints the keys that people compare: each agent's device and identity as clients show them, for one agent as QR codes
 * too. They come from the database, not from the homeserver. Returns 0. Throws UsageError, ConfigError, and what keeps the
 * database from being opened.
 */
export async function fingerprints(options: {
  readonly config: string;
  readonly args: readonly string[];
}): Promise<number> {
  const [agent, ...more] = options.args;
  if (more.length > 0) throw new UsageError("fingerprints wants one agent, or none for all");
  const config = await loadConfig(options.config);
  const database = await openDatabase(locationOf(config), createLogger("warn", "auto")).catch((error: unknown) => {
    throw explainStartFailure(error, config);
  });
  try {
    const wanted = agent === undefined ? undefined : await agentArgument(agent, config, database);
    const { rows } = await database.query<Row>(
      "select user_id, device_id, fingerprint, master_key from ghosts where $1::text is null or user_id = $1 order by user_id",
      [wanted ?? null],
    );
    for (const row of rows) process.stdout.write(describe(row, wanted !== undefined));
    return 0;
  } finally {
    await database.close();
  }
}

function describe(row: Row, withCodes: boolean): string {
  const { fingerprint, master_key: masterKey } = row;
  const lines = [
    row.user_id,
    `  device ${row.device_id}: ${inGroups(fingerprint)}`,
    `  identity: ${inGroups(masterKey)}`,
  ];
  for (const [name, key] of withCodes ? Object.entries({ device: fingerprint, identity: masterKey }) : []) {
    if (key !== null) lines.push("", `${name}:`, drawQrCode(key));
  }
  return `${lines.join("\n")}\n`;
}

/** Groups of four, as clients show keys. */
function inGroups(key: string | null): string {
  return key === null ? "not made yet" : (key.match(/.{1,4}/g) ?? []).join(" ");
}
