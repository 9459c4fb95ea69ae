import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { NamedCommand } from "../../../src/cli/command.ts";
import { loadCommands } from "../../../src/cli/command-list.ts";
import { completionScript, SHELLS } from "../../../src/cli/completion/script.ts";
import { startProcess } from "../../support/process.ts";

let commands: readonly NamedCommand[];
before(async () => {
  commands = await loadCommands(() => true);
});

describe("the completion for each shell", () => {
  for (const shell of SHELLS) {
    it(`has every command and every option for ${shell}`, () => {
      const script = completionScript(shell, commands);
      for (const { name, command } of commands) {
        assert.ok(script.includes(`'${name}'`), name);
        for (const option of Object.keys(command.options)) {
          assert.match(script, new RegExp(shell === "fish" ? `-l ${option}\\b` : `--${option}\\b`));
        }
      }
    });
  }
});

describe("bash completes", () => {
  /** The words that bash offers for the last of these. */
  async function offered(...words: readonly string[]): Promise<string[]> {
    const program = `${completionScript("bash", commands)}
matrix-agents() { [[ "$1 $2" == "completion agents" ]] && printf '%s\\n' llama mistral "of:\${*:3}"; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _matrix_agents; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const bash = await startProcess({
      command: "bash",
      args: ["--norc", "-c", program, "bash", "matrix-agents", ...words],
      cwd: import.meta.dirname,
    });
    assert.deepEqual([(await bash.exited).code, bash.stderr], [0, []]);
    return bash.stdout.filter((line) => line !== "").sort();
  }

  for (const [words, expected] of [
    [["doc"], ["doctor"]],
    [["ke"], ["keys"]],
    [["keys", "rec"], ["recovery-key"]],
    [
      ["keys", "re"],
      ["recovery-key", "reset-identity", "restore"],
    ],
    [["help", "keys", "back"], ["backup"]],
    [["help", "ma"], ["mailbox"]],
    [
      ["mailbox", ""],
      ["drop", "list", "retry"],
    ],
    [["mailbox", "retry", ""], []],
    [
      ["completion", ""],
      ["agents", "bash", "fish", "zsh"],
    ],
    [["doctor", "--j"], ["--json"]],
    [["doctor", "--json", "--ro"], ["--roundtrip"]],
    [
      ["keys", "export", "--"],
      ["--config", "--help", "--secret-file"],
    ],
    [["doctor", "--agent", "ll"], ["llama"]],
    [["doctor", "--agent", "=", "mi"], ["mistral"]],
    [["keys", "new-device", "l"], ["llama"]],
    [["fingerprints", "m"], ["mistral"]],
    [["-c", "other.yaml", "adopt", "of"], ["of:-c"]],
    [["adopt", "--config", "=", "other.yaml", "oth"], ["other.yaml"]],
    [["keys", "export", "l"], ["llama"]],
    [["keys", "export", "llama", "main.t"], ["main.test.ts"]],
    [["adopt", "llama", "m"], []],
    [["audit", "--since", ""], []],
    [["doctor", "--config", "main.t"], ["main.test.ts"]],
    [["doctor", "-c", "main.t"], ["main.test.ts"]],
    [["doctor", "--config", "=", "main.t"], ["main.test.ts"]],
    [["-c", "main.test.ts", "doc"], ["doctor"]],
    [["--config", "=", "main.test.ts", "doc"], ["doctor"]],
    [["backup", "main.t"], ["main.test.ts"]],
    [["doctor", "main.t"], []],
    [["nosuch", ""], []],
  ] as const) {
    it(JSON.stringify(words), async () => {
      assert.deepEqual(await offered(...words), expected);
    });
  }
});
