import assert from "node:assert/strict";
import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type { Command } from "../../../src/cli/command.ts";
import { loadCommands } from "../../../src/cli/command-list.ts";
import { parseCommand, readCommandLine } from "../../../src/cli/command-line.ts";
import { inCheckout } from "../../support/paths.ts";

/** A command line as a page shows it, and the page. */
interface Shown {
  readonly page: string;
  readonly words: readonly string[];
  /** Whether it stands in a block for a shell, to be copied as it is. */
  readonly isToCopy: boolean;
}

const commands = new Map<string, Command>();
let scripts: ReadonlySet<string>;
const shown: Shown[] = [];

before(async () => {
  for (const { name, command } of await loadCommands(() => true)) commands.set(name, command);
  const manifest = JSON.parse(await readFile(inCheckout("package.json"), "utf8")) as { scripts: object };
  scripts = new Set(Object.keys(manifest.scripts));
  const pages = await readdir(inCheckout("docs"), { recursive: true });
  const documents = [
    ...["README.md", "SECURITY.md", "CONTRIBUTING.md"],
    ...pages.filter((page) => page.endsWith(".md")).map((page) => join("docs", page)),
  ];
  for (const page of documents) {
    const text = await readFile(inCheckout(page), "utf8");
    shown.push(...commandLines(text).map((line) => ({ page, ...line })));
  }
});

/** The command lines of a page: each line of a block for a shell, and what stands in code in a sentence. */
function commandLines(text: string): Pick<Shown, "words" | "isToCopy">[] {
  const blocks = [...text.matchAll(/^ *```(?:sh|console)?\n([^]*?)^ *```/gm)].flatMap(([, block = ""]) =>
    block.split("\n"),
  );
  const inText = [...text.replaceAll(/^ *```[^]*?^ *```/gm, "").matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
  return [
    ...blocks.flatMap(wordsOf).map((words) => ({ words, isToCopy: true })),
    ...inText.flatMap(wordsOf).map((words) => ({ words, isToCopy: false })),
  ];
}

/** The words of each command of a line. */
function wordsOf(line: string): string[][] {
  return line
    .replace(/^\s*\$ /, "")
    .replace(/ +#.*$/, "")
    .split(/ && |; | \| /)
    .map((part) => part.trim().split(/\s+/))
    .map((words) => words.map((word) => word.replaceAll(/^['"]|['"]$/g, "")))
    .map(([first = "", ...rest]) => (first === "sudo" ? rest.slice(rest[0] === "-u" ? 2 : 0) : [first, ...rest]));
}

describe("a command line in the documents", () => {
  it("of matrix-agents names a command and options that there are", () => {
    const ours = shown.filter(({ words: [program, ...rest] }) => program === "matrix-agents" && rest.length > 0);
    assert.ok(ours.length > 60, String(ours.length));
    for (const { page, words, isToCopy } of ours) {
      const line = words.slice(1).filter((word) => !/^[….]+$/.test(word));
      // In a sentence an option may stand for itself.
      if (!isToCopy && line.at(-1)?.startsWith("--") === true) line.push("VALUE");
      if (line.length === 0 || line.includes("COMMAND")) continue;
      try {
        const asked = readCommandLine(line, [...commands.keys()]);
        if (asked.kind !== "run") continue;
        parseCommand(asked.name, asked.rest, commands.get(asked.name)?.options ?? {});
      } catch (error) {
        assert.fail(`${page}: ${words.join(" ")}: ${String(error)}`);
      }
    }
  });

  it("of npm names a script that there is", () => {
    const ours = shown.filter(({ words: [program, verb] }) => program === "npm" && verb === "run");
    assert.ok(ours.length > 20, String(ours.length));
    for (const { page, words } of ours) {
      const script = words.slice(2).find((word) => !word.startsWith("--"));
      assert.ok(script !== undefined && scripts.has(script), `${page}: ${words.join(" ")}`);
    }
  });

  it("names files that there are", async () => {
    const ours = shown.filter(
      ({ isToCopy, words: [program = ""] }) => isToCopy && /^(node|docker\/\S+|bin\/\S+)$/.test(program),
    );
    assert.ok(ours.length > 0);
    for (const { page, words } of ours) {
      const file = words.find((word) => /^(docker|bin|test|quickstart|src|dist)\/\S+/.test(word));
      if (file === undefined) continue;
      const source = file.replace(/^dist\/(.*)$/, "src/$1");
      await assert.doesNotReject(access(inCheckout(source)), `${page}: ${words.join(" ")}`);
    }
  });
});
