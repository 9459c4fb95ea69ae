import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { runCommand } from "../support/command.ts";
import { ensurePrograms } from "../support/debian.ts";
import { eventually } from "../support/eventually.ts";
import { inCheckout } from "../support/paths.ts";
import { startProcess } from "../support/process.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** How each shell starts without anybody's own settings, and how it reads the script; the command prints its words. */
const SHELLS = {
  bash: {
    args: ["--norc", "-i"],
    begin: "source ./script; matrix-agents() { if [[ $2 == agents ]]; then echo llama; else echo ran: $*; fi; }",
  },
  zsh: {
    args: ["-f", "-i"],
    begin:
      "autoload -Uz compinit; compinit -u -D; source ./script; matrix-agents() { if [[ $2 == agents ]]; then echo llama; else echo ran: $*; fi }",
  },
  fish: {
    args: ["--no-config", "-i"],
    begin:
      'source ./script; function matrix-agents; if test "$argv[2]" = agents; echo llama; else; echo ran: $argv; end; end',
  },
} as const;

for (const shell of ["bash", "zsh", "fish"] as const) {
  const missing = ensurePrograms({ commands: [shell], packages: [shell] });
  describe(`${shell} on a terminal`, { skip: missing ?? false }, () => {
    let folder: string;

    before(async () => {
      folder = await temporaryDirectory("completion");
      const { code, stdout, stderr } = await runCommand(["completion", shell]);
      assert.deepEqual([code, stderr], [0, ""]);
      await writeFile(join(folder, "script"), stdout);
      await writeFile(join(folder, "settings.yaml"), "");
    });

    it("completes commands, words, options and files", async () => {
      const { args, begin } = SHELLS[shell];
      const run = await startProcess({
        command: "python3",
        args: [inCheckout("test/support/pseudo_terminal.py"), "200", "50", shell, ...args],
        cwd: folder,
        env: { HOME: folder, TERM: "xterm" },
      });
      let shown = "";
      run.onOutput((chunk) => (shown += chunk.toString()));
      const ends = (words: string): boolean => shown.split(/\r?\n|\r/).some((line) => line.trim() === words);
      try {
        run.type(`${begin}; echo rea""dy\r`);
        await eventually("the shell to have read the script", () => shown.includes("ready"), { instead: () => shown });
        for (const [typed, completed] of [
          ["doc\t", "doctor"],
          ["keys rec\t llama", "keys recovery-key llama"],
          ["mailbox ret\t 3", "mailbox retry 3"],
          ["doctor --js\t", "doctor --json"],
          ["keys export --sec\t x", "keys export --secret-file x"],
          ["doctor -c sett\t", "doctor -c settings.yaml"],
          ["backup sett\t", "backup settings.yaml"],
          ["completion fi\t", "completion fish"],
          ["help ini\t", "help init"],
          ["keys new-device ll\t", "keys new-device llama"],
          ["doctor --agent ll\t", "doctor --agent llama"],
        ] as const) {
          run.type(`matrix-agents ${typed}\r`);
          await eventually(`${JSON.stringify(typed)} to become ${completed}`, () => ends(`ran: ${completed}`), {
            instead: () => shown,
          });
        }
      } finally {
        await run.stop({ signal: "SIGKILL" });
      }
    });
  });
}
