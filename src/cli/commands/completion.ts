import { loadConfig } from "../../config/load.ts";
import { agentNames } from "../agent-names.ts";
import { completionScript, isShell, SHELLS } from "../completion/script.ts";
import { defineCommand } from "../command.ts";
import { inWords } from "../command-line.ts";
import { UsageError } from "../usage-error.ts";

/** Prints a script for a shell, or the names that such a script asks for. Throws UsageError, and ConfigError for these. */
export const command = defineCommand({
  summary: "print a script that completes commands, options and agents in a shell",
  arguments: {
    bash: 'in ~/.bashrc: eval "$(matrix-agents completion bash)"',
    zsh: 'in ~/.zshrc, below compinit: eval "$(matrix-agents completion zsh)"',
    fish: "in ~/.config/fish/config.fish: matrix-agents completion fish | source",
    agents: "the names of the agents, for which the scripts ask",
  },
  options: {},
  examples: ["matrix-agents completion bash > /etc/bash_completion.d/matrix-agents"],
  async run({ config: file }, [shell, ...more], all) {
    if (shell === "agents" && more.length === 0) {
      const { names, isLate } = await agentNames(await loadConfig(file));
      process.stdout.write(names.map((name) => `${name}\n`).join(""));
      if (isLate) process.exit(0);
      return 0;
    }
    if (shell === undefined || more.length > 0 || !isShell(shell)) {
      throw new UsageError(`completion needs one shell: ${inWords(SHELLS, "or")}`);
    }
    process.stdout.write(completionScript(shell, await all()));
    return 0;
  },
});
