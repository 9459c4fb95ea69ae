import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { say } from "../../../quickstart/say.ts";
import { EmulatedOutput } from "../../support/emulator.ts";
import { eventually } from "../../support/eventually.ts";
import { ScriptedChat } from "../../support/scripted-chat.ts";

const PROOF =
  "proof: room !r: encrypted with megolm · agent's device DEVICE · " +
  "signed by its owner @agent_whale:localhost (cross-signed)";

function saying(output: EmulatedOutput | PassThrough) {
  const chat = new ScriptedChat();
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const interrupted = new AbortController();
  const onInterrupt = (): void => interrupted.abort();
  const ended = say(chat, "one", { input, output, timeoutMs: 60_000, signal: interrupted.signal, onInterrupt });
  return { chat, ended, type: (keys: string): unknown => input.write(keys) };
}

describe("sending one message", () => {
  it("prints the answer once and complete in a pipe, with all parts, and then the proof", async () => {
    const pipe = new PassThrough({ encoding: "utf8" });
    const { chat, ended } = saying(pipe);
    await eventually("the question", () => chat.said.length === 1);
    chat.notifies("Welcome.");
    chat.types(true);
    const answer = chat.drafts("Whales are", "$q1");
    assert.equal(pipe.read(), null);
    chat.answers("Whales are large\x1b[2J.", "$q1", answer);
    chat.answers("And old.\n", "$q1");
    assert.equal(pipe.read(), null);
    chat.types(false);
    await ended;
    assert.equal(pipe.read(), `Whales are large[2J.\n\nAnd old.\n${PROOF}\n`);
  });

  it("shows the answer as it grows on a terminal, and the proof after its end", async () => {
    const terminal = new EmulatedOutput({ columns: 40, rows: 10 });
    const { chat, ended, type } = saying(terminal);
    await eventually("the question", () => chat.said.length === 1);
    chat.types(true);
    assert.deepEqual(await terminal.emulator.lines(), ["Whale is typing …"]);
    const answer = chat.drafts("Whales are", "$q1");
    chat.notifies("Welcome.");
    assert.deepEqual(await terminal.emulator.lines(), ["Whales are …"]);
    // Typed text is not shown meanwhile: it would stand inside the answer.
    type("hurry\r");
    const lines = Array.from({ length: 20 }, (_, i) => `line ${i}`);
    chat.drafts(lines.slice(0, 15).join("\n"), "$q1", answer);
    assert.equal((await terminal.emulator.lines()).at(-1), "line 14 …");
    chat.answers(lines.join("\n"), "$q1", answer);
    chat.types(false);
    await ended;
    assert.deepEqual(await terminal.emulator.lines(), [...lines, PROOF]);
  });

  it("leaves a notice to the code that reports the failure", async () => {
    const terminal = new EmulatedOutput({ columns: 40, rows: 10 });
    const { chat, ended } = saying(terminal);
    await eventually("the question", () => chat.said.length === 1);
    chat.notifies("No model.", "$q1");
    await assert.rejects(ended, { message: "No model." });
    assert.deepEqual(await terminal.emulator.lines(), []);
  });

  it("keeps the answer so far when it is interrupted", async () => {
    const terminal = new EmulatedOutput({ columns: 40, rows: 10 });
    const { chat, ended, type } = saying(terminal);
    await eventually("the question", () => chat.said.length === 1);
    chat.drafts("Whales are", "$q1");
    type("\x03");
    await assert.rejects(ended, { name: "AbortError" });
    assert.deepEqual(await terminal.emulator.lines(), ["Whales are …"]);
  });
});
