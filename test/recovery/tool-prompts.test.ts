import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Step } from "../../src/observability/steps.ts";
import { askingServer, startCallingChat, type CallingChat } from "../support/calling-chat.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** The steps between a person's choice of a prompt and the answer, and how often the prompt is read in all. */
const CRASHES: readonly (readonly [Step, number])[] = [
  ["event.decrypted", 1],
  ["turn.queued", 1],
  ["turn.started", 1],
  // It is not stored yet.
  ["prompt.read", 2],
  ["model.chunk", 1],
  ["turn.made", 1],
];

for (const database of ["embedded", "postgres"] as const) {
  describe(`a prompt that a person has chosen, on the ${database} database, when the bridge is killed`, () => {
    let chat: CallingChat;
    let file: string;

    before(async () => {
      file = join(await temporaryDirectory("prompts"), "prompts");
      const server = { ...askingServer(file), prompts: true };
      chat = await startCallingChat(database, { notes: server });
      chat.ollama.install("llama3.2:3b", { answer: (messages) => `You said: ${messages.at(-1)?.content ?? ""}` });
    });
    after(() => chat.stop());

    for (const [step, times] of CRASHES) {
      it(`at ${step}, is asked once, and read ${times} times`, async () => {
        const { deployment, person, roomId, agent } = chat;
        await writeFile(file, "");
        const dying = await chat.dyingAt(step);
        const chosen = await person.sendText({ roomId, body: `!prompt notes sum-up topic=${step}` });
        assert.equal((await dying.exited).signal, "SIGKILL");
        await deployment.startBridge();
        const isAnswer = (body: string): boolean => body.endsWith(`Sum up ${step}.`) && body.startsWith("You said:");
        const where = ({ body, current }: { body: string; current: object }): boolean =>
          isAnswer(body) && !("org.matrix.msc4357.live" in current);
        await person.waitMessage({ roomId, after: chosen, sender: agent, where });
        // A second answer would come by now.
        const end = await person.sendText({ roomId, body: "Are you there?" });
        await person.waitMessage({ roomId, after: end, sender: agent });
        const answers = person.messages(roomId).filter(({ sender, body }) => sender === agent && isAnswer(body));
        assert.equal(answers.length, 1);
        const reads = (await readFile(file, "utf8")).split("\n").filter((line) => line.includes('"prompt"'));
        assert.equal(reads.length, times);
      });
    }
  });
}
