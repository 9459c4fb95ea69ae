import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/config.ts";
import type { Database } from "../database/database.ts";
import { locationOf, openDatabase } from "../database/open.ts";
import { AgentDirectory } from "../agents/agent-directory.ts";
import { GivenNames, type NameBook } from "../agents/given-names.ts";
import { createLogger } from "../observability/log.ts";
import { countedIn } from "../privacy/policy.ts";
import { Consents } from "../privacy/consents.ts";
import { PrivacyGate } from "../privacy/gate.ts";
import { ProviderRequests, sizeInWords } from "../privacy/provider-requests.ts";
import { KnownModels } from "../providers/model-facts.ts";
import type { Provider } from "../providers/provider.ts";
import { providersOf } from "../providers/providers.ts";
import { Rooms } from "../rooms/rooms.ts";
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
 * and what was sent in the last days. Providers are asked which models they have, and where those run. Works beside a running bridge with PostgreSQL. Throws ConfigError, and what keeps the
 * database from being opened.
 */
export async function privacy(options: { readonly config: string }): Promise<number> {
  const config = await loadConfig(options.config);
  const log = createLogger("warn", "auto");
  const database = await openDatabase(locationOf(config), log).catch((error: unknown) => {
    throw explainStartFailure(error, config);
  });
  const providers = providersOf(config, log);
  const directory = new AgentDirectory(config, () => providers, looking(new GivenNames(database)), log);
  try {
    await directory.refresh();
    const consents = new Consents(database);
    const requests = new ProviderRequests(database);
    const known = new Rooms(database, log);
    const isEncrypted = (roomId: string): Promise<boolean> => known.isEncrypted(roomId);
    const models = new KnownModels();
    const gate = new PrivacyGate({ config, consents, requests, models, isEncrypted });
    const surroundings = { config, consents, requests, gate, directory, providers };
    const rooms = await roomsOf(database);
    const described: string[] = [];
    for (const room of rooms) described.push(await describe(room, surroundings));
    process.stdout.write(rooms.length === 0 ? "no agent is in any room\n" : `${described.join("\n\n")}\n`);
    return 0;
  } finally {
    await directory.stop();
    await database.close();
  }
}

/** Names are given by the bridge alone. */
function looking(names: GivenNames): NameBook {
  return { all: () => names.all(), give: () => Promise.resolve() };
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

interface Surroundings {
  readonly config: Config;
  readonly consents: Consents;
  readonly requests: ProviderRequests;
  readonly gate: PrivacyGate;
  readonly directory: AgentDirectory;
  readonly providers: ReadonlyMap<string, Provider>;
}

async function describe({ room_id: roomId, name, encrypted, ghosts }: RoomRow, around: Surroundings): Promise<string> {
  const { appservice, homeserver } = around.config;
  const decisions = await around.consents.ofRoom(roomId);
  const lines = [`${roomId}${name === null ? "" : ` (${name})`}: ${encrypted ? "encrypted" : "not encrypted"}`];
  for (const ghost of JSON.parse(ghosts) as string[]) {
    if (ghost === `@${appservice.bot}:${homeserver.domain}`) continue;
    lines.push(`  ${ghost}: ${await placeOf(ghost, roomId, around)}`);
    for (const decision of decisions.filter((one) => one.ghost === ghost)) {
      const { target, granted, by, at } = decision;
      const counts = countedIn(encrypted, decision) !== undefined;
      const how = counts ? "" : ", in clear: that counts no more since the room is encrypted";
      lines.push(
        `    ${granted ? "agreed to" : "declined"}: ${target}, by ${by} on ${at.toISOString().slice(0, 10)}${how}`,
      );
    }
  }
  const sent = await around.requests.since(roomId, SHOWN_DAYS);
  lines.push(`  in the last ${SHOWN_DAYS} days:${sent.length === 0 ? " nothing was sent to any model" : ""}`);
  for (const { ghost, provider, host, locality, requests, bytes } of sent) {
    lines.push(`    ${ghost} → ${provider} at ${host} (${locality}): requests ${requests}, ${sizeInWords(bytes)}`);
  }
  return lines.join("\n");
}

async function placeOf(ghost: string, roomId: string, { gate, directory, providers }: Surroundings): Promise<string> {
  const agent = directory.agentOf(ghost);
  const provider = agent === undefined ? undefined : providers.get(agent.provider);
  if (agent === undefined || provider === undefined) return "its model has gone, or its provider can't be asked";
  const place = await gate.placeNow(provider, agent.model ?? "");
  const unsure = place.isSure ? "" : ", by its address; it does not say whether it passes anything on";
  const policy = place.locality === "cloud" ? ` (${await gate.policyIn({ roomId, encrypted: false })})` : "";
  return `${place.provider} at ${place.host}, ${place.locality}${unsure}${policy}`;
}
