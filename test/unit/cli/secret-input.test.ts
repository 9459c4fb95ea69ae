import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { eventually } from "../../support/eventually.ts";
import { inCheckout } from "../../support/paths.ts";
import { startProcess } from "../../support/process.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const url = (path: string): string => JSON.stringify(pathToFileURL(inCheckout(path)).href);

/** A program that ends as a command does which asks for a secret and prints it in quotes. */
const ASKING = `
  const { readSecret } = await import(${url("src/cli/secret-input.ts")});
  readSecret("passphrase", process.argv[2])
    .then((secret) => { console.log(JSON.stringify(secret)); return 0; })
    .catch((error) => { console.log(error.message); return error.exitCode; })
    .then((code) => { process.exitCode = code; });
`;

/** Types into a terminal on which the program runs; the terminal shows what it says. */
async function typed(keys: string): Promise<{ code: number | null; shown: string }> {
  const program = join(await temporaryDirectory("asking"), "program.mjs");
  await writeFile(program, ASKING);
  const child = await startProcess({
    command: "python3",
    args: [inCheckout("test/support/pseudo_terminal.py"), "200", "50", process.execPath, program],
  });
  let shown = "";
  child.onOutput((chunk) => (shown += chunk.toString()));
  await eventually("the question", () => shown.includes("passphrase: "), { instead: () => child.stderr.join("\n") });
  child.type(keys);
  const { code } = await child.exited;
  return { code, shown: shown.replaceAll("\r", "") };
}

describe("a secret that is typed", () => {
  it("is taken as it is, and not shown", async () => {
    assert.deepEqual(await typed(" pass phrase \r"), { code: 0, shown: 'passphrase: \n" pass phrase "\n' });
  });

  for (const [name, keys] of [
    ["Ctrl-C", "\u0003"],
    ["Ctrl-C after a part of it", "abc\u0003"],
    ["Ctrl-D", "\u0004"],
  ] as const) {
    it(`ends the command with 2 where the person gives up by ${name}`, async () => {
      const { code, shown } = await typed(keys);
      assert.equal(code, 2, shown);
      assert.equal(shown, "passphrase: \nno passphrase was given; nothing was changed\n");
    });
  }

  it("is none where it is empty", async () => {
    const { code, shown } = await typed("\r");
    assert.deepEqual([code, shown], [2, "passphrase: \nno passphrase was given\n"]);
  });
});

describe("a command that waits for something that can't come", () => {
  it("does not end as a success", async () => {
    const folder = await temporaryDirectory("endless");
    await mkdir(join(folder, "cli"));
    const main = await startProcess({
      command: "sh",
      args: [
        "-c",
        `sed 's#import("./cli/exit-code.ts")#import("./endless.mjs")#' ${inCheckout("src/main.js")} > ${folder}/main.mjs
echo 'export const exitCodeOf = () => new Promise(() => {});' > ${folder}/endless.mjs
exec ${process.execPath} ${folder}/main.mjs`,
      ],
    });
    assert.deepEqual(await main.exited, { code: 1, signal: null });
    assert.match(main.stderr.join("\n"), /the command ended before it was done/);
  });
});

describe("a secret on standard input", () => {
  it("that can't be read ends the command with 1, in words", async () => {
    const folder = await temporaryDirectory("asking");
    const program = join(folder, "program.mjs");
    await writeFile(program, ASKING);
    const script = 'exec "$0" "$1" 0> "$2"';
    const child = await startProcess({
      command: "sh",
      args: ["-c", script, process.execPath, program, join(folder, "for-writing")],
    });
    const { code } = await child.exited;
    assert.deepEqual(child.stdout, ["standard input can't be read: it is not open for that"]);
    assert.equal(code, 1);
  });
});
