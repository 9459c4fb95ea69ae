import type { CloudPolicy } from "../../config/config.ts";
import { AgentDirectory } from "../../agents/agent-directory.ts";
import { GivenNames, type NameBook } from "../../agents/given-names.ts";
import { modelInRoom, type ModelSources } from "../../agents/model-in-room.ts";
import { settersOf } from "../../permissions/permissions.ts";
import { Consents, withdrawConsents } from "../../privacy/consents.ts";
import { PrivacyGate, type Destination } from "../../privacy/gate.ts";
import { ProviderRequests, sizeInWords } from "../../privacy/provider-requests.ts";
import { privacyOfRoom, type PrivacySources, type RoomPrivacy } from "../../privacy/room-privacy.ts";
import { counted } from "../../language/counted.ts";
import { KnownModels } from "../../providers/model-facts.ts";
import { providersOf } from "../../providers/providers.ts";
import { roomsOfGhosts } from "../../rooms/rooms-of-ghosts.ts";
import { Rooms } from "../../rooms/rooms.ts";
import { RoomSettingsStore } from "../../rooms/settings-store.ts";
import { MasterKey } from "../../sealing/master-key.ts";
import { Seals } from "../../sealing/seals.ts";
import { atDatabase, type AtDatabase } from "../at-database.ts";
import { defineCommand } from "../command.ts";
import { operator } from "../operator.ts";
import { printable } from "../printable.ts";
import { selectionOf, type Selection } from "../selection.ts";
import { UsageError } from "../usage-error.ts";

/** The age of the requests that are shown, in days. */
const SHOWN_DAYS = 7;

/**
 * Prints for every room with agents: whether it is encrypted, its agents, the providers that get its messages, the
 * people who agreed to that, and the requests of the last days. Providers are asked for their models and where those
 * run. Or takes consents back; then returns 1 where the named room had given none. Throws UsageError, ConfigError,
 * MasterKeyError, and the error of opening the database.
 */
export const command = defineCommand({
  summary:
    "show for each room its agents, where its messages go, the consent, and the requests sent; or take consents back",
  arguments: {
    "[list]": "show all rooms",
    "withdraw ROOM AGENT":
      "take a room's consent for an agent back: the agent asks again. all in place of one means all",
    "withdraw all": "take all consents back",
  },
  options: {},
  examples: ["matrix-agents privacy withdraw '!KDqfHZ…:example.org' claude"],
  run({ config }, args) {
    const [verb = "list", room, agent, ...more] = args;
    if (verb === "list" && room === undefined) return atDatabase(config, tellRooms);
    if (verb !== "withdraw")
      throw new UsageError(`privacy can list, which takes no arguments, and withdraw, not "${args.join(" ")}"`);
    if (room === undefined || more.length > 0) {
      throw new UsageError("name a room and an agent: matrix-agents privacy withdraw ROOM AGENT, or: all");
    }
    return atDatabase(config, async (at) => withdraw(await selectionOf([room, agent], at), at));
  },
});

async function withdraw(selection: Selection, { database }: AtDatabase): Promise<number> {
  const count = await withdrawConsents(database, selection, operator());
  const isAll = selection.roomId === undefined && selection.ghost === undefined;
  if (count === 0 && !isAll) {
    process.stderr.write("matrix-agents: no consent was given there; what a room has declined stays declined\n");
    return 1;
  }
  process.stdout.write(`${counted(count, "consent", "consents")} taken back\n`);
  return 0;
}

async function tellRooms({ config, database, log }: AtDatabase): Promise<number> {
  const rooms = await roomsOfGhosts(database);
  if (rooms.length === 0) {
    process.stdout.write("no agent is in any room\n");
    return 0;
  }
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
    const seals = new Seals(database, await MasterKey.open(config.encryption.masterKey, database), log);
    const models: ModelSources = {
      agentOf: (ghost) => directory.agentOf(ghost),
      provider: (name) => providers.get(name),
      settings: new RoomSettingsStore(database, seals, (name) => settersOf(config.permissions, name) === "nobody"),
    };
    const sources: PrivacySources = {
      gate: new PrivacyGate({
        settings: () => config.privacy,
        consents,
        requests,
        models: new KnownModels(),
        isEncrypted,
      }),
      consents,
      requests,
      modelIn: (ghost, roomId) => modelInRoom(models, ghost, roomId),
    };
    const bot = `@${config.appservice.bot}:${config.homeserver.domain}`;
    const described: string[] = [];
    for (const { ghosts, ...room } of rooms) {
      const agents = ghosts.filter((ghost) => ghost !== bot);
      const privacy = await privacyOfRoom({ ...room, ghosts: agents }, sources, SHOWN_DAYS);
      described.push(inWords(privacy));
    }
    process.stdout.write(`${described.join("\n\n")}\n`);
    return 0;
  } finally {
    await directory.stop();
  }
}

/** Only the bridge gives names. */
function looking(names: GivenNames): NameBook {
  return { all: () => names.all(), give: () => Promise.resolve() };
}

function inWords({ roomId, name, isEncrypted, policy, agents, sent }: RoomPrivacy): string {
  const lines = [`${roomId}${name === undefined ? "" : ` (${name})`}: ${isEncrypted ? "encrypted" : "not encrypted"}`];
  for (const { ghost, destination, decisions } of agents) {
    lines.push(`  ${ghost}: ${destinationInWords(destination, policy)}`);
    for (const { granted, target, by, at, counts } of decisions) {
      const how = counts ? "" : ", unencrypted: it no longer counts, because the room is now encrypted";
      lines.push(
        `    ${granted ? "agreed to" : "declined"}: ${target}, by ${by} on ${at.toISOString().slice(0, 10)}${how}`,
      );
    }
  }
  lines.push(`  in the last ${SHOWN_DAYS} days:${sent.length === 0 ? " nothing was sent to any model" : ""}`);
  for (const { ghost, provider, host, locality, requests, bytes } of sent) {
    lines.push(`    ${ghost} → ${provider} at ${host} (${locality}): requests ${requests}, ${sizeInWords(bytes)}`);
  }
  return lines.map(printable).join("\n");
}

function destinationInWords(destination: Destination | undefined, policy: CloudPolicy): string {
  if (destination === undefined) return "its model has gone, or its provider can't be asked";
  const { provider, host, locality, isSure } = destination;
  const unsure = isSure ? "" : ", by its address; it does not say whether it passes anything on";
  return `${provider} at ${host}, ${locality}${unsure}${locality === "cloud" ? ` (${policy})` : ""}`;
}
