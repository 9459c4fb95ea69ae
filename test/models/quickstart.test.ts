import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { load } from "js-yaml";
import { eventually } from "../support/eventually.ts";
import { endOf, processesOf, PROOF, RUN_LIMIT_MS, startOnTerminal, startQuickstart } from "../support/quickstart.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** It takes the model some seconds to answer that, so that the answer is seen to grow. */
const QUESTION = "Why is the sky blue?";

const REMARK = "You talk to SmolLM2-135M-Instruct, a tiny model";

/** How often an answer begins: once, however often it was redrawn. So much of its first line is taken for its beginning. */
function beginnings(lines: readonly string[], first: string): number {
  return lines.filter((line) => line.startsWith(first.slice(0, 30))).length;
}

/** Where the tiny model of a quickstart is reached. */
async function addressIn(directory: string): Promise<string> {
  const config = load(await readFile(join(directory, "config.yaml"), "utf8")) as {
    providers: { tiny: { url: string } };
  };
  return config.providers.tiny.url;
}

/** The process of the model's server that a quickstart has started. */
async function modelOf(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "pid=,ppid=,args="]);
  const processes = stdout.split("\n").map((line) => line.trim().split(/\s+/));
  const [found] = processes.filter(
    ([, parent, ...args]) => parent === `${pid}` && args.join(" ").includes("tiny_model"),
  );
  return Number(found?.[0]);
}

function isGone(url: string): Promise<boolean> {
  return fetch(`${url}/models`).then(
    () => false,
    () => true,
  );
}

describe("npm run quickstart with a tiny real model", () => {
  it("prints its answer once, complete, in a pipe, and leaves nothing", async () => {
    const directory = await temporaryDirectory("quickstart");
    const run = await startQuickstart(directory, ["--model", "tiny", "--say", QUESTION]);
    assert.deepEqual(await endOf(run), { code: 0, signal: null }, run.stderr.join("\n"));
    const { stdout, stderr } = run;
    assert.ok(
      stderr.some((line) => line.startsWith(REMARK)),
      stderr.join("\n"),
    );
    const [first = ""] = stdout;
    assert.match(first, /\S/);
    assert.equal(beginnings(stdout, first), 1);
    assert.equal(PROOF.exec(stdout.at(-1) ?? "")?.[3], "@agent_tiny:localhost");
    assert.deepEqual(await processesOf(directory), []);
    assert.equal(await isGone(await addressIn(directory)), true);
    assert.doesNotMatch(await readFile(join(directory, "model.log"), "utf8"), /\bsky\b|blue/i);
  });

  it("asks on a terminal whether the model is wanted, and shows its answer once, in place, as it grows", async () => {
    const directory = await temporaryDirectory("quickstart");
    await using asking = await startOnTerminal(directory, ["--say", QUESTION]);
    const lines = (): Promise<string[]> => asking.terminal.lines();
    const until = (what: string, look: (shown: readonly string[]) => boolean): Promise<unknown> =>
      eventually(
        what,
        async () => {
          const shown = await lines();
          assert.equal(asking.run.exit(), undefined, shown.join("\n"));
          return look(shown);
        },
        { timeoutMs: RUN_LIMIT_MS, intervalMs: 100 },
      );
    await until("the question", (shown) => shown.at(-1)?.endsWith("demo or tiny [demo]: ") === true);
    assert.match(
      (await lines()).join(" "),
      /No Ollama answers at .*demo agent.*tiny real model \(130 MB, often wrong\)/,
    );
    asking.run.type("tiny\r");
    await until("the remark", (shown) => shown.some((line) => line.startsWith(REMARK)));

    const grown = new Set<string>();
    const isOver = async (): Promise<boolean> => {
      const shown = await lines();
      const said = shown.slice(shown.findIndex((line) => line.startsWith(REMARK)) + 1);
      const [first = ""] = said;
      if (said.at(-1)?.endsWith(" …") === true && first !== "" && !first.endsWith("is typing …")) {
        if (first.length >= 30) assert.equal(beginnings(said, first), 1, said.join("\n"));
        grown.add(said.join("\n"));
      }
      return asking.run.exit() !== undefined;
    };
    await eventually("the end", isOver, { timeoutMs: RUN_LIMIT_MS, intervalMs: 100 });
    assert.deepEqual(asking.run.exit(), { code: 0, signal: null });
    assert.ok(grown.size >= 2, "it came at once");

    const shown = await lines();
    const said = shown.slice(shown.findIndex((line) => line.startsWith(REMARK)) + 1);
    const proof = said.findIndex((line) => PROOF.test(line));
    assert.equal(beginnings(said, said[0] ?? ""), 1);
    assert.deepEqual(said.slice(proof + 1), ["Ending …"]);
    assert.doesNotMatch(said[proof - 1] ?? "", / …$/);
  });

  it("ends the model when it is killed", async () => {
    const directory = await temporaryDirectory("quickstart");
    const run = await startQuickstart(directory, ["--model", "tiny"]);
    await eventually(
      "the chat to be open",
      () => {
        assert.equal(run.exit(), undefined, run.stderr.join("\n"));
        return run.stdout.some((line) => line.includes("Recovery key"));
      },
      { timeoutMs: RUN_LIMIT_MS },
    );
    const url = await addressIn(directory);
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    assert.equal(await isGone(url), false);
    await run.stop({ signal: "SIGKILL" });
    await eventually("the model to be gone", () => isGone(url));
    await eventually("all else to be gone", async () => (await processesOf(directory)).length === 0, {
      timeoutMs: 30_000,
    });
  });

  it("ends with words and a failure when the model's server ends", async () => {
    const directory = await temporaryDirectory("quickstart");
    const run = await startQuickstart(directory, ["--model", "tiny"]);
    await eventually("the chat to be open", () => run.stdout.some((line) => line.includes("Recovery key")), {
      timeoutMs: RUN_LIMIT_MS,
    });
    process.kill(await modelOf(run.pid), "SIGKILL");
    assert.deepEqual(await endOf(run), { code: 1, signal: null });
    assert.match(run.stderr.join("\n"), /the tiny model's server ended unexpectedly/);
    assert.deepEqual(await processesOf(directory), []);
  });
});
