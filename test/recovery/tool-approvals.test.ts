import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Step } from "../../src/observability/steps.ts";
import { countingServer, startCallingChat, type CallingChat } from "../support/calling-chat.ts";
import type { Deployment } from "../support/deployment.ts";
import type { OllamaServer } from "../support/ollama-server.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import type { Message, User } from "../support/user.ts";

/** The steps at which the bridge is killed before anybody has answered. */
const BEFORE: readonly Step[] = [
  "step.proposed",
  "send.stored",
  "send.sent",
  "step.asked",
  "step.waiting",
  "turn.waiting",
];

/**
 * The steps at which it is killed after somebody has agreed, and the number of calls by then. Where the end of the call
 * is not known, people are asked again.
 */
const AFTER: readonly (readonly [Step, { readonly made: number; readonly asksAgain: boolean }])[] = [
  ["mail.taken", { made: 0, asksAgain: false }],
  ["turn.started", { made: 0, asksAgain: false }],
  ["step.begun", { made: 0, asksAgain: true }],
  ["step.called", { made: 1, asksAgain: true }],
  ["step.ended", { made: 1, asksAgain: false }],
];

for (const database of ["embedded", "postgres"] as const) {
  describe(`a call that people have to agree to, on the ${database} database, when the bridge is killed`, () => {
    let chat: CallingChat;
    let ollama: OllamaServer;
    let deployment: Deployment;
    let alice: User;
    let agent: string;
    let roomId: string;
    let counted: string;

    before(async () => {
      counted = join(await temporaryDirectory("approvals"), "counted");
      chat = await startCallingChat(database, { counter: countingServer(counted) });
      ({ deployment, ollama, person: alice, agent, roomId } = chat);
    });
    after(() => chat.stop());

    async function ask(): Promise<string> {
      await writeFile(counted, "");
      ollama.next({ answer: () => "", calls: [{ name: "counter__count", arguments: {} }] });
      // The model answers what the tool has said, in whichever process.
      ollama.install("llama3.2:3b", { answer: (messages) => messages.at(-1)?.content ?? "" });
      return alice.sendText({ roomId, body: "Go!" });
    }

    /** The agent's questions after an event, with their codes. */
    function questions(after: string): readonly { readonly eventId: string; readonly code: string }[] {
      const messages = alice.messages(roomId);
      const start = messages.findIndex(({ eventId }) => eventId === after);
      return messages.slice(start + 1).flatMap(({ eventId, sender, body }) => {
        const code = sender === agent ? /!approve ([A-Z]{4})/.exec(body)?.[1] : undefined;
        return code === undefined ? [] : [{ eventId, code }];
      });
    }

    function said(after: string, pattern: RegExp): Promise<Message> {
      return alice.waitMessage({ roomId, after, sender: agent, where: ({ body }) => pattern.test(body) });
    }

    const lines = async (): Promise<number> => (await readFile(counted, "utf8")).split("\n").filter(Boolean).length;

    for (const step of BEFORE) {
      it(`at ${step}, is asked about once, and made once after a yes`, async () => {
        const dying = await chat.dyingAt(step);
        const go = await ask();
        assert.equal((await dying.exited).signal, "SIGKILL");
        await deployment.startBridge();
        await said(go, /!approve [A-Z]{4}/);
        const [question, ...others] = questions(go);
        assert.deepEqual([others, await lines()], [[], 0]);
        const word = await alice.sendText({ roomId, body: `!approve ${question?.code ?? ""}` });
        await said(word, /^count is done/);
        assert.deepEqual([questions(go).length, await lines()], [1, 1]);
      });
    }

    for (const [step, { made, asksAgain }] of AFTER) {
      for (const decision of asksAgain ? (["approve", "refuse"] as const) : (["approve"] as const)) {
        const then = asksAgain ? `, and after a second word, to ${decision},` : "";
        it(`at ${step} after a yes, is made ${made} times by then${then} not once more than people want`, async () => {
          await deployment.stopBridge();
          await deployment.startBridge();
          const go = await ask();
          await said(go, /!approve [A-Z]{4}/);
          const dying = await chat.dyingAt(step);
          const word = await alice.sendText({ roomId, body: `!approve ${questions(go)[0]?.code ?? ""}` });
          assert.equal((await dying.exited).signal, "SIGKILL");
          assert.equal(await lines(), made);
          await deployment.startBridge();
          if (!asksAgain) {
            await said(word, /^count is done/);
            assert.deepEqual([questions(go).length, await lines()], [1, 1]);
            return;
          }
          await said(word, /nobody knows whether it was done[\s\S]*!approve [A-Z]{4}/);
          const [first, second, ...others] = questions(go);
          assert.deepEqual([others, await lines()], [[], made]);
          assert.notEqual(first?.code, second?.code);
          // The first word was about the first question.
          const former = await alice.sendText({ roomId, body: `!approve ${first?.code ?? ""}` });
          await said(former, /^Nothing waits here/);
          const again = await alice.sendText({ roomId, body: `!${decision} ${second?.code ?? ""}` });
          await said(again, decision === "approve" ? /^count is done/ : /^It is not known whether this was done/);
          assert.equal(await lines(), made + (decision === "approve" ? 1 : 0));
        });
      }
    }
  });
}
