import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Step } from "../../src/observability/steps.ts";
import { countingServer, startCallingChat, type CallingChat } from "../support/calling-chat.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import type { Message } from "../support/user.ts";

/** How often a call is made that is under way when the bridge is killed at a step: one that may be repeated, or not. */
const CRASHES: readonly (readonly [
  Step,
  { readonly once: number; readonly repeatable: number; readonly known: boolean },
])[] = [
  ["step.proposed", { once: 1, repeatable: 1, known: true }],
  // Nobody can know then whether the server was asked.
  ["step.begun", { once: 0, repeatable: 1, known: false }],
  ["step.called", { once: 1, repeatable: 2, known: false }],
  ["step.ended", { once: 1, repeatable: 1, known: true }],
];

for (const database of ["embedded", "postgres"] as const) {
  describe(`a call of a tool on the ${database} database, when the bridge is killed`, () => {
    let chat: CallingChat;
    let counted: string;

    before(async () => {
      counted = join(await temporaryDirectory("tools"), "counted");
      chat = await startCallingChat(database, { counter: { ...countingServer(counted), tools: { count: "never" } } });
    });
    after(() => chat.stop());

    for (const step of ["step.begun", "step.called", "step.ended"] as const) {
      it(`at ${step} of one of three that only read, at once, all are made, and again only where their end is not stored`, async () => {
        await writeFile(counted, "");
        const { deployment, ollama, person: alice, agent, roomId } = chat;
        const dying = await chat.dyingAt(step, 2);
        ollama.next({
          answer: () => "",
          calls: [1, 2, 3].map((nth) => ({ name: "counter__look", arguments: { nth } })),
        });
        ollama.install("llama3.2:3b", {
          answer: (messages) =>
            messages
              .slice(-3)
              .map(({ content }) => content)
              .join(),
        });
        const question = await alice.sendText({ roomId, body: "Look!" });
        assert.equal((await dying.exited).signal, "SIGKILL");
        await deployment.startBridge();
        const answer = await alice.waitMessage({ roomId, after: question, sender: agent });
        assert.equal(answer.body, "look is done,look is done,look is done");
        const lines = (await readFile(counted, "utf8")).split("\n").filter(Boolean);
        for (const nth of [1, 2, 3]) {
          const made = lines.filter((line) => line === `look {"nth":${nth}}`).length;
          assert.ok(made === 1 || made === 2, `${nth} was made ${made} times`);
        }
      });
    }

    for (const [step, { once, repeatable, known }] of CRASHES) {
      for (const [tool, times] of [
        ["count", once],
        ["look", repeatable],
      ] as const) {
        it(`at ${step}, is made ${times} times where it ${tool === "look" ? "only reads" : "changes something"}`, async () => {
          await writeFile(counted, "");
          const { deployment, ollama, person: alice, roomId } = chat;
          const dying = await chat.dyingAt(step);
          ollama.next({ answer: () => "", calls: [{ name: `counter__${tool}`, arguments: {} }] });
          // The model answers what the tool has said, in whichever process.
          ollama.install("llama3.2:3b", { answer: (messages) => messages.at(-1)?.content ?? "" });
          const question = await alice.sendText({ roomId, body: "Go!" });
          assert.equal((await dying.exited).signal, "SIGKILL");
          await deployment.startBridge();
          const said = (after: string): Promise<Message> =>
            alice.waitMessage({ roomId, after, where: ({ sender }) => sender !== alice.userId });
          const answer = await said(question);
          const isKnown = known || tool === "look";
          if (isKnown) assert.equal(answer.body, `${tool} is done`);
          else {
            const [, code = ""] = /nobody knows whether it was done[\s\S]*!refuse ([A-Z]{4})/.exec(answer.body) ?? [];
            const no = await alice.sendText({ roomId, body: `no ${code}` });
            assert.match((await said(no)).body, /^It is not known whether this was done/);
          }
          const lines = (await readFile(counted, "utf8")).split("\n").filter(Boolean);
          assert.deepEqual(
            lines,
            Array.from({ length: times }, () => `${tool} {}`),
          );
          const answers = alice.messages(roomId).filter(({ sender }) => sender !== alice.userId);
          assert.equal(new Set(answers.map(({ eventId }) => eventId)).size, answers.length);
        });
      }
    }
  });
}
