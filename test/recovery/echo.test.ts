import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import pg from "pg";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { inCheckout } from "../support/paths.ts";
import type { User } from "../support/user.ts";

describe("an answer whose arrival was never confirmed", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;

  before(async () => {
    deployment = await startDeployment({ database: "postgres" });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
  });
  after(() => deployment.stop());

  for (const encrypted of [true, false]) {
    it(`is looked for in the room when Synapse may have forgotten it (${encrypted ? "encrypted" : "in clear"})`, async () => {
      const roomId = await alice.createRoom({ direct: true, encrypted, invite: [agent] });
      await alice.waitMember(roomId, agent);
      await deployment.stopBridge();
      await deployment.startBridge({
        NODE_OPTIONS: `--import=${inCheckout("test/support/crash-at-step.mjs")}`,
        CRASH_AT: "send.sent",
      });
      const question = await alice.sendText({ roomId, body: "did you get that?" });
      await deployment.bridge.exited;
      const client = new pg.Client({ connectionString: deployment.settings.database });
      await client.connect();
      await client.query("update sends set created_at = created_at - interval '21 hours' where event_id is null");
      await client.end();

      await deployment.startBridge();
      await alice.waitMessage({ roomId, sender: agent, after: question });
      const next = await alice.sendText({ roomId, body: "and that?" });
      await alice.waitMessage({ roomId, sender: agent, after: next });
      assert.equal(alice.messages(roomId).filter((message) => message.sender === agent).length, 2);
      const sent = deployment.bridge
        .logs()
        .filter((line) => line["method"] === "PUT" && String(line["path"]).includes("/send/m.room."));
      assert.equal(sent.length, 1, "only the second answer was sent by this process");
    });
  }
});
