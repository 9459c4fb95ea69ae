import { completionScript, isShell, SHELLS } from "../completion/script.ts";
import { defineCommand } from "../command.ts";
import { inWords } from "../command-line.ts";
import { UsageError } from "../usage-error.ts";

/** Prints a script for a shell. Throws UsageError. */
export const command = defineCommand({
  summary: "print a script that completes commands and options in a shell",
  arguments: {
    bash: 'in ~/.bashrc: eval "$(matrix-agents completion bash)"',
    zsh: 'in ~/.zshrc, below compinit: eval "$(matrix-agents completion zsh)"',
    fish: "in ~/.config/fish/config.fish: matrix-agents completion fish | source",
  },
  options: {},
  examples: ["matrix-agents completion bash > /etc/bash_completion.d/matrix-agents"],
  async run(_values, [shell, ...more], all) {
    if (shell === undefined || more.length > 0 || !isShell(shell)) {
      throw new UsageError(`completion needs one shell: ${inWords(SHELLS)}`);
    }
    process.stdout.write(completionScript(shell, await all()));
    return 0;
  },
});
