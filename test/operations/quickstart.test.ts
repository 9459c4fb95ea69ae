import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { runCommand } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { startOllamaServer } from "../support/ollama-server.ts";
import type { Process } from "../support/process.ts";
import {
  endOf,
  type OnTerminal,
  processesOf,
  PROOF,
  RUN_LIMIT_MS,
  startOnTerminal,
  startQuickstart,
} from "../support/quickstart.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** Far below what installing takes, and far above what starting does: the machine may have other work. */
const SECOND_RUN_LIMIT_MS = 60_000;
/** Waits until an answer about whales has begun, and has not ended. */
async function untilGrowing({ run, terminal }: OnTerminal): Promise<void> {
  const isGrowing = async (): Promise<boolean> => {
    assert.equal(run.exit(), undefined, "it ended before");
    const lines = await terminal.lines();
    assert.ok(!lines.includes(WHALES_SHOWN.at(-1) ?? ""), "the answer came at once");
    return lines.some((line) => line.includes("Whales 🐋"));
  };
  await eventually("the beginning of an answer", isGrowing, { timeoutMs: RUN_LIMIT_MS });
}

async function say(directory: string, args: readonly string[], ollama?: string) {
  const run = await startQuickstart(directory, args, ollama);
  const { code } = await endOf(run);
  const [stdout, stderr] = [run.stdout.join("\n"), run.stderr.join("\n")];
  assert.equal(code, 0, stderr);
  const [, room, device, owner] = PROOF.exec(stdout) ?? assert.fail(`no proof in:\n${stdout}`);
  return { stdout, stderr, room, device, owner };
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

/** An answer that takes the model more than three seconds, with wide characters, and taller than the terminal. */
const WHALES = [
  "Whales 🐋",
  "Whales (鯨, кит, φάλαινα) are large marine mammals; their song is heard over hundreds of kilometres.",
  ...Array.from({ length: 24 }, (_, i) => `Whale number ${i + 1} is a whale.`),
  "That was all about whales. 👋🏽",
];
const SLOW = { answer: () => WHALES.join("\n\n"), tokenMs: 20, firstTokenMs: 200 };
const WHALES_SHOWN = WHALES.join("\n\n").split("\n");

describe("npm run quickstart", () => {
  it("gets an encrypted answer on an empty machine, and again in seconds from the same device in the same room", async () => {
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

  it("waits for the end of an answer from the Ollama that it finds, and shows it once, as it grows on a terminal", async () => {
    const directory = await temporaryDirectory("quickstart");
    await using ollama = await startOllamaServer(["llama3.2:3b"]);
    ollama.install("llama3.2:3b", SLOW);
    const host = new URL(ollama.url).host;
    const { stdout, stderr, owner } = await say(directory, ["--say", "tell me about whales"], host);
    assert.match(stderr, /You talk to llama3\.2:3b/);
    assert.equal(owner, "@agent_llama3.2-3b:localhost");
    const [proof = ""] = PROOF.exec(stdout) ?? [];
    assert.equal(stdout, [...WHALES_SHOWN, proof].join("\n"));

    await using saying = await startOnTerminal(directory, ["--say", "tell me about whales"], host);
    await untilGrowing(saying);
    assert.deepEqual(await endOf(saying.run), { code: 0, signal: null });
    const said = await saying.terminal.lines();
    const remark = said.findIndex((line) => line.startsWith("You talk to llama3.2:3b"));
    assert.deepEqual(said.slice(remark + 1), [...WHALES_SHOWN, proof, "Ending …"]);
  });

  it("holds a conversation line by line, is alone in its folder, and leaves nothing when it is ended", async () => {
    const directory = await temporaryDirectory("quickstart");
    const chat = await startQuickstart(directory, []);
    await untilChatting(chat);
    chat.write("count to 3");
    await eventually("the answer", () => chat.stdout.includes("1 2 3"), { timeoutMs: 60_000 });
    await eventually("the proof", () => PROOF.test(chat.stdout.join("\n")));

    const looked = await runCommand(["doctor", "-c", join(directory, "config.yaml")]);
    assert.equal(looked.code, 0, looked.stdout);
    assert.doesNotMatch(looked.stdout, /^[✗–]/m);

    const other = await startQuickstart(directory, ["--say", "me too"]);
    assert.deepEqual(await endOf(other), { code: 1, signal: null });
    assert.match(other.stderr.join("\n"), new RegExp(`running here already \\(process ${chat.pid}\\)`));

    const stop = await startQuickstart(directory, ["--stop"]);
    assert.deepEqual(await endOf(stop), { code: 0, signal: null });
    assert.notEqual(chat.exit(), undefined);
    assert.deepEqual(await processesOf(directory), []);
  });

  it("leaves nothing when it is killed, and the next run goes on", async () => {
    const directory = await temporaryDirectory("quickstart");
    const chat = await startQuickstart(directory, []);
    await untilChatting(chat);
    await chat.stop({ signal: "SIGKILL" });
    const next = await say(directory, ["--say", "hello"]);
    assert.equal(next.owner, "@agent_demo:localhost");
    assert.ok(!(await readdir(directory)).includes("session.json"));
    assert.deepEqual(await processesOf(directory), []);
  });

  it("shows answers as they grow on a terminal, and ends with words and a failure when the bridge ends", async () => {
    const directory = await temporaryDirectory("quickstart");
    await using ollama = await startOllamaServer(["llama3.2:3b"]);
    ollama.install("llama3.2:3b", SLOW);
    await using chat = await startOnTerminal(directory, [], new URL(ollama.url).host);
    const lines = (): Promise<string[]> => chat.terminal.lines();
    const atPrompt = async (typed: string): Promise<boolean> => (await lines()).at(-1) === `you> ${typed}`;
    await eventually("the prompt", () => atPrompt(""), { timeoutMs: RUN_LIMIT_MS });
    chat.run.type("tell me about whales\r");
    await untilGrowing(chat);
    chat.run.type("and again");
    await eventually("the text that was typed meanwhile", () => atPrompt("and again"));
    const isProven = async (): Promise<boolean> => PROOF.test((await lines()).join("\n"));
    await eventually("the proof", isProven, { timeoutMs: RUN_LIMIT_MS });
    const talked = await lines();
    // The agent may greet in between.
    const question = talked.indexOf("you> tell me about whales");
    const answer = talked.findIndex((line, at) => at > question && line.endsWith(": Whales 🐋"));
    const proof = talked.at(-2) ?? "";
    assert.match(proof, PROOF);
    assert.deepEqual(talked.slice(answer + 1), [...WHALES_SHOWN.slice(1), proof, "you> and again"]);

    chat.run.type("\r");
    const isGrowing = async (): Promise<boolean> =>
      (await lines()).filter((line) => line.includes(": Whales 🐋")).length === 2;
    await eventually("the beginning of the second answer", isGrowing, { timeoutMs: RUN_LIMIT_MS });
    const [bridge = ""] = (await processesOf(directory)).filter((line) => line.includes("main.js"));
    process.kill(Number.parseInt(bridge, 10), "SIGKILL");
    assert.deepEqual(await endOf(chat.run), { code: 1, signal: null });
    const left = await lines();
    const [begun = "", ...rest] = left.slice(left.indexOf("you> and again") + 1);
    assert.match(begun, /: Whales 🐋/);
    assert.match(rest.join("\n"), / …\nEnding …\nthe bridge ended unexpectedly \(SIGKILL\)/);
    assert.deepEqual(await processesOf(directory), []);
  });
});
