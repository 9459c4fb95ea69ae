import type { Words } from "../language/words.ts";
import type { Distrust } from "../permissions/trust.ts";
import { escapeMarkdown } from "../text/markdown.ts";

/**
 * What is said of a message whose key has not come. Asking a client for it does not help; sending the message again does.
 *
 * @param withheld The sender's client's own reason to keep the key back (spec "Reporting that decryption keys are
 * withheld"), if it gave one.
 */
export function describeMissingKey({ missingKey }: Words, agentName: string, withheld: string | undefined): string {
  switch (withheld) {
    case "m.unverified":
      return missingKey.unverified(agentName);
    case "m.blacklisted":
      return missingKey.blacklisted(agentName);
    case "m.no_olm":
    case "m.unavailable":
    case "m.unauthorised":
      return missingKey.unavailable(agentName);
    case undefined:
    default:
      return missingKey.other(agentName);
  }
}

/** Somebody whom a notice names. */
export interface Person {
  readonly userId: string;
  /** The name they go by in the room, which they have chosen. */
  readonly displayName: string;
}

/**
 * What is said to somebody whose device or identity is not trusted enough (MSC4153). It is readable on that device too.
 * Where an identity has changed, nobody may be taken for another one: there the user id stands beside the name.
 *
 * @param person undefined in their own direct chat, where nobody else reads it.
 */
export function describeDistrust(
  { distrust }: Words,
  agentName: string,
  person: Person | undefined,
  why: Distrust,
): string {
  return distrust[why](agentName, person && (why === "unsigned_device" ? nameOf(person) : identityOf(person)));
}

/** The longest name that is shown, in characters. */
const LONGEST_NAME = 64;

/**
 * The name of a person, as plain text in markdown. One that could be taken for a user id, or that shows nothing, has its
 * user id beside it.
 */
export function nameOf(person: Person): string {
  const name = plainName(person);
  // In every form that characters have: what looks like an id, or that clients make a link of.
  const shown = name.replaceAll("\\", "").normalize("NFKC");
  return name === "" || /@\S|\S[:.]\S/.test(shown) ? identityOf(person) : name;
}

/** The name of a person with their user id, for whoever has to be sure. */
export function identityOf(person: Person): string {
  const name = plainName(person);
  const id = `\`${person.userId.replaceAll("`", "")}\``;
  return name === "" ? id : `${name} (${id})`;
}

function plainName({ userId, displayName }: Person): string {
  return displayName === userId ? "" : plainWords(displayName);
}

/**
 * Words that somebody has chosen, for markdown: as many as a name has, without line breaks, what turns text around or is
 * invisible; nothing in them is markdown, or becomes a link.
 */
export function plainWords(text: string): string {
  const words = text
    .slice(0, 4 * LONGEST_NAME)
    .replace(/[\p{C}\s\\[\]$`<>|\u{115F}\u{1160}\u{2800}\u{3164}\u{FFA0}]+/gu, " ")
    .trim()
    .slice(0, LONGEST_NAME)
    .toWellFormed();
  return escapeMarkdown(words);
}
