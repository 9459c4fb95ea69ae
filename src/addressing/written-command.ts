import { isOwnWords, type Values } from "../rooms/setting-values.ts";
import { SETTINGS, type Setting } from "../rooms/settings.ts";

/** A command in its written form: `!name rest`. */
export interface WrittenCommand {
  readonly name: string;
  readonly rest: string;
}

/** The marks that people copy around a command: backticks, quotes, asterisks. */
const OPENING = /^[`"'“„«*_]{1,3}(?=\s?[!！][a-z])/i;
/** Around the command's name alone, or around the whole; a longer quotation is no command. */
const CLOSING_NAME = /^(\s?[!！][a-z]+)[`"'”“»*_]{1,3}(?=\s|[.…]?$)/i;
const CLOSING = /()[`"'”“»*_]{1,3}[.…]?$/;

/**
 * The command that a message consists of; undefined when it is none. Only people's messages are examined, never a
 * model's words. The command may be written as notices show it: in backticks or quotes, and with a full stop.
 */
export function writtenCommand(text: string): WrittenCommand | undefined {
  const plain = text.trim();
  const [opening] = OPENING.exec(plain) ?? [];
  const bare = opening === undefined ? plain : withoutClosing(plain.slice(opening.length));
  const [, name, rest = ""] = /^[!！]([a-z]+)(?:[.?…]{0,3}$|\s+([\s\S]*)$)/i.exec(bare) ?? [];
  return name === undefined ? undefined : { name: name.toLowerCase(), rest: rest.trim() };
}

/** Without the mark that closes an earlier one; unchanged where there is none. */
function withoutClosing(text: string): string {
  const closing = CLOSING_NAME.test(text) ? CLOSING_NAME : CLOSING;
  return closing.test(text) ? text.replace(closing, "$1").trim() : "";
}

/** The commands with a free argument: text in people's language, or a name. */
const OWN_WORDS: ReadonlyMap<string, Values["kind"]> = new Map([
  ["discuss", "text"],
  ["answer", "text"],
  ["prompt", "name"],
  ...Object.entries<Setting>(SETTINGS).flatMap(([name, { values }]): [string, Values["kind"]][] =>
    isOwnWords(values) ? [[name, values.kind]] : [],
  ),
]);

/** Whether a command's argument is free text. */
export function takesText({ name }: WrittenCommand): boolean {
  return OWN_WORDS.has(name);
}

/** The part of a command in people's language: not its fixed words, nor names of models. */
export function ownWords({ name, rest }: WrittenCommand): string {
  return OWN_WORDS.get(name) === "text" ? rest : "";
}
