import type { Words } from "../language/words.ts";
import type { Command } from "./command.ts";

/** How a command is written: its name, and what can follow it. */
export function formOf(words: Words, command: Command): string {
  return written(command.name, command.takes?.(words));
}

/** A command as it may be written. */
export function exampleOf({ name, example }: Command): string {
  return written(name, example);
}

/**
 * What is said to a command that is written wrongly.
 *
 * @param call what stands before a command so that it is for this agent.
 */
export function wrongForm(words: Words, command: Command, call: string): string {
  const form = formOf(words, command);
  const example = exampleOf(command);
  return words.wrongForm(`${call}${form}`, form === example ? undefined : `${call}${example}`);
}

function written(name: string, rest = ""): string {
  return rest === "" ? `!${name}` : `!${name} ${rest}`;
}
