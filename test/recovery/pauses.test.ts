import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { answeredEvent } from "../../src/matrix/relation.ts";
import { answerTo, startCallingChat, type CallingChat } from "../support/calling-chat.ts";
import { eventually } from "../support/eventually.ts";
import type { Message } from "../support/user.ts";

/** Whether a reaction says that the question is to a paused agent. */
function marks({ "m.relates_to": relation }: Readonly<Record<string, unknown>>, question: string): boolean {
  const { event_id: target, key } = relation as { readonly event_id: string; readonly key: string };
  return target === question && key === "⏸️";
}

for (const database of ["embedded", "postgres"] as const) {
  describe(`a paused agent in an encrypted chat, on the ${database} database`, () => {
    let chat: CallingChat;

    before(async () => {
      chat = await startCallingChat(database, {});
      chat.ollama.install("llama3.2:3b", { answer: (messages) => `Answer to ${messages.at(-1)?.content ?? ""}` });
    });
    after(() => chat.stop());

    async function command(...args: readonly string[]): Promise<string> {
      const { code, stdout, stderr } = await chat.deployment.command(args);
      assert.equal(code, 0, stderr);
      return stdout;
    }

    const said = (): readonly Message[] =>
      chat.person.messages(chat.roomId).filter(({ sender }) => sender === chat.agent);
    const notices = (): readonly Message[] =>
      said().filter(({ body }) => body.includes("is paused by whoever runs it"));
    const answersTo = (question: string): number =>
      said().filter(({ content }) => content["msgtype"] === "m.text" && answeredEvent(content) === question).length;

    /** Asks, and waits until the agent has marked the question as one that it does not take. */
    async function refused(body: string): Promise<string> {
      const { person, roomId } = chat;
      const question = await person.sendText({ roomId, body });
      await person.waitEvent({
        roomId,
        where: ({ type, content }) => type === "m.reaction" && marks(content, question),
      });
      return question;
    }

    it("says so once, encrypted, is told of by the commands, and stays paused when the bridge is killed", async () => {
      await answerTo(chat.person, chat.roomId, "before");
      assert.match(await command("pause", "llama"), /is paused; matrix-agents resume llama ends that/);
      assert.match(await command("pause"), /@agent_llama:[^ ]*: paused by local:/);
      await refused("one");
      assert.deepEqual(
        notices().map(({ encrypted }) => encrypted),
        [true],
      );
      await chat.deployment.bridge.kill();
      await chat.deployment.startBridge();
      await eventually("the log to say it", () =>
        chat.deployment.bridge.logs().some(({ msg }) => msg === "this agent is paused: it answers nothing"),
      );
      const two = await refused("two");
      assert.equal(notices().length, 1);
      await command("resume", "llama");
      const answer = await answerTo(chat.person, chat.roomId, "three");
      assert.match(answer.body, /three/);
      assert.equal(answersTo(two), 0);
      await chat.person.react(chat.roomId, two, "🔁");
      await eventually("the refused question to be answered", () => answersTo(two) === 1);
    });

    it("keeps what was asked before for later, whatever ends meanwhile", async () => {
      const { person, roomId } = chat;
      const dying = await chat.dyingAt("turn.queued");
      const question = await person.sendText({ roomId, body: "before the pause" });
      assert.equal((await dying.exited).signal, "SIGKILL");
      await command("pause", "llama");
      await chat.deployment.startBridge();
      await refused("during the pause");
      await chat.deployment.bridge.kill();
      await chat.deployment.startBridge();
      await refused("during it, too");
      assert.equal(answersTo(question), 0);
      await command("resume", "llama");
      await eventually("what was asked before to be answered", () => answersTo(question) === 1, { timeoutMs: 60_000 });
      await answerTo(person, roomId, "at the end");
      assert.equal(answersTo(question), 1);
    });
  });
}
