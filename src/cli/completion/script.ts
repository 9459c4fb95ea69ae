import type { NamedCommand } from "../command.ts";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { grammarOf } from "./grammar.ts";
import { zshScript } from "./zsh.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** A shell for which there is a script. */
export type Shell = keyof typeof SCRIPTS;

export const SHELLS = Object.keys(SCRIPTS) as readonly Shell[];

export function isShell(word: string): word is Shell {
  return Object.hasOwn(SCRIPTS, word);
}

/** A script that completes the words of these commands and their options. It starts no program when it completes. */
export function completionScript(shell: Shell, commands: readonly NamedCommand[]): string {
  return SCRIPTS[shell](grammarOf(commands));
}
