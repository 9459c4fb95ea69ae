import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/config.ts";
import type { Database } from "../database/database.ts";
import { locationOf, openDatabase } from "../database/open.ts";
import { agentsOf, type Agent } from "../ghost/agents.ts";
import { createLogger } from "../observability/log.ts";
import { cloudPolicyIn } from "../policy/privacy.ts";
import { Consents } from "../privacy/consents.ts";
import { ProviderRequests, sizeInWords } from "../privacy/provider-requests.ts";
import { explainStartFailure } from "./start-failure.ts";

/** Of requests that are shown, in days. */
const SHOWN_DAYS = 7;

interface RoomRow {
  room_id: string;
  name: string | null;
  encrypted: boolean;
  ghosts: string;
}

/**
 * Prints, for every room that agents are in: whether it is encrypted, the agents, where their words go, who agreed to that,
 * and what was sent in the last days. Works beside a running bridge with PostgreSQL. Throws ConfigError, and what keeps the
 * database from being opened.
 */
export async function privacy(options: { readonly config: string }): Promise<number> {
  const config = await loadConfig(options.config);
  const database = await openDatabase(locationOf(config), createLogger("warn", "auto")).catch((error: unknown) => {
    throw explainStartFailure(error, config);
  });
  try {
    const rooms = await roomsOf(database);
    const described = await Promise.all(rooms.map((room) => describe(room, config, database)));
    process.stdout.write(rooms.length === 0 ? "no agent is in any room\n" : `${described.join("\n\n")}\n`);
    return 0;
  } finally {
    await database.close();
  }
}

async function roomsOf(database: Database): Promise<RoomRow[]> {
  const { rows } = await database.query<RoomRow>(
    `select memberships.room_id, name, encryption is not null as encrypted,
       json_agg(ghost order by ghost)::text as ghosts
     from memberships left join rooms using (room_id) where membership = 'join'
     group by memberships.room_id, name, encryption order by memberships.room_id`,
  );
  return rows;
}

async function describe({ room_id: roomId, name, encrypted, ghosts }: RoomRow, config: Config, database: Database) {
  const agents = new Map(
    [...agentsOf(config, new Map()).values()].map((agent) => [
      `@${agent.localpart}:${config.homeserver.domain}`,
      agent,
    ]),
  );
  const decisions = await new Consents(database).ofRoom(roomId);
  const policy = cloudPolicyIn(config.privacy, roomId, encrypted);
  const lines = [`${roomId}${name === null ? "" : ` (${name})`}: ${encrypted ? "encrypted" : "not encrypted"}`];
  for (const ghost of JSON.parse(ghosts) as string[]) {
    if (ghost === `@${config.appservice.bot}:${config.homeserver.domain}`) continue;
    lines.push(`  ${ghost}: ${placeOf(agents.get(ghost), config, policy)}`);
    for (const { target, granted, by, at } of decisions.filter((decision) => decision.ghost === ghost)) {
      lines.push(`    ${granted ? "agreed to" : "declined"}: ${target}, by ${by} on ${at.toISOString().slice(0, 10)}`);
    }
  }
  const sent = await new ProviderRequests(database).since(roomId, SHOWN_DAYS);
  lines.push(`  in the last ${SHOWN_DAYS} days:${sent.length === 0 ? " nothing was sent to any model" : ""}`);
  for (const { ghost, provider, host, locality, requests, bytes } of sent) {
    lines.push(`    ${ghost} → ${provider} at ${host} (${locality}): requests ${requests}, ${sizeInWords(bytes)}`);
  }
  return lines.join("\n");
}

function placeOf(agent: Agent | undefined, config: Config, policy: string): string {
  const provider = agent === undefined ? undefined : config.providers.get(agent.provider);
  if (agent === undefined || provider === undefined) return "not in the configuration: found on a provider, or gone";
  if (provider.type === "demo") return `${agent.provider}, local`;
  const { host } = new URL(provider.url.includes("://") ? provider.url : `http://${provider.url}`);
  return `${agent.provider} at ${host}, ${provider.locality}${provider.locality === "cloud" ? ` (${policy})` : ""}`;
}
