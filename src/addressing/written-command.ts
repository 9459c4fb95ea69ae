import { isOwnWords, type Values } from "../rooms/setting-values.ts";
import { SETTINGS, type Setting } from "../rooms/settings.ts";

/** A command as somebody has written it: `!name rest`. */
export interface WrittenCommand {
  readonly name: string;
  readonly rest: string;
}

/** What people write around a command that they saw so: backticks, quotes, asterisks. */
const OPENING = /^[`"'“„«*_]{1,3}(?=\s?[!！][a-z])/i;
/** Around the command's name alone, or around all of it; a quotation that goes on is a quotation. */
const CLOSING_NAME = /^(\s?[!！][a-z]+)[`"'”“»*_]{1,3}(?=\s|[.…]?$)/i;
const CLOSING = /()[`"'”“»*_]{1,3}[.…]?$/;

/**
 * The command that a message is; undefined when it is none. Only people's messages are looked at, never a model's words. It
 * may be written as notices show it: in backticks or quotes, and with a full stop behind.
 */
export function writtenCommand(text: string): WrittenCommand | undefined {
  const plain = text.trim();
  const [opening] = OPENING.exec(plain) ?? [];
  const bare = opening === undefined ? plain : withoutClosing(plain.slice(opening.length));
  const [, name, rest = ""] = /^[!！]([a-z]+)(?:[.?…]{0,3}$|\s+([\s\S]*)$)/i.exec(bare) ?? [];
  return name === undefined ? undefined : { name: name.toLowerCase(), rest: rest.trim() };
}

/** Without the mark that closes what another one has opened; nothing where none does. */
function withoutClosing(text: string): string {
  const closing = CLOSING_NAME.test(text) ? CLOSING_NAME : CLOSING;
  return closing.test(text) ? text.replace(closing, "$1").trim() : "";
}

/** What may be anything behind a command: text in a language of people's own, or a name. */
const OWN_WORDS: ReadonlyMap<string, Values["kind"]> = new Map([
  ["discuss", "text"],
  ...Object.entries<Setting>(SETTINGS).flatMap(([name, { values }]): [string, Values["kind"]][] =>
    isOwnWords(values) ? [[name, values.kind]] : [],
  ),
]);

/** Whether what stands behind a command is text of people's own, in which everything may stand. */
export function takesText({ name }: WrittenCommand): boolean {
  return OWN_WORDS.has(name);
}

/** What of a command is in a language of people: not the words that it knows, nor the names of models. */
export function ownWords({ name, rest }: WrittenCommand): string {
  return OWN_WORDS.get(name) === "text" ? rest : "";
}
