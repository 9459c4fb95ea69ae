import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Step } from "../../src/observability/steps.ts";
import { askingServer, startCallingChat, type CallingChat } from "../support/calling-chat.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import type { Message } from "../support/user.ts";

/** The steps at which the bridge is killed between the tool's question and the person's answer. */
const BEFORE: readonly Step[] = [
  "step.asking_back",
  "send.stored",
  "send.sent",
  "step.asked",
  "step.waiting",
  "turn.waiting",
];

/**
 * The steps at which it is killed after the person's answer, and the number of calls with the answer by then. Where the end of
 * that call is not known, people are asked whether to make it again.
 */
const AFTER: readonly (readonly [Step, { readonly made: number; readonly isLost: boolean }])[] = [
  ["mail.taken", { made: 0, isLost: false }],
  ["turn.started", { made: 0, isLost: false }],
  ["step.begun", { made: 0, isLost: true }],
  ["step.called", { made: 1, isLost: true }],
  ["step.ended", { made: 1, isLost: false }],
];

for (const database of ["embedded", "postgres"] as const) {
  describe(`a call whose tool asks the person, on the ${database} database, when the bridge is killed`, () => {
    let chat: CallingChat;
    let file: string;

    before(async () => {
      file = join(await temporaryDirectory("questions"), "calls");
      const server = { ...askingServer(file), approval: "never" };
      chat = await startCallingChat(database, { travel: server });
    });
    after(() => chat.stop());

    async function ask(): Promise<string> {
      await writeFile(file, "");
      chat.ollama.next({ answer: () => "", calls: [{ name: "travel__book", arguments: {} }] });
      // The model answers what the tool has said, in whichever process.
      chat.ollama.install("llama3.2:3b", { answer: (messages) => messages.at(-1)?.content ?? "" });
      return chat.person.sendText({ roomId: chat.roomId, body: "Go!" });
    }

    /** The codes of the agent's questions after an event. */
    function codesOf(word: "answer" | "approve", from: string): readonly string[] {
      const messages = chat.person.messages(chat.roomId);
      const start = messages.findIndex(({ eventId }) => eventId === from);
      const pattern = new RegExp(`!${word} ([A-Z]{4})`);
      return messages
        .slice(start + 1)
        .flatMap(({ sender, body }) => (sender === chat.agent ? (pattern.exec(body)?.[1] ?? []) : []));
    }

    function said(from: string, pattern: RegExp): Promise<Message> {
      const { person, roomId, agent } = chat;
      return person.waitMessage({ roomId, after: from, sender: agent, where: ({ body }) => pattern.test(body) });
    }

    const say = (body: string): Promise<string> => chat.person.sendText({ roomId: chat.roomId, body });

    /** The calls without an answer, and those with one. */
    async function calls(): Promise<readonly [number, number]> {
      const lines = (await readFile(file, "utf8")).split("\n").filter(Boolean);
      const withAnswer = lines.filter((line) => line.includes('"accept"')).length;
      return [lines.length - withAnswer, withAnswer];
    }

    for (const step of BEFORE) {
      it(`at ${step}, is asked about once, and goes on with the answer`, async () => {
        const dying = await chat.dyingAt(step);
        const go = await ask();
        assert.equal((await dying.exited).signal, "SIGKILL");
        await chat.deployment.startBridge();
        await said(go, /!answer [A-Z]{4}/);
        assert.deepEqual(await calls(), [1, 0]);
        const [code = "", ...others] = codesOf("answer", go);
        assert.deepEqual(others, []);
        await said(await say(`!answer ${code} Berlin`), /^Booked Berlin \(book 1\)/);
        assert.deepEqual([codesOf("answer", go).length, await calls()], [1, [1, 1]]);
      });
    }

    it("at step.called before its question is stored, is made again only if people want that", async () => {
      for (const word of ["approve", "refuse"] as const) {
        const dying = await chat.dyingAt("step.called");
        const go = await ask();
        assert.equal((await dying.exited).signal, "SIGKILL");
        await chat.deployment.startBridge();
        await said(go, /nobody knows whether it was done[\s\S]*!approve [A-Z]{4}/);
        assert.deepEqual(await calls(), [1, 0]);
        const decided = await say(`!${word} ${codesOf("approve", go)[0] ?? ""}`);
        if (word === "refuse") {
          await said(decided, /^It is not known whether this was done/);
          assert.deepEqual(await calls(), [1, 0]);
          continue;
        }
        await said(decided, /!answer [A-Z]{4}/);
        await said(await say(`!answer ${codesOf("answer", go)[0] ?? ""} Berlin`), /^Booked Berlin/);
        assert.deepEqual(await calls(), [2, 1]);
      }
    });

    for (const [step, { made, isLost }] of AFTER) {
      it(`at ${step} after the answer, is made with it ${isLost ? "again only if people want that" : "once"}`, async () => {
        await chat.deployment.stopBridge();
        await chat.deployment.startBridge();
        const go = await ask();
        await said(go, /!answer [A-Z]{4}/);
        const dying = await chat.dyingAt(step);
        const answer = await say(`!answer ${codesOf("answer", go)[0] ?? ""} Berlin`);
        assert.equal((await dying.exited).signal, "SIGKILL");
        assert.deepEqual(await calls(), [1, made]);
        await chat.deployment.startBridge();
        if (isLost) {
          await said(answer, /nobody knows whether it was done[\s\S]*!approve [A-Z]{4}/);
          assert.deepEqual(await calls(), [1, made]);
          await say(`!approve ${codesOf("approve", go)[0] ?? ""}`);
        }
        await said(answer, /^Booked Berlin/);
        assert.deepEqual([codesOf("answer", go).length, await calls()], [1, [1, isLost ? made + 1 : 1]]);
      });
    }
  });
}
