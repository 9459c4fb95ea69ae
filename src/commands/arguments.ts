import type { Reading } from "./command.ts";

/** A system prompt, a note or a topic longer than this leaves no room for the conversation, in characters. */
export const LONGEST_TEXT = 4_000;

/** What stands behind a command that knows a few words only: their case does not count, nor a full stop. */
export function plainWords(rest: string): string {
  return unquoted(rest)
    .toLowerCase()
    .replace(/[.…!?]{1,3}$/, "")
    .trim();
}

/** The same words without the quotation marks or backticks around them. */
export function unquoted(rest: string): string {
  return rest.replace(/^[`"'“„«]/, "").replace(/[`"'”“»](?=[.…]?$)/, "");
}

/** One of a few words, or nothing. */
export function oneOfOrNone<const T extends string>(choices: readonly T[], rest: string): Reading<T | undefined> {
  const word = plainWords(rest);
  const argument = choices.find((one) => one === word);
  return word === "" || argument !== undefined ? { kind: "right", argument } : { kind: "wrong" };
}
