import type { WrittenCommand } from "../addressing/written-command.ts";
import type { Words } from "../language/words.ts";
import { commandNamed } from "./all.ts";
import { LONGEST_TEXT, plainWords } from "./arguments.ts";
import type { Command, Reading } from "./command.ts";
import { wrongForm } from "./form.ts";

/** The reading of a written command: a known command with its argument, or a malformed one. */
export type ReadCommand = { readonly kind: "right"; readonly command: Command; readonly argument: unknown } | Misspelt;

/** A malformed command. */
export type Misspelt =
  | { readonly kind: "unknown"; readonly name: string }
  | { readonly kind: "wrong"; readonly command: Command }
  /** `length` is in characters. */
  | { readonly kind: "too_long"; readonly length: number };

/** Reads a command. */
export function readCommand({ name, rest }: WrittenCommand): ReadCommand {
  const command = commandNamed(name);
  if (command === undefined) return { kind: "unknown", name };
  const reading = command.read?.(rest) ?? nothing(rest);
  switch (reading.kind) {
    case "right":
      return { kind: "right", command, argument: reading.argument };
    case "wrong":
      return { kind: "wrong", command };
    case "too_long":
      return reading;
  }
}

function nothing(rest: string): Reading<undefined> {
  return plainWords(rest) === "" ? { kind: "right", argument: undefined } : { kind: "wrong" };
}

/** The longest part of an unknown command that is repeated, in characters. */
const LONGEST_NAME = 30;

/**
 * The reply to a malformed command: the right form, and an example.
 *
 * @param call the words before a command that address this agent.
 */
export function describeMisspelt(words: Words, misspelt: Misspelt, call = ""): string {
  switch (misspelt.kind) {
    case "unknown":
      return words.unknownCommand(misspelt.name.slice(0, LONGEST_NAME), call);
    case "wrong":
      return wrongForm(words, misspelt.command, call);
    case "too_long":
      return words.tooLong(misspelt.length, LONGEST_TEXT);
  }
}
