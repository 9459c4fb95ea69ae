import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import pg from "pg";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import type { User } from "../support/user.ts";

const AGENTS = ["a", "b", "c", "d"];

describe("a bridge that may keep one agent in memory", () => {
  let deployment: Deployment;
  let alice: User;
  let roomId: string;

  before(async () => {
    deployment = await startDeployment({
      database: "postgres",
      agents: Object.fromEntries(AGENTS.map((name) => [name, { provider: "demo", display_name: `Agent ${name}` }])),
      extraConfig: { ghosts: { max_loaded: 1, idle_after: "1s" }, leases: { expire_after: "1500ms" } },
    });
    alice = await deployment.user("js-sdk", "alice");
    roomId = await alice.createRoom({ invite: AGENTS.map((name) => deployment.agent(name)) });
    for (const name of AGENTS) await alice.waitMember(roomId, deployment.agent(name));
  });
  after(() => deployment.stop());

  /** Asks all of them at once, and waits for each one's answer. */
  async function askAll(body: string): Promise<void> {
    const agents = AGENTS.map((name) => deployment.agent(name));
    const question = await alice.sendText({ roomId, body, mentions: agents });
    for (const sender of agents) await alice.waitMessage({ roomId, sender, after: question, timeoutMs: 60_000 });
  }

  async function loaded(): Promise<number> {
    const client = new pg.Client({ connectionString: deployment.settings.database });
    await client.connect();
    try {
      return (await client.query("select from leases where owner is not null")).rowCount ?? 0;
    } finally {
      await client.end();
    }
  }

  it("lets all of them answer, one making room for the next, each with its same device", async () => {
    await askAll("first");
    const devices = await Promise.all(AGENTS.map((name) => alice.deviceTrust(deployment.agent(name))));
    await askAll("second");
    await askAll("third");
    assert.ok((await loaded()) <= 1);
    assert.deepEqual(await Promise.all(AGENTS.map((name) => alice.deviceTrust(deployment.agent(name)))), devices);
    assert.ok(alice.messages(roomId).every((message) => message.decryptionError === undefined));
  });

  it("unloads the last one too when nobody needs it, and loads it again for its next message", async () => {
    await eventually("all to be put away", async () => (await loaded()) === 0);
    await askAll("after a while");
    for (const name of AGENTS) {
      const answers = alice.messages(roomId).filter((message) => message.sender === deployment.agent(name));
      assert.equal(answers.length, 4);
    }
  });
});
