import { callNames, type ListedAgent } from "../agents/agents.ts";
import { wordsIn } from "../language/language.ts";
import { LANGUAGES } from "../language/languages.ts";
import { calledFirst, MOST_CALLED, Roll, type Callee } from "../addressing/call.ts";

/** How an agent is called in an answer: its localpart, which no model has to guess, or its name. */
function calleeOf({ userId, agent }: ListedAgent): Callee {
  return { userId, names: [userId, userId.slice(1), agent.localpart, ...callNames(agent)] };
}

/**
 * Whom an agent asks in its answer: those whom a line begins with, by `@` and a name. What stands in code or in a quote asks
 * nobody.
 */
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

/** Words of any language between two names of agents, or between them and what follows. */
const JOINED = new RegExp(
  `^(?:${LANGUAGES.flatMap((language) => wordsIn(language).joiningWords).join("|")})\\s+(?=@?\\S)`,
  "i",
);

/** The agents that a text begins with, and what follows; `and` and commas between them count for nothing. */
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

/** Who speaks next in a discussion, of those who are there still; undefined when it is over, or nobody else is there. */
export function nextSpeaker(
  participants: readonly string[],
  speaker: string,
  isThere: (userId: string) => boolean,
): string | undefined {
  const at = participants.indexOf(speaker);
  const inTurn = [...participants.slice(at + 1), ...participants.slice(0, Math.max(at, 0))];
  return inTurn.find(isThere);
}
