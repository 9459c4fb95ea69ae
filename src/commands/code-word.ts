import type { WrittenCommand } from "../addressing/written-command.ts";
import { LANGUAGES, wordsIn } from "../language/languages.ts";
import { readCode } from "../turns/call-code.ts";
import { plainWords } from "./arguments.ts";

/** A word that agrees or refuses, and perhaps a code. */
const LONGEST = 40;

const WORDS: ReadonlyMap<string, "approve" | "refuse"> = new Map(
  LANGUAGES.flatMap((language) => {
    const { agreeing, refusing } = wordsIn(language).tools;
    return [
      ...agreeing.map((word) => [word, "approve"] as const),
      ...refusing.map((word) => [word, "refuse"] as const),
    ];
  }),
);

/** The command that a message such as “yes BCDF” stands for. */
export function codeWord(text: string): WrittenCommand | undefined {
  if (text.length > LONGEST) return undefined;
  const [word = "", code = "", ...more] = plainWords(text.trim()).split(/[\s,:]+/);
  const name = WORDS.get(word);
  return name === undefined || more.length > 0 || readCode(code) === undefined ? undefined : { name, rest: code };
}

/** The command that a message such as “yes” begins, in reply to a question. */
export function plainWord(text: string): "approve" | "refuse" | undefined {
  return text.length > LONGEST ? undefined : WORDS.get(plainWords(text.trim()));
}

/** Whether a command is a word about a call that waits. */
export function isToolWord({ name }: WrittenCommand): boolean {
  return name === "approve" || name === "answer" || name === "refuse";
}
