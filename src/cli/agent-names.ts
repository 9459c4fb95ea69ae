import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/config.ts";
import { openPostgres } from "../database/postgres.ts";
import { databaseOfBridge } from "../database/served/client.ts";
import { GhostStore } from "../ghost/ghost-store.ts";
import { silentLogger } from "../observability/log.ts";
import { shortName } from "./agent-argument.ts";

/** The longest time that a person at a shell waits for the database, in ms. */
const PATIENCE_MS = 1_000;

/** The characters of Matrix's user names. A shell may expand others. */
const PLAIN = /^[\w.=/+-]+$/;

/** Names for a shell. */
interface AgentNames {
  readonly names: readonly string[];
  /** Whether the database still keeps the process waiting. */
  readonly isLate: boolean;
}

/**
 * The names of the agents of the configuration, and of those that the bridge has made, where its database answers soon. The
 * embedded database of a stopped bridge is not opened for it. Never rejects.
 */
export async function agentNames(config: Config): Promise<AgentNames> {
  const asked = madeAgents(config).catch(() => []);
  const made = await Promise.race([asked, sleep(PATIENCE_MS, undefined, { ref: false })]);
  const { domain } = config.homeserver;
  const names = new Set([...config.agents.keys(), ...(made ?? []).map((userId) => shortName(userId, domain))]);
  return { names: [...names].filter((name) => PLAIN.test(name)).sort(), isLate: made === undefined };
}

async function madeAgents({ database: place, dataDir }: Config): Promise<readonly string[]> {
  const database = place === undefined ? await databaseOfBridge(dataDir) : openPostgres(place.url, silentLogger());
  if (database === undefined) return [];
  try {
    return await new GhostStore(database).userIds();
  } finally {
    await database.close();
  }
}
