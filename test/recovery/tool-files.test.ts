import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Step } from "../../src/observability/steps.ts";
import { countingServer, startCallingChat, type CallingChat } from "../support/calling-chat.ts";
import { decryptFile } from "../support/encrypted-file.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import type { Message } from "../support/user.ts";

/** The steps from a call's end to the end of its turn. At `step.called` nothing is stored, and the tool is asked again. */
const CRASHES: readonly (readonly [Step, number])[] = [
  ["step.called", 1],
  ["step.ended", 1],
  ["turn.made", 1],
  ["send.stored", 1],
  ["send.sent", 1],
  ["send.marked", 1],
  ["send.stored", 2],
  ["send.sent", 2],
  ["send.sent", 3],
];

for (const database of ["embedded", "postgres"] as const) {
  describe(`files that a tool returned, on the ${database} database`, () => {
    let chat: CallingChat;

    before(async () => {
      const counted = join(await temporaryDirectory("tools"), "counted");
      chat = await startCallingChat(database, { counter: countingServer(counted) });
    });
    after(() => chat.stop());

    for (const [step, times] of CRASHES) {
      it(`are sent once where the bridge is killed at ${step}, number ${times}`, async () => {
        const { deployment, ollama, person: alice, agent, roomId } = chat;
        const dying = await chat.dyingAt(step, times);
        ollama.next({ answer: () => "", calls: [{ name: "counter__look", arguments: { shows: true } }] });
        // The model may be asked again by the next process.
        ollama.install("llama3.2:3b", { answer: () => "There." });
        const question = await alice.sendText({ roomId, body: "Show it!" });
        assert.equal((await dying.exited).signal, "SIGKILL");
        await deployment.startBridge();
        const said = (): readonly Message[] => {
          const all = alice.messages(roomId);
          const from = all.findIndex(({ eventId }) => eventId === question);
          return all.slice(from + 1).filter(({ sender }) => sender === agent);
        };
        await alice.waitMessage({ roomId, after: question, where: ({ body }) => body === "file-2" });
        // What came twice would be here before the answer to another question.
        const next = await alice.sendText({ roomId, body: "And now?" });
        await alice.waitMessage({ roomId, after: next, sender: agent });
        const messages = said().slice(0, -1);
        assert.deepEqual(
          messages.map(({ body }) => body),
          ["There.", "picture-1.png", "file-2"],
        );
        const [, picture, page] = messages;
        for (const [message, start] of [
          [picture, "\x89PNG"],
          [page, "<scr"],
        ] as const) {
          assert.ok(message?.encrypted);
          const file = message.content["file"] as { url: string };
          const bytes = decryptFile(await alice.download(file.url), file);
          assert.equal(Buffer.from(bytes.subarray(0, 4)).toString("latin1"), start);
        }
      });
    }
  });
}
