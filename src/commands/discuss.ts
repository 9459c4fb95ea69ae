import type { ListedAgent } from "../agents/agents.ts";
import { namedAgents } from "../answering/exchange.ts";
import { plainWords as withoutMarks } from "../answering/notices.ts";
import { LONGEST_TEXT } from "./arguments.ts";
import type { Asked, Command, CommandServices, CommandOutcome, Reading } from "./command.ts";
import { wrongForm } from "./form.ts";
import { TEXT } from "./menu-schema.ts";
import { notNowInWords } from "./not-now.ts";

/** A requested discussion: `rest` begins with the names of agents. */
interface Discussion {
  readonly turns: number | undefined;
  readonly rest: string;
}

/** The length of a discussion, unless a person says otherwise. */
const USUAL_TURNS = 4;

/** Starts a discussion among agents: the agent that gets the command has the first turn, on the topic. */
export const discuss: Command<Discussion> = {
  name: "discuss",
  group: "groups",
  example: "6 qwen Is water wet?",
  // The number of turns is written first but shown last, because it is optional.
  parameters: [
    { key: "turns", schema: { schema_type: "primitive", type: "integer" }, optional: true },
    {
      key: "agents",
      schema: { schema_type: "array", items: { schema_type: "primitive", type: "user_id" } },
      optional: false,
    },
    { key: "topic", schema: TEXT, optional: false },
  ],
  meaning: (words) => words.commands.discuss.meaning,
  takes: (words) => words.commands.discuss.takes,
  read: readDiscussion,
  carryOut: async (services, asked, wanted) => {
    const { message, words } = asked;
    if (message.direct) return { words: words.commands.discuss.notInDirectChats };
    const others = (await services.agentsIn(message.roomId)).filter(({ userId }) => userId !== asked.ghost.userId);
    const { partners, topic } = partnersIn(wanted.rest, others, message.content.mentions.userIds);
    const refusal = refusedPartners(services, asked, wanted, partners, others);
    if (refusal !== undefined) return { words: refusal };
    const { maxTurns } = services.exchangeLimits();
    const length = wanted.turns ?? Math.min(USUAL_TURNS, maxTurns);
    if (topic === "" || length < 1 || length > maxTurns) return { words: wrongForm(words, discuss, asked.call) };
    return begin(services, asked, { partners, topic, length });
  },
};

function readDiscussion(rest: string): Reading<Discussion> {
  const [, turns, topic = ""] = /^(?:(\d{1,3})\s)?\s*([\s\S]*)$/.exec(rest) ?? [];
  if (topic === "") return { kind: "wrong" };
  if (topic.length > LONGEST_TEXT) return { kind: "too_long", length: topic.length };
  return { kind: "right", argument: { turns: turns === undefined ? undefined : Number(turns), rest: topic } };
}

/** The other participants, by their names or by mentions, and the topic. */
function partnersIn(
  rest: string,
  others: readonly ListedAgent[],
  mentions: readonly string[],
): { readonly partners: readonly ListedAgent[]; readonly topic: string } {
  const { named, rest: topic } = namedAgents(rest, others);
  const mentioned = others.filter((one) => mentions.includes(one.userId) && !named.includes(one));
  return { partners: [...named, ...mentioned], topic };
}

/** The reason why those agents can't take part; undefined when they can. */
function refusedPartners(
  { permissions }: Pick<CommandServices, "permissions">,
  { message, words }: Asked,
  { rest }: Discussion,
  partners: readonly ListedAgent[],
  others: readonly ListedAgent[],
): string | undefined {
  const { noSuchAgent, notYourAgents } = words.commands.discuss;
  const { roomId, sender } = message;
  const may = ({ userId }: ListedAgent): boolean =>
    permissions.allows({ act: "message", userId: sender, ghost: userId, roomId });
  if (partners.length === 0) {
    const names = others.filter(may).map(({ agent }) => `\`${agent.name}\``);
    return noSuchAgent(withoutMarks(rest.split(/\s/)[0] ?? ""), names);
  }
  const closed = partners.filter((partner) => !may(partner));
  return closed.length === 0 ? undefined : notYourAgents(closed.map(({ agent }) => agent.displayName));
}

async function begin(
  { admission, exchanges, history, turns, turnQueued }: CommandServices,
  { ghost, message, agentName, words, threadRoot, call }: Asked,
  { partners, topic, length }: { partners: readonly ListedAgent[]; topic: string; length: number },
): Promise<CommandOutcome> {
  const { roomId, eventId, sender, sentAt, encrypted } = message;
  const wish = { asker: sender, roomId, ghost: ghost.userId };
  const notNow = await admission.check(wish);
  if (notNow !== undefined) return { words: notNowInWords(words, agentName, notNow) };
  const root = threadRoot ?? eventId;
  const speaker = await ghost.speakerOf(roomId, sender);
  const participants = [ghost.userId, ...partners.map(({ userId }) => userId)];
  const names = [agentName, ...partners.map(({ agent }) => agent.displayName)];
  return {
    words: words.commands.discuss.discussing(names, length, call),
    threadRoot: root,
    store: async (tx) => {
      await admission.take(tx, wish);
      await exchanges.begin(tx, { roomId, origin: eventId }, sender, { topic, participants, length, encrypted });
      const said = { eventId, author: "person", sender, speaker, body: topic, sentAt, encrypted } as const;
      const position = await history.remember(tx, ghost.userId, roomId, { ...said, threadRoot: root });
      const asked = { ghost: ghost.userId, roomId, eventId, asker: sender, position, threadRoot: root, encrypted };
      await turns.enqueue(tx, { ...asked, origin: eventId, hops: 0 });
    },
    after: turnQueued,
  };
}
