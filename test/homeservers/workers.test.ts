import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startBridgeOn, type BridgeOn } from "../support/bridge-on.ts";
import { asksAgain, asksEncrypted, asksInClear } from "../support/conversation-on.ts";
import { createDatabase } from "../support/postgres.ts";
import { sharedPostgresUrl } from "../support/services.ts";
import { startFront, startSynapseWithWorkers, type SynapseWithWorkers } from "../support/synapse-workers.ts";
import type { User } from "../support/user.ts";

describe("Synapse with workers", () => {
  let all: BridgeOn<SynapseWithWorkers>;
  let alice: User;
  let agent: string;

  before(async () => {
    const front = await startFront();
    all = await startBridgeOn(
      async ({ serverName, registration }) =>
        startSynapseWithWorkers({
          front,
          serverName,
          registration,
          database: await createDatabase(sharedPostgresUrl()),
        }),
      { url: front.url },
    );
    alice = await all.user("js-sdk", "alice");
    agent = all.agent("demo");
  });
  after(() => all.stop());

  it("has agents that answer in a room without encryption", async () => {
    await asksInClear(alice, agent);
  });

  it("has agents that answer end-to-end encrypted, with a device that they have signed", async () => {
    const roomId = await asksEncrypted(alice, agent);
    const answer = await asksAgain(alice, agent, roomId, "the shield");
    assert.equal((await alice.shield(roomId, answer))?.colour, "none");
  });

  it("is healthy for doctor", async () => {
    const { code, stdout } = await all.command("doctor");
    assert.equal(code, 0, stdout);
  });

  it("answers by all of its processes", () => {
    const { main, reader, writer } = all.homeserver.answered;
    assert.ok(main > 0 && reader > 0 && writer > 0, JSON.stringify(all.homeserver.answered));
  });
});
