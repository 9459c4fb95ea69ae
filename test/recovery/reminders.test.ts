import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import pg from "pg";
import { openEmbedded } from "../../src/database/embedded.ts";
import type { Step } from "../../src/observability/steps.ts";
import { startCallingChat, type CallingChat } from "../support/calling-chat.ts";
import type { Deployment } from "../support/deployment.ts";
import type { OllamaServer } from "../support/ollama-server.ts";
import type { User } from "../support/user.ts";

/** The points between the reminder's time and its answer. */
const CRASHES: readonly Step[] = ["reminder.due", "reminder.asked", "turn.started", "turn.made", "send.stored"];

for (const database of ["embedded", "postgres"] as const) {
  describe(`a reminder on the ${database} database, when the bridge is killed`, () => {
    let chat: CallingChat;
    let ollama: OllamaServer;
    let deployment: Deployment;
    let alice: User;
    let roomId: string;

    before(async () => {
      chat = await startCallingChat(database, { own: { type: "own", tools: { remind: "never" } } });
      ({ deployment, ollama, person: alice, roomId } = chat);
    });
    after(() => chat.stop());

    /** A day goes by, while no bridge runs. */
    async function makeDue(): Promise<void> {
      const sql = "update reminders set next_at = now() - interval '1 second' where next_at is not null";
      if (database === "embedded") {
        const opened = await openEmbedded(join(deployment.settings.directory, "data", "database"));
        await opened.query(sql);
        await opened.close();
        return;
      }
      const client = new pg.Client({ connectionString: deployment.settings.database });
      await client.connect();
      await client.query(sql);
      await client.end();
    }

    for (const step of ["step.begun", "step.called"] satisfies Step[]) {
      it(`at ${step}, was set once`, async () => {
        const words = `Set ${step}`;
        const dying = await chat.dyingAt(step);
        ollama.next({ answer: () => "", calls: [{ name: "own__remind", arguments: { words, time: "09:00" } }] });
        ollama.install("llama3.2:3b", { answer: (messages) => messages.at(-1)?.content ?? "" });
        const asked = await alice.sendText({ roomId, body: "Remind me!" });
        assert.equal((await dying.exited).signal, "SIGKILL");
        await deployment.startBridge();
        await alice.waitMessage({ roomId, after: asked, where: ({ body }) => body.includes("is set") });
        const list = await alice.sendText({ roomId, body: "!reminders" });
        const { body } = await alice.waitMessage({
          roomId,
          after: list,
          where: ({ sender }) => sender !== alice.userId,
        });
        assert.equal(body.split(words).length - 1, 1, body);
        const [, id = ""] = new RegExp(`(\\d+): ${words}`).exec(body) ?? [];
        const end = await alice.sendText({ roomId, body: `!reminders cancel ${id}` });
        await alice.waitMessage({ roomId, after: end, where: (message) => message.body.includes("is ended") });
      });
    }

    for (const step of CRASHES) {
      it(`at ${step}, is answered once`, async () => {
        const words = `Say ${step}`;
        const at = new Date(Date.now() + 86_400_000).toISOString();
        ollama.next({ answer: () => "", calls: [{ name: "own__remind", arguments: { words, at } }] });
        ollama.install("llama3.2:3b", { answer: (messages) => `Heard: ${messages.at(-1)?.content ?? ""}` });
        const asked = await alice.sendText({ roomId, body: "Remind me!" });
        await alice.waitMessage({ roomId, after: asked, where: ({ body }) => body.includes("is set") });
        await deployment.stopBridge();
        await makeDue();
        const dying = await chat.dyingAt(step);
        assert.equal((await dying.exited).signal, "SIGKILL");
        await deployment.startBridge();
        const isIt = ({ body }: { readonly body: string }): boolean => body.includes(`⏰ ${words}`);
        const answer = await alice.waitMessage({ roomId, after: asked, where: isIt });
        assert.equal(answer.encrypted, true);
        // A later answer shows that none comes twice.
        const last = await alice.sendText({ roomId, body: "And now?" });
        await alice.waitMessage({ roomId, after: last, where: ({ sender }) => sender !== alice.userId });
        const heard = alice
          .messages(roomId)
          .filter(
            ({ body, content }) => body.startsWith(`Heard: ⏰ ${words}`) && content["m.relates_to"] === undefined,
          );
        assert.equal(new Set(heard.map(({ eventId }) => eventId)).size, 1);
      });
    }
  });
}
