import type { Config } from "../../config/config.ts";
import { AgentDirectory } from "../../agents/agent-directory.ts";
import { GivenNames, type NameBook } from "../../agents/given-names.ts";
import { roomsOfGhosts, type RoomOfGhosts } from "../../ghost/rooms-of-ghosts.ts";
import { countedIn } from "../../privacy/policy.ts";
import { Consents } from "../../privacy/consents.ts";
import { PrivacyGate } from "../../privacy/gate.ts";
import { ProviderRequests, sizeInWords } from "../../privacy/provider-requests.ts";
import { KnownModels } from "../../providers/model-facts.ts";
import type { Provider } from "../../providers/provider.ts";
import { providersOf } from "../../providers/providers.ts";
import { Rooms } from "../../rooms/rooms.ts";
import { atDatabase, type AtDatabase } from "../at-database.ts";
import { defineCommand } from "../command.ts";

/** The age of the requests that are shown, in days. */
const SHOWN_DAYS = 7;

/**
 * Prints for every room with agents: whether it is encrypted, its agents, the providers that get its messages, the
 * people who agreed to that, and the requests of the last days. Providers are asked for their models and where those
 * run. Throws ConfigError, and the error of opening the database.
 */
export const command = defineCommand({
  summary: "show for each room its agents, the recipients of its messages, the consent, and the requests sent",
  options: {},
  run: ({ config }) => atDatabase(config, tellRooms),
});

async function tellRooms({ config, database, log }: AtDatabase): Promise<number> {
  const providers = await providersOf(config, log);
  const directory = new AgentDirectory(
    () => config,
    () => providers,
    looking(new GivenNames(database)),
    log,
  );
  try {
    await directory.refresh();
    const consents = new Consents(database);
    const requests = new ProviderRequests(database);
    const known = new Rooms(database, log);
    const isEncrypted = (roomId: string): Promise<boolean> => known.isEncrypted(roomId);
    const models = new KnownModels();
    const gate = new PrivacyGate({ settings: () => config.privacy, consents, requests, models, isEncrypted });
    const surroundings = { config, consents, requests, gate, directory, providers };
    const rooms = await roomsOfGhosts(database);
    const described: string[] = [];
    for (const room of rooms) described.push(await describe(room, surroundings));
    process.stdout.write(rooms.length === 0 ? "no agent is in any room\n" : `${described.join("\n\n")}\n`);
    return 0;
  } finally {
    await directory.stop();
  }
}

/** Only the bridge gives names. */
function looking(names: GivenNames): NameBook {
  return { all: () => names.all(), give: () => Promise.resolve() };
}

interface Surroundings {
  readonly config: Config;
  readonly consents: Consents;
  readonly requests: ProviderRequests;
  readonly gate: PrivacyGate;
  readonly directory: AgentDirectory;
  readonly providers: ReadonlyMap<string, Provider>;
}

async function describe({ roomId, name, isEncrypted, ghosts }: RoomOfGhosts, around: Surroundings): Promise<string> {
  const { appservice, homeserver } = around.config;
  const decisions = await around.consents.ofRoom(roomId);
  const lines = [`${roomId}${name === undefined ? "" : ` (${name})`}: ${isEncrypted ? "encrypted" : "not encrypted"}`];
  for (const ghost of ghosts) {
    if (ghost === `@${appservice.bot}:${homeserver.domain}`) continue;
    lines.push(`  ${ghost}: ${await destinationOf(ghost, roomId, around)}`);
    for (const decision of decisions.filter((one) => one.ghost === ghost)) {
      const { target, granted, by, at } = decision;
      const counts = countedIn(isEncrypted, decision) !== undefined;
      const how = counts ? "" : ", unencrypted: it no longer counts, because the room is now encrypted";
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

async function destinationOf(
  ghost: string,
  roomId: string,
  { gate, directory, providers }: Surroundings,
): Promise<string> {
  const agent = directory.agentOf(ghost);
  const provider = agent === undefined ? undefined : providers.get(agent.provider);
  if (agent === undefined || provider === undefined) return "its model has gone, or its provider can't be asked";
  const destination = await gate.destinationNow(provider, agent.model ?? "");
  const unsure = destination.isSure ? "" : ", by its address; it does not say whether it passes anything on";
  const policy = destination.locality === "cloud" ? ` (${await gate.policyIn({ roomId, encrypted: false })})` : "";
  return `${destination.provider} at ${destination.host}, ${destination.locality}${unsure}${policy}`;
}
