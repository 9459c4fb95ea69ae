import { addressedName } from "./addressing.ts";
import { profileName } from "../ghost/agents.ts";
import type { ListedAgent } from "./bot.ts";

/** How an agent is called in an answer: its localpart, which no model has to guess, or its name. */
function namesOf({ userId, agent }: ListedAgent): string[] {
  return [userId.slice(1), agent.localpart, agent.name, agent.displayName, profileName(agent)];
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
  return others.filter((other) => lines.some((line) => addressedName(line, namesOf(other)) !== undefined));
}

/** The agents that a text begins with, and what follows; `and` and commas between them count for nothing. */
export function namedAgents(
  text: string,
  others: readonly ListedAgent[],
): { readonly named: readonly ListedAgent[]; readonly rest: string } {
  const named: ListedAgent[] = [];
  for (let rest = text.trim(); ;) {
    const found = others
      .map((other) => ({ other, name: addressedName(rest, [...namesOf(other), other.userId]) }))
      .filter((match): match is { other: ListedAgent; name: string } => match.name !== undefined)
      .sort((a, b) => b.name.length - a.name.length)[0];
    if (found === undefined) return { named, rest };
    if (!named.includes(found.other)) named.push(found.other);
    rest = rest
      .normalize("NFC")
      .slice(found.name.length)
      .replace(/^[\s,:;&]+/, "")
      .replace(/^(?:and|und|with|mit)\s+(?=@?\S)/i, "")
      .trimStart();
  }
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

/** People whom an answer names by their ids, of those who took part in what it answers. */
export function namedPeople(markdown: string, people: Iterable<string>): string[] {
  return [...new Set(people)].filter((userId) =>
    new RegExp(`${RegExp.escape(userId)}(?![\\w.-]*[\\w-])`).test(markdown),
  );
}
