import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LogLine } from "../support/bridge.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
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

describe("the log of a bridge whose database goes away", () => {
  let postgres: Postgres;
  let deployment: Deployment;

  before(async () => {
    postgres = await startPostgres();
    deployment = await startDeployment({
      database: "postgres",
      postgresUrl: postgres.adminUrl,
      extraConfig: { logging: { level: "info", format: "json" }, leases: { expire_after: "5s" } },
    });
  });
  after(async () => {
    await deployment.stop();
    await postgres.stop();
  });

  it("says once that it is away and once that it is back, and no failure twice", async () => {
    const lines = (): LogLine[] => deployment.bridge.logs();
    const begun = lines().length;
    await postgres.kill();
    const said = (words: string): boolean => lines().some(({ msg }) => msg.startsWith(words));
    await eventually("the absence to be told", () => said("the heartbeat could") && said("the database does not"));
    // Each of these is a transaction that can't be stored.
    const { port } = deployment.settings;
    for (let count = 0; count < 20; count++) {
      const answer = await fetch(`http://127.0.0.1:${port}/_matrix/app/v1/transactions/flood${count}`, {
        method: "PUT",
        headers: { authorization: `Bearer ${deployment.files.hsToken}` },
        body: JSON.stringify({ events: [] }),
      });
      await answer.body?.cancel();
    }
    const away = lines().slice(begun);
    const told = Map.groupBy(away, ({ msg }) => msg);
    for (const [msg, all] of told) assert.ok(all.length <= 2, `${all.length} times: ${msg}`);
    assert.equal(told.get("the database does not answer")?.length, 1);
    assert.doesNotMatch(JSON.stringify(away), /"stack"/);
    await postgres.restart();
    await eventually("the database to be back", () => lines().some(({ msg }) => msg === "the database answers again"), {
      timeoutMs: 60_000,
    });
  });
});
