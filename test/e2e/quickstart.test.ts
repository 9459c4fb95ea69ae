import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import type { Exit } from "../../src/quickstart/synapse.ts";
import { runCommand } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { startOllamaServer } from "../support/ollama-server.ts";
import { inCheckout, SYNAPSE_VENV } from "../support/paths.ts";
import { lastLines, type Process, startProcess } from "../support/process.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const SECOND_RUN_LIMIT_MS = 20_000;
/** Of any run; a first one on a busy machine takes a while. */
const RUN_LIMIT_MS = 150_000;
const NO_OLLAMA = "127.0.0.1:1";
const PROOF =
  /^proof: room (![^ ]+): encrypted with m\.megolm\.v1\.aes-sha2 · agent's device ([A-Z]+) · signed by its owner (@agent_[^ ]+:localhost) \(cross-signed\)$/m;

/** A quickstart in a folder of its own. */
function quickstart(directory: string, args: readonly string[], ollama = NO_OLLAMA): Promise<Process> {
  return startProcess({
    command: process.execPath,
    args: [inCheckout("src/quickstart/quickstart.ts"), ...args],
    env: { QUICKSTART_DIR: directory, QUICKSTART_VENV: SYNAPSE_VENV, OLLAMA_HOST: ollama },
    lastSignal: "SIGTERM",
  });
}

async function say(directory: string, args: readonly string[], ollama?: string) {
  const run = await quickstart(directory, args, ollama);
  const { code } = await endOf(run);
  const [stdout, stderr] = [run.stdout.join("\n"), run.stderr.join("\n")];
  assert.equal(code, 0, stderr);
  const [, room, device, owner] = PROOF.exec(stdout) ?? assert.fail(`no proof in:\n${stdout}`);
  return { stdout, stderr, room, device, owner };
}

/** How it ended; it is made to end when it takes too long. */
async function endOf(run: Process): Promise<Exit> {
  try {
    return await eventually("the quickstart to end", () => run.exit(), { timeoutMs: RUN_LIMIT_MS });
  } catch (cause) {
    await run.stop();
    throw new Error(`it did not end:\n${lastLines(run)}`, { cause });
  }
}

/** The processes that were told of this folder. */
async function processesOf(directory: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "pid=,args="]);
  return stdout.split("\n").filter((line) => line.includes(directory));
}

async function untilChatting(run: Process): Promise<void> {
  await eventually(
    "the chat to be open",
    () => {
      assert.equal(run.exit(), undefined, run.stderr.join("\n"));
      return run.stdout.some((line) => line.includes("Recovery key"));
    },
    { timeoutMs: 120_000 },
  );
}

describe("npm run quickstart", () => {
  it("gets an encrypted answer from nothing, and again in seconds from the same device in the same room", async () => {
    const directory = await temporaryDirectory("quickstart");
    const first = await say(directory, ["--say", 'hello "there"']);
    assert.match(first.stdout, /demo agent/);
    assert.match(first.stdout, /> hello "there"/);
    assert.match(first.stderr, /No Ollama answers at http:\/\/127\.0\.0\.1:1,.*https:\/\/ollama\.com\/download/);
    assert.equal(first.owner, "@agent_demo:localhost");
    assert.deepEqual(await processesOf(directory), []);

    for (const name of await readdir(directory)) {
      const { mode } = await stat(join(directory, name));
      assert.equal(mode & 0o077, 0, `${name} can be read by others`);
    }

    const started = performance.now();
    const second = await say(directory, ["--say", "hello again"]);
    assert.ok(performance.now() - started < SECOND_RUN_LIMIT_MS);
    assert.deepEqual([second.room, second.device], [first.room, first.device]);
    assert.match(second.stdout, /2nd message/);
    assert.deepEqual(await processesOf(directory), []);
  });

  it("talks to a model of the Ollama it finds", async () => {
    const directory = await temporaryDirectory("quickstart");
    await using ollama = await startOllamaServer(["llama3.2:3b"]);
    const { stdout, stderr, owner } = await say(directory, ["--say", "hello model"], new URL(ollama.url).host);
    assert.match(stdout, /You said: .*hello model/);
    assert.match(stderr, /You talk to llama3\.2:3b/);
    assert.equal(owner, "@agent_llama3.2-3b:localhost");
  });

  it("holds a conversation line by line, is alone in its folder, and leaves nothing when it is ended", async () => {
    const directory = await temporaryDirectory("quickstart");
    const chat = await quickstart(directory, []);
    await untilChatting(chat);
    chat.write("count to 3");
    await eventually("the answer", () => chat.stdout.includes("1 2 3"), { timeoutMs: 60_000 });
    await eventually("the proof", () => PROOF.test(chat.stdout.join("\n")));

    const looked = await runCommand(["doctor", "-c", join(directory, "config.yaml")]);
    assert.equal(looked.code, 0, looked.stdout);
    assert.doesNotMatch(looked.stdout, /^[✗–]/m);

    const other = await quickstart(directory, ["--say", "me too"]);
    assert.deepEqual(await endOf(other), { code: 1, signal: null });
    assert.match(other.stderr.join("\n"), new RegExp(`running here already \\(process ${chat.pid}\\)`));

    const stop = await quickstart(directory, ["--stop"]);
    assert.deepEqual(await endOf(stop), { code: 0, signal: null });
    assert.notEqual(chat.exit(), undefined);
    assert.deepEqual(await processesOf(directory), []);
  });

  it("leaves nothing when it is killed, and the next one goes on", async () => {
    const directory = await temporaryDirectory("quickstart");
    const chat = await quickstart(directory, []);
    await untilChatting(chat);
    await chat.stop({ signal: "SIGKILL" });
    const next = await say(directory, ["--say", "hello"]);
    assert.equal(next.owner, "@agent_demo:localhost");
    assert.ok(!(await readdir(directory)).includes("session.json"));
    assert.deepEqual(await processesOf(directory), []);
  });

  it("ends with words and a failure when the bridge ends", async () => {
    const directory = await temporaryDirectory("quickstart");
    const chat = await quickstart(directory, []);
    await untilChatting(chat);
    const [bridge = ""] = (await processesOf(directory)).filter((line) => line.includes("main.ts"));
    process.kill(Number.parseInt(bridge, 10), "SIGKILL");
    assert.deepEqual(await endOf(chat), { code: 1, signal: null });
    assert.match(chat.stderr.join("\n"), /the bridge ended unexpectedly \(SIGKILL\)/);
    assert.deepEqual(await processesOf(directory), []);
  });
});
