import type { Words } from "../language/words.ts";
import type { Command } from "./command.ts";

/** The written form of a command: its name and parameters. */
export function formOf(words: Words, command: Command): string {
  return written(command.name, command.takes?.(words));
}

/** An example of a command. */
export function exampleOf({ name, example }: Command): string {
  return written(name, example);
}

/**
 * The reply to a malformed command.
 *
 * @param call the words before a command that address this agent.
 */
export function wrongForm(words: Words, command: Command, call: string): string {
  const form = formOf(words, command);
  const example = exampleOf(command);
  return words.wrongForm(`${call}${form}`, form === example ? undefined : `${call}${example}`);
}

function written(name: string, rest = ""): string {
  return rest === "" ? `!${name}` : `!${name} ${rest}`;
}
