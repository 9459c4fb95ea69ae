import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { TRUST_ANYONE, startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import type { User } from "../support/user.ts";

const STREAM = "org.matrix.msc4471.stream";
const ANSWER = Array.from({ length: 60 }, (_, index) => `word${index}`).join(" ");

describe("an answer that is shown live", () => {
  let ollama: OllamaServer;
  let deployment: Deployment;
  let alice: User;
  let bob: User;
  let agent: string;

  before(async () => {
    ollama = await startOllamaServer(["llama3.2:3b"]);
    deployment = await startDeployment({
      providers: { ollama: { type: "ollama", url: ollama.url } },
      agents: { llama: { provider: "ollama", model: "llama3.2:3b", display_name: "Llama" } },
      extraConfig: {
        answers: { stream: "live", welcome: false, command_menus: false },
        memory: { summaries: false },
        ...TRUST_ANYONE,
      },
    });
    [alice, bob] = await Promise.all([deployment.user("js-sdk", "alice"), deployment.user("nio", "bob")]);
    await alice.followStreams();
    agent = deployment.agent("llama");
  });
  after(async () => {
    await deployment.stop();
    await ollama.close();
  });

  for (const encrypted of [true, false]) {
    it(`grows for who watches, and is whole for everybody, in a room that is ${encrypted ? "" : "not "}encrypted`, async () => {
      const roomId = await alice.createRoom({ encrypted, invite: [agent, bob.userId] });
      await bob.join(roomId);
      await alice.waitMember(roomId, agent);
      ollama.next({ answer: () => ANSWER, tokenMs: 80 });
      const question = await alice.sendText({ roomId, body: "tell me more", mentions: [agent] });
      const draft = await alice.waitMessage({ roomId, sender: agent, after: question });
      const descriptor = draft.content[STREAM] as { encryption: { key: string } };
      assert.ok(descriptor.encryption.key.length > 40);
      for (const person of [alice, bob]) {
        await eventually(`${person.userId} to have the whole answer`, () =>
          person.messages(roomId).some(({ body }) => body === ANSWER),
        );
      }
      const whole = alice.messages(roomId).filter(({ sender }) => sender === agent);
      assert.deepEqual(
        whole.map(({ body, edits }) => [body, edits]),
        [[ANSWER, 1]],
      );
      assert.equal(whole[0]?.current[STREAM], undefined, "no stream is told of any more");
      const seen = alice.streamed(draft.eventId);
      assert.ok(seen.length >= 4, `${seen.length} forms`);
      assert.equal(seen[0]?.op, "replace");
      assert.ok(seen.slice(1).every(({ op }) => op === "append"));
      for (const { text } of seen) assert.ok(ANSWER.startsWith(text.replace(/…$/, "").trimEnd()), text);
      const wire = JSON.stringify(draft.wireContent);
      assert.equal(wire.includes(descriptor.encryption.key), !encrypted, "the key is where the words are");
    });
  }

  it("still grows by edits after a restart in the middle", async () => {
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    ollama.next({ answer: () => ANSWER, tokenMs: 200 });
    const question = await alice.sendText({ roomId, body: "slowly" });
    const draft = await alice.waitMessage({ roomId, sender: agent, after: question });
    await deployment.stopBridge("kill");
    ollama.next({ answer: () => ANSWER, tokenMs: 80 });
    await deployment.startBridge();
    await eventually("the whole answer", () => alice.messages(roomId).some(({ body }) => body === ANSWER), {
      timeoutMs: 60_000,
    });
    const answers = alice.messages(roomId).filter(({ sender }) => sender === agent);
    assert.deepEqual(
      answers.map(({ eventId, body }) => [eventId, body]),
      [[draft.eventId, ANSWER]],
    );
    assert.equal(answers[0]?.current[STREAM], undefined);
  });
});
