import { afterDecision } from "../answering/after-decision.ts";
import { targetOf } from "../privacy/consents.ts";
import { oneOfOrNone } from "./arguments.ts";
import type { Asked, Command, CommandServices, CommandOutcome } from "./command.ts";
import { literals } from "./menu-schema.ts";
import { destinationOf } from "./destination-of-model.ts";
import { whereWordsGo } from "./where-words-go.ts";

/** A room's choices about messages that would leave the network. */
const DECISIONS = ["allow", "deny", "default"] as const;
export type PrivacyDecision = (typeof DECISIONS)[number];

/** Shows the recipients of messages, or decides for one agent whether they may leave. */
export const privacy: Command<PrivacyDecision | undefined> = {
  name: "privacy",
  group: "everyday",
  example: "",
  parameters: [{ key: "decision", schema: literals(DECISIONS), optional: true }],
  isBare: true,
  meaning: (words) => words.commands.privacy.meaning,
  takes: () => `[${DECISIONS.join(" | ")}]`,
  read: (rest) => oneOfOrNone(DECISIONS, rest),
  isForModerators: (decision) => decision !== undefined,
  carryOut: async (services, asked, decision) => {
    const { agent, words } = asked;
    if (agent === undefined || services.provider(agent.provider) === undefined) return { words: words.noProvider };
    if (decision === undefined) return { words: await whereWordsGo(services, asked) };
    return decide(services, asked, decision);
  },
};

async function decide(services: CommandServices, asked: Asked, decision: PrivacyDecision): Promise<CommandOutcome> {
  const { consents, turns, limits, turnQueued, failureNotices } = services;
  const { ghost, message, agent, words, call } = asked;
  const { roomId, sender } = message;
  const provider = agent && services.provider(agent.provider);
  if (agent === undefined || provider === undefined) return { words: words.noProvider };
  const { model = agent.model ?? "" } = await services.settings.get(ghost.userId, roomId);
  const destination = await destinationOf(services, provider, model);
  // The answer must not claim that nothing leaves where that is unknown.
  if (destination === undefined) return { words: words.modelsUnknown(provider.name) };
  const named = { agent: agent.displayName, call, ...destination };
  if (destination.locality === "local") return { words: words.consent.unneeded(agent.displayName) };
  const policy = await services.privacy.policyIn(message);
  if (decision === "allow" && policy === "deny") {
    return { words: words.consent.denied(named, await services.privacy.ruleIn(message)) };
  }
  // Where devices need not be trusted, unencrypted messages are read too, and the homeserver could have forged this
  // one.
  if (decision !== "deny" && !message.encrypted && (await services.isEncrypted(roomId))) {
    return { words: words.saidInClear };
  }
  if (decision === "default") {
    return {
      words: words.consent.revoked[policy](named),
      store: (tx) => consents.revoke(tx, roomId, ghost.userId, sender),
    };
  }
  const granted = decision === "allow";
  const where = { roomId, ghost: ghost.userId, target: targetOf(destination.provider, destination.host) };
  return {
    words: granted ? words.consent.allowed(named) : words.consent.nowDeclined[policy](named),
    store: async (tx) => {
      await consents.decide(tx, where, { granted, encrypted: message.encrypted }, sender);
      await afterDecision(tx, where, granted, { turns, limits, failureNotices, words });
    },
    after: turnQueued,
  };
}
