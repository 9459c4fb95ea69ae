import { userLocalpart } from "../addressing/call.ts";
import { modelInRoom } from "../agents/model-in-room.ts";
import { identityOf } from "../answering/notices.ts";
import { targetOf } from "../privacy/consents.ts";
import { destinationAsConfigured, type Destination } from "../privacy/gate.ts";
import { countedIn } from "../privacy/policy.ts";
import { sizeInWords } from "../privacy/provider-requests.ts";
import type { Asked, CommandServices } from "./command.ts";
import { destinationOf } from "./destination-of-model.ts";

/** The days of the shown requests. */
const SHOWN_DAYS = 7;

type Services = Pick<
  CommandServices,
  "privacy" | "patience" | "consents" | "requests" | "agentsIn" | "agentOf" | "provider" | "isEncrypted" | "settings"
>;

/**
 * A room's privacy in plain words: whether it is encrypted, the recipient of each agent's messages, and the requests
 * sent.
 */
export async function whereWordsGo(services: Services, asked: Asked): Promise<string> {
  const { privacy } = asked.words.commands;
  const { roomId } = asked.message;
  const encrypted = await services.isEncrypted(roomId);
  return [
    encrypted ? privacy.encrypted : privacy.notEncrypted,
    "",
    ...(await agentLines(services, asked, encrypted)),
    "",
    privacy.lastDays(SHOWN_DAYS),
    "",
    ...(await requestLines(services, asked)),
  ].join("\n");
}

/** For each agent of the room: the recipient of its messages, and the consent to that. */
async function agentLines(services: Services, asked: Asked, encrypted: boolean): Promise<string[]> {
  const { privacy } = asked.words.commands;
  const { roomId } = asked.message;
  const policy = await services.privacy.policyIn({ roomId, encrypted: false });
  const decisions = await services.consents.ofRoom(roomId);
  const lines: string[] = [];
  for (const { userId, name, destination } of await destinationsIn(services, roomId)) {
    const named = { agent: name, ...destination };
    const target = targetOf(destination.provider, destination.host);
    const decided = decisions.find((one) => one.ghost === userId && one.target === target);
    const counts = policy !== "deny" && decided !== undefined && countedIn(encrypted, decided) !== undefined;
    const decision = counts ? await decisionInWords(asked, decided) : privacy.policies[policy];
    lines.push(
      destination.locality === "local"
        ? `- ${privacy.agentLocal(named, destination.isSure)}`
        : `- ${privacy.agentCloud(named, decision)}`,
    );
  }
  return lines;
}

/**
 * For each agent of a room, the recipient of its model's messages; the configured one where the provider can't be asked
 * now.
 */
async function destinationsIn(
  services: Services,
  roomId: string,
): Promise<{ readonly userId: string; readonly name: string; readonly destination: Destination }[]> {
  const destinations = (await services.agentsIn(roomId)).map(async ({ userId, agent }) => {
    const used = await modelInRoom(services, userId, roomId);
    if (used === undefined) return [];
    const { provider, model } = used;
    const destination = (await destinationOf(services, provider, model)) ?? destinationAsConfigured(provider);
    return [{ userId, name: agent.displayName, destination }];
  });
  return (await Promise.all(destinations)).flat();
}

async function decisionInWords(
  { ghost, message, words }: Asked,
  { by, at, granted }: { readonly by: string; readonly at: Date; readonly granted: boolean },
): Promise<string> {
  const { decidedYes, decidedNo } = words.commands.privacy;
  const who = identityOf({ userId: by, displayName: await ghost.displayNameOf(message.roomId, by) });
  return (granted ? decidedYes : decidedNo)(who, at.toISOString().slice(0, 10));
}

async function requestLines({ requests, agentOf }: Services, { message, words }: Asked): Promise<string[]> {
  const { sent, sentNothing } = words.commands.privacy;
  const found = await requests.since(message.roomId, SHOWN_DAYS);
  if (found.length === 0) return [`- ${sentNothing}`];
  return found.map(({ ghost, provider, host, locality, requests: count, bytes }) => {
    const agent = agentOf(ghost)?.displayName ?? userLocalpart(ghost);
    return `- ${sent({ agent, provider, host }, count, sizeInWords(bytes), locality === "cloud")}`;
  });
}
