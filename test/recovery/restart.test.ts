import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { answeredEvent } from "../../src/matrix/relation.ts";
import { TRUST_ANYONE, startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import type { User } from "../support/user.ts";

for (const database of ["embedded", "postgres"] as const) {
  describe(`a bridge on the ${database} database that is stopped and killed`, () => {
    let ollama: OllamaServer;
    let deployment: Deployment;
    let alice: User;
    let bob: User;
    const rooms = new Map<User, string>();
    const asked = new Map<User, string[]>();
    const demo = (): string => deployment.agent("demo");

    before(async () => {
      ollama = await startOllamaServer();
      deployment = await startDeployment({
        database,
        providers: { demo: { type: "demo" }, ollama: { type: "ollama", url: ollama.url } },
        agents: { demo: { provider: "demo" }, slow: { provider: "ollama", model: "slow" } },
        extraConfig: { turns: { drain: "500ms" }, ...TRUST_ANYONE },
      });
      [alice, bob] = await Promise.all([deployment.user("js-sdk", "alice"), deployment.user("nio", "bob")]);
      for (const person of [alice, bob]) {
        const roomId = await person.createRoom({ direct: true, invite: [demo()] });
        await person.waitMember(roomId, demo());
        rooms.set(person, roomId);
        asked.set(person, []);
      }
    });
    after(async () => {
      await deployment.stop();
      await ollama.close();
    });

    async function say(person: User, body: string): Promise<void> {
      asked.get(person)?.push(await person.sendText({ roomId: rooms.get(person) ?? "", body }));
    }

    function answers(person: User): ReturnType<User["messages"]> {
      return person.messages(rooms.get(person) ?? "").filter((message) => message.sender === demo());
    }

    function answered(person: User): unknown[] {
      return answers(person).map(({ content }) => answeredEvent(content));
    }

    async function allAnswered(): Promise<void> {
      for (const person of [alice, bob]) {
        await eventually(
          `every question of ${person.userId} to be answered`,
          () => asked.get(person)?.every((question) => answered(person).includes(question)) === true,
          { timeoutMs: 60_000, instead: () => JSON.stringify([asked.get(person), answered(person)]) },
        );
      }
    }

    for (const how of ["stop", "kill"] as const) {
      it(`answers after a ${how} the messages since, under keys sent since, with its former device`, async () => {
        for (const person of [alice, bob]) await say(person, `before the ${how}`);
        await allAnswered();
        const devices = await alice.deviceTrust(demo());

        // Killed with a message on its way, so that its work is interrupted at some point.
        if (how === "kill") for (const person of [alice, bob]) await say(person, "just before");
        const exit = await deployment.stopBridge(how);
        if (how === "stop") assert.deepEqual(exit, { code: 0, signal: null });
        for (const person of [alice, bob]) {
          await say(person, "in the old session");
          await person.rotateSession(rooms.get(person) ?? "");
          await say(person, "in a new session, whose key was sent while it was down");
        }
        await deployment.startBridge();
        for (const person of [alice, bob]) await say(person, `after the ${how}`);
        await allAnswered();
        assert.deepEqual(await alice.deviceTrust(demo()), devices, "the same device, signed");
        for (const person of [alice, bob]) {
          assert.deepEqual(answered(person).toSorted(), asked.get(person)?.toSorted(), "each question once");
          assert.deepEqual(
            answers(person).filter((message) => message.decryptionError !== undefined),
            [],
          );
        }
      });
    }

    for (const how of ["stop", "kill"] as const) {
      it(`gives one answer by a model that a ${how} interrupted`, async () => {
        ollama.install("slow", { fault: { kind: "stall", atToken: 2 } });
        const before = ollama.chats().length;
        const agent = deployment.agent("slow");
        const roomId = await alice.createRoom({ direct: true, invite: [agent] });
        await alice.waitMember(roomId, agent);
        const question = await alice.sendText({ roomId, body: "take your time" });
        await eventually("the model to be at work", () => ollama.chats().at(before)?.tokensSent === 2);
        const exit = await deployment.stopBridge(how);
        if (how === "stop") assert.deepEqual(exit, { code: 0, signal: null }, "within its bound");
        ollama.install("slow");
        await deployment.startBridge();
        await alice.waitMessage({ roomId, sender: agent, after: question });
        const again = await alice.sendText({ roomId, body: "and again" });
        await alice.waitMessage({ roomId, sender: agent, after: again });
        assert.equal(alice.messages(roomId).filter((message) => message.sender === agent).length, 2);
      });
    }
  });
}

for (const database of ["embedded", "postgres"] as const) {
  it(`a bridge on the ${database} database finishes its answer when it is stopped`, async (test) => {
    const ollama = await startOllamaServer();
    test.after(() => ollama.close());
    const deployment = await startDeployment({
      database,
      providers: { ollama: { type: "ollama", url: ollama.url } },
      agents: { slow: { provider: "ollama", model: "slow" } },
      extraConfig: { turns: { drain: "60s" }, ...TRUST_ANYONE },
    });
    test.after(() => deployment.stop());
    const alice = await deployment.user("js-sdk", "alice");
    const agent = deployment.agent("slow");
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    ollama.install("slow", { firstTokenMs: 200 });
    const question = await alice.sendText({ roomId, body: "quickly, please" });
    await eventually("the model to be asked", () =>
      ollama.chats().some(({ body }) => JSON.stringify(body).includes("quickly, please")),
    );
    assert.deepEqual(await deployment.stopBridge(), { code: 0, signal: null });
    await alice.waitMessage({ roomId, sender: agent, after: question });
  });
}
