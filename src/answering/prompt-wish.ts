import { writtenCommand } from "../addressing/written-command.ts";
import { filledIn, namedFields, type FormAnswer } from "../tools/form-answer.ts";
import type { KnownPrompt } from "../tools/server-prompt.ts";
import type { FormField } from "../turns/call-input.ts";

/** A person's wish that a prompt of a server be put to the model. */
export interface PromptWish {
  readonly server: string;
  readonly name: string;
  /** The values of its arguments, as they were written. */
  readonly words: string;
}

/** Reads `SERVER NAME [argument=value …]`, as it follows `!prompt`; undefined where it is none. */
export function readPromptWish(rest: string): PromptWish | undefined {
  const [, server, name, words = ""] = /^(\S{1,64})\s+(\S{1,128})(?:\s([\s\S]*))?$/.exec(rest.trim()) ?? [];
  return server === undefined || name === undefined ? undefined : { server, name, words: words.trim() };
}

/** The wish that a remembered question consists of; undefined where it is another question. */
export function promptWishIn(question: string): PromptWish | undefined {
  const written = writtenCommand(question);
  return written?.name === "prompt" ? readPromptWish(written.rest) : undefined;
}

/** The values of a prompt's arguments. The only argument may be written without its name. */
export function promptArguments({ arguments: known }: KnownPrompt, words: string): FormAnswer {
  const fields = known.map(({ name, isRequired }): FormField => ({
    key: name,
    name,
    kind: "text",
    isRequired,
    choices: [],
  }));
  const [only, ...others] = fields;
  const named = namedFields(fields, words);
  const isBare = only !== undefined && others.length === 0 && !(named instanceof Map) && named.kind === "no_field";
  return filledIn(fields, isBare ? new Map([[only, words]]) : named);
}

/** How a prompt is written, with its needed arguments before the others. */
export function promptForm(server: string, { name, arguments: known }: KnownPrompt): string {
  const needed = known.filter(({ isRequired }) => isRequired).map((one) => ` ${one.name}=…`);
  const others = known.filter(({ isRequired }) => !isRequired).map((one) => ` [${one.name}=…]`);
  return `!prompt ${server} ${name}${needed.join("")}${others.join("")}`;
}
