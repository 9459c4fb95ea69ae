import type { Words } from "../language/words.ts";
import type { Distrust } from "../permissions/trust.ts";
import { escapeMarkdown } from "../text/markdown.ts";

/**
 * The notice of a message whose key has not come. Asking the client for the key does not help; sending the message
 * again does.
 *
 * @param withheld The reason that the sender's client gave for not sending the key (spec "Reporting that decryption
 * keys are withheld"), if any.
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

/** A person whom a notice names. */
export interface Person {
  readonly userId: string;
  /** The person's own choice of name in the room. */
  readonly displayName: string;
}

/**
 * The notice for a person whose device or identity is not trusted enough (MSC4153). It is readable on that device too.
 * Where an identity has changed, the user id stands beside the name, so that nobody is taken for another person.
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

/** The longest part of a name that is shown, in characters. */
const LONGEST_NAME = 64;

/**
 * A person's name, as plain text in markdown. A name that looks like a user id, or shows nothing, has the user id
 * beside it.
 */
export function nameOf(person: Person): string {
  const name = plainName(person);
  // Compared in every form of its characters: the name may look like an id, or be turned into a link by clients.
  const shown = name.replaceAll("\\", "").normalize("NFKC");
  return name === "" || /@\S|\S[:.]\S/.test(shown) ? identityOf(person) : name;
}

/** A person's name with the user id, for readers who must be sure. */
export function identityOf(person: Person): string {
  const name = plainName(person);
  const id = `\`${person.userId.replaceAll("`", "")}\``;
  return name === "" ? id : `${name} (${id})`;
}

function plainName({ userId, displayName }: Person): string {
  return displayName === userId ? "" : plainWords(displayName);
}

/**
 * A name that somebody chose, as plain text for markdown: cut, without line breaks, invisible characters and characters
 * that reverse text. No part of it is markdown or becomes a link.
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
