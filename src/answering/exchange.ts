import { callNames, type ListedAgent } from "../agents/agents.ts";
import { LANGUAGES, wordsIn } from "../language/languages.ts";
import { calledFirst, MOST_CALLED, Roll, type Callee } from "../addressing/call.ts";

/** An agent's names in answers: its localpart, which no model has to guess, and its display name. */
function calleeOf({ userId, agent }: ListedAgent): Callee {
  return { userId, names: [userId, userId.slice(1), agent.localpart, ...callNames(agent)] };
}

/** The agents that an agent's answer asks: those whose `@` and name begin a line. Code and quotes ask nobody. */
export function callsIn(markdown: string, others: readonly ListedAgent[]): ListedAgent[] {
  const lines = markdown
    .replace(/^ {0,3}(`{3,}|~{3,})[\s\S]*?(?:^ {0,3}\1|(?![\s\S]))/gm, "")
    .split("\n")
    .map((line) => line.replace(/^\s*(?:[-*+]\s+|\d+[.)]\s+)?(?:\*{1,2}|_{1,2})?/, ""))
    .filter((line) => line.startsWith("@"));
  const roll = new Roll(others.map(calleeOf));
  const called = new Set(lines.flatMap((line) => calledFirst(line, roll)));
  return others.filter(({ userId }) => called.has(userId));
}

/** Words of any language between two agents' names, or between a name and the text. */
const JOINED = new RegExp(
  `^(?:${LANGUAGES.flatMap((language) => wordsIn(language).joiningWords).join("|")})\\s+(?=@?\\S)`,
  "i",
);

/** The agents named at the beginning of a text, and the rest; `and` and commas between them are skipped. */
export function namedAgents(
  text: string,
  others: readonly ListedAgent[],
): { readonly named: readonly ListedAgent[]; readonly rest: string } {
  const named: ListedAgent[] = [];
  const roll = new Roll(others.map(calleeOf));
  let rest = text.trim().normalize("NFC");
  for (let count = 0; count < MOST_CALLED; count++) {
    const name = roll.nameAtStart(rest);
    const found = others.find(({ userId }) => userId === name?.userIds[0]);
    if (name === undefined || found === undefined) break;
    if (!named.includes(found)) named.push(found);
    rest = rest
      .slice(name.length)
      .replace(/^[\s,:;&]+/, "")
      .replace(JOINED, "")
      .trimStart();
  }
  return { named, rest };
}

/**
 * The next speaker of a discussion, among the agents that are still there; undefined when it is over, or no other agent
 * is left.
 */
export function nextSpeaker(
  participants: readonly string[],
  speaker: string,
  isThere: (userId: string) => boolean,
): string | undefined {
  const at = participants.indexOf(speaker);
  const inTurn = [...participants.slice(at + 1), ...participants.slice(0, Math.max(at, 0))];
  return inTurn.find(isThere);
}
