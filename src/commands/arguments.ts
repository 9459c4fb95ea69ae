import type { Reading } from "./command.ts";

/** The longest system prompt, note or topic, in characters: a longer one leaves no room for the conversation. */
export const LONGEST_TEXT = 4_000;

/** The text after a command that knows only a few words: case and a full stop are ignored. */
export function plainWords(rest: string): string {
  return unquoted(rest)
    .toLowerCase()
    .replace(/[.…!?]{1,3}$/, "")
    .trim();
}

/** The same words without quotation marks or backticks around them. */
export function unquoted(rest: string): string {
  return rest.replace(/^[`"'“„«]/, "").replace(/[`"'”“»](?=[.…]?$)/, "");
}

/** One of a few words, or nothing. */
export function oneOfOrNone<const T extends string>(choices: readonly T[], rest: string): Reading<T | undefined> {
  const word = plainWords(rest);
  const argument = choices.find((one) => one === word);
  return word === "" || argument !== undefined ? { kind: "right", argument } : { kind: "wrong" };
}
