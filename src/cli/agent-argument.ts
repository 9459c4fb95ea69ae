import type { Config } from "../config/config.ts";
import { nearName } from "../config/near-name.ts";
import { AGENT_PREFIX } from "../config/registration.ts";
import type { Database } from "../database/database.ts";
import { GhostStore } from "../ghost/ghost-store.ts";
import { UsageError } from "./usage-error.ts";

/**
 * The user id of an agent that a person named by its name (`llama`), its localpart or its user id. Throws UsageError
 * when the bridge has never had such an agent.
 */
export async function agentArgument(name: string, config: Config, database: Database): Promise<string> {
  const { domain } = config.homeserver;
  const candidates = [name, `@${name}:${domain}`, `@${AGENT_PREFIX}${name}:${domain}`];
  const known = await new GhostStore(database).userIds();
  const found = candidates.find((candidate) => known.includes(candidate));
  if (found !== undefined) return found;
  const near = nearName(
    name,
    known.map((userId) => shortName(userId, domain)),
  );
  const list =
    known.length === 0 ? "there are no agents yet; start the bridge first" : `the agents are ${known.join(", ")}`;
  throw new UsageError(`there is no agent "${name}": ${list}${near === undefined ? "" : `; did you mean ${near}?`}`);
}

/** The shortest name by which a person may call an agent. */
export function shortName(userId: string, domain: string): string {
  const localpart = userId.slice(1, -domain.length - 1);
  return localpart.startsWith(AGENT_PREFIX) ? localpart.slice(AGENT_PREFIX.length) : localpart;
}
