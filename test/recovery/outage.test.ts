import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { startPostgres, type Postgres } from "../support/postgres.ts";
import type { User } from "../support/user.ts";

describe("a bridge whose homeserver or database goes away", () => {
  let postgres: Postgres;
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;

  before(async () => {
    // A PostgreSQL of its own, which the test kills.
    postgres = await startPostgres();
    deployment = await startDeployment({ database: "postgres", postgresUrl: postgres.adminUrl });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
  });
  after(async () => {
    await deployment.stop();
    await postgres.stop();
  });

  async function assertAnswered(question: string): Promise<void> {
    await alice.waitMessage({ roomId, sender: agent, after: question, timeoutMs: 60_000 });
    assert.equal(deployment.bridge.logs().filter((line) => line.msg === "ready").length, 1, "the same process");
  }

  it("answers when Synapse has been restarted", async () => {
    await deployment.restartSynapse();
    await assertAnswered(await alice.sendText({ roomId, body: "after the restart" }));
  });

  it("answers messages from the time when PostgreSQL was killed, once it is back", async () => {
    await postgres.kill();
    const question = await alice.sendText({ roomId, body: "while it was away" });
    await postgres.restart();
    await assertAnswered(question);
    await assertAnswered(await alice.sendText({ roomId, body: "and once more" }));
    const answers = alice.messages(roomId).filter((message) => message.sender === agent);
    assert.equal(answers.length, 3);
    assert.ok(answers.every((message) => message.encrypted && message.decryptionError === undefined));
  });
});
