import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DatabaseSync } from "node:sqlite";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import type { User } from "../support/user.ts";

describe("a transaction that Synapse has stranded", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;

  before(async () => {
    deployment = await startDeployment();
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
  });
  after(() => deployment.stop());

  function inSynapse<T>(work: (database: DatabaseSync) => T): T {
    const database = new DatabaseSync(join(deployment.synapseDirectory, "homeserver.db"));
    try {
      return work(database);
    } finally {
      database.close();
    }
  }

  it("is answered with the next one, in order", async () => {
    await deployment.stopBridge("kill");
    const stranded = await alice.sendText({ roomId, body: "stranded" });
    await eventually("Synapse to have it in a transaction, and us for down", () =>
      inSynapse((database) => {
        const kept = database.prepare("select 1 from application_services_txns where event_ids like ?");
        const down = database.prepare("select 1 from application_services_state where state = 'down'");
        return kept.get(`%${stranded}%`) !== undefined && down.get() !== undefined;
      }),
    );
    await deployment.synapse.stop();
    // As a Synapse leaves it that ends after it has noted the transaction and before it has noted that we are down.
    inSynapse((database) => database.exec("update application_services_state set state = 'up'"));
    await deployment.restartSynapse();
    await deployment.startBridge();

    const next = await alice.sendText({ roomId, body: "next" });
    for (const question of [stranded, next]) {
      await alice.waitMessage({
        roomId,
        sender: agent,
        where: ({ content }) => {
          const relation = content["m.relates_to"] as { "m.in_reply_to"?: { event_id?: unknown } } | undefined;
          return relation?.["m.in_reply_to"]?.event_id === question;
        },
      });
    }
    const answers = alice.messages(roomId).filter((message) => message.sender === agent);
    assert.deepEqual(
      answers.map(({ body }) => /stranded|next/.exec(body)?.[0]),
      ["stranded", "next"],
    );
  });
});
