import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger } from "../../src/observability/log.ts";
import type { Step } from "../../src/observability/steps.ts";
import { openAs, startToolsWithSignIn, type ToolsWithSignIn } from "../support/authorization-server.ts";
import { answerTo, startCallingChat, type CallingChat } from "../support/calling-chat.ts";
import { eventually } from "../support/eventually.ts";

/** The steps at which the bridge is killed while it sends a link. */
const SENDING: readonly Step[] = ["step.proposed", "event.encrypted", "send.stored", "send.sent", "turn.made"];

/** The steps at which it is killed while somebody brings the end of a link. */
const ENDING: readonly Step[] = ["mail.taken", "event.encrypted", "send.stored", "send.sent"];

for (const database of ["embedded", "postgres"] as const) {
  describe(`signing in to a tool server, on the ${database} database, when the bridge is killed`, () => {
    let tools: ToolsWithSignIn;
    let chat: CallingChat;

    before(async () => {
      tools = await startToolsWithSignIn();
      const tickets = { type: "http", url: tools.url, sign_in: { issuer: tools.issuer }, approval: "never" };
      chat = await startCallingChat(database, { tickets });
    });
    after(async () => {
      await chat.stop();
      await tools[Symbol.asyncDispose]();
    });
    beforeEach(async () => {
      tools.behaviour.lifeSeconds = 3_600;
      await says("!tools sign-out tickets");
      chat.ollama.install("llama3.2:3b", { answer: (messages) => messages.at(-1)?.content ?? "" });
    });

    const says = async (words: string): Promise<string> => (await answerTo(chat.person, chat.roomId, words)).body;

    /** A question for which the model calls a tool. */
    function ask(tool: string): Promise<string> {
      chat.ollama.next({ answer: () => "", calls: [{ name: `tickets__${tool}`, arguments: {} }] });
      return chat.person.sendText({ roomId: chat.roomId, body: "What is open?" });
    }

    const said = (after: string, pattern: RegExp): Promise<{ readonly body: string }> =>
      chat.person.waitMessage({
        roomId: chat.roomId,
        after,
        sender: chat.agent,
        timeoutMs: 60_000,
        where: ({ body }) => pattern.test(body),
      });

    function linksAfter(event: string): readonly string[] {
      const messages = chat.person.messages(chat.roomId);
      const start = messages.findIndex(({ eventId }) => eventId === event);
      return messages.slice(start + 1).flatMap(({ sender, body }) => {
        const link = sender === chat.agent ? / (http\S+)/.exec(body)?.[1] : undefined;
        return link === undefined ? [] : [link];
      });
    }

    for (const step of SENDING) {
      it(`at ${step}, sends one link, which works`, async () => {
        const dying = await chat.dyingAt(step);
        const question = await ask("sign_in");
        assert.equal((await dying.exited).signal, "SIGKILL");
        await chat.deployment.startBridge();
        await said(question, /has to sign in to tickets first/);
        const [link = "", ...others] = linksAfter(question);
        assert.deepEqual(others, []);
        assert.match(await says(`!tools sign-in tickets ${await openAs("alice", link)}`), /^You have signed in/);
      });
    }

    for (const step of ENDING) {
      it(`at ${step}, signs in once, and says so`, async () => {
        const [, link = ""] = / (http\S+)/.exec(await says("!tools sign-in tickets")) ?? [];
        const address = await openAs("alice", link);
        const dying = await chat.dyingAt(step);
        const word = await chat.person.sendText({ roomId: chat.roomId, body: `!tools sign-in tickets ${address}` });
        assert.equal((await dying.exited).signal, "SIGKILL");
        await chat.deployment.startBridge();
        assert.match((await said(word, /./)).body, /^You have signed in/);
        assert.match((await said(await ask("whoami"), /./)).body, /^you are alice/);
      });
    }

    // On the embedded database nobody else can put the time forward.
    if (database === "postgres") {
      it("with new tokens that it has not stored, loses the sign-in, and asks for another one", async () => {
        tools.behaviour.lifeSeconds = 20;
        const [, link = ""] = / (http\S+)/.exec(await says("!tools sign-in tickets")) ?? [];
        await says(`!tools sign-in tickets ${await openAs("alice", link)}`);
        const told = Promise.withResolvers<undefined>();
        tools.behaviour.beforeTold = () => told.promise;
        const refreshed = tools.grants.filter((grant) => grant === "refresh_token").length;
        const question = await ask("whoami");
        await eventually(
          "new tokens to be given",
          () => tools.grants.filter((grant) => grant === "refresh_token").length > refreshed,
        );
        await chat.deployment.stopBridge("kill");
        told.resolve(undefined);
        tools.behaviour.beforeTold = () => Promise.resolve();
        const rows = openPostgres(chat.deployment.settings.database ?? "", silentLogger());
        await rows.query("update tool_sign_ins set renewed_until = now() - interval '1 second'");
        await rows.close();
        await chat.deployment.startBridge();
        await said(question, /./);
        const again = await ask("sign_in");
        await said(again, /has to sign in to tickets first/);
        const [next = ""] = linksAfter(again);
        assert.match(await says(`!tools sign-in tickets ${await openAs("alice", next)}`), /^You have signed in/);
      });
    }
  });
}
