import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DatabaseSync } from "node:sqlite";
import { answeredEvent } from "../../src/matrix/relation.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { jsonAnswer, startHttpProxy, type HttpProxy } from "../support/http-proxy.ts";
import type { Message, User } from "../support/user.ts";

describe("an event that Synapse does not report because of a restart", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;
  let proxy: HttpProxy;

  before(async () => {
    deployment = await startDeployment({
      through: async (edge, url) => {
        if (edge !== "synapse to bridge") return url;
        proxy = await startHttpProxy(() => Number(new URL(url).port));
        return proxy.url;
      },
    });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
  });
  after(async () => {
    await deployment.stop();
    await proxy.stop();
  });

  function inSynapse<T>(work: (database: DatabaseSync) => T): T {
    const database = new DatabaseSync(join(deployment.synapseDirectory, "homeserver.db"));
    try {
      return work(database);
    } finally {
      database.close();
    }
  }

  function answersTo(question: string, inRoom = roomId, timeoutMs = 20_000): Promise<Message> {
    return alice.waitMessage({
      roomId: inRoom,
      timeoutMs,
      sender: agent,
      where: ({ content }) => answeredEvent(content) === question,
    });
  }

  /** Sends a message while the bridge is down; resolves when Synapse has it in a transaction, and takes us for down. */
  async function sayUnheard(body: string): Promise<string> {
    await deployment.stopBridge("kill");
    const question = await alice.sendText({ roomId, body });
    await eventually("Synapse to have it in a transaction, and us for down", () =>
      inSynapse((database) => {
        const kept = database.prepare("select 1 from application_services_txns where event_ids like ?");
        const down = database.prepare("select 1 from application_services_state where state = 'down'");
        return kept.get(`%${question}%`) !== undefined && down.get() !== undefined;
      }),
    );
    return question;
  }

  it("because it ended before it recorded a transaction, is read in the room and answered", async () => {
    const lost = await sayUnheard("lost");
    await deployment.synapse.stop();
    // Sent from the queue in its memory, recorded as sent, and never written down.
    inSynapse((database) => {
      database.exec("delete from application_services_txns; update application_services_state set state = 'up'");
    });
    await deployment.restartSynapse();
    await deployment.startBridge();
    await answersTo(lost);
  });

  it("is looked for when only the watch has noticed the restart, and both its ends are told", async () => {
    const lines = (msg: string): number => deployment.bridge.logs().filter((line) => line.msg === msg).length;
    const returns = (): number => lines("the homeserver answers again");
    const before = returns();
    await deployment.restartSynapse();
    await eventually("the return to be noticed", () => returns() > before);
    assert.equal(lines("the homeserver does not answer"), returns());
  });

  it("because it stranded a transaction, is answered too, even when later messages are known already", async () => {
    const stranded = await sayUnheard("stranded");
    await deployment.synapse.stop();
    // As after a Synapse that ends between recording the transaction and recording that we are down.
    inSynapse((database) => database.exec("update application_services_state set state = 'up'"));
    await deployment.restartSynapse();
    await deployment.startBridge();

    const next = await alice.sendText({ roomId, body: "next" });
    for (const question of [stranded, next]) await answersTo(question);
    const answers = alice.messages(roomId).filter((message) => message.sender === agent);
    assert.deepEqual(answers.map(({ body }) => /> (lost|stranded|next)/.exec(body)?.[1]).toSorted(), [
      "lost",
      "next",
      "stranded",
    ]);
  });

  it("that is an invite is read from the ghost's invites, and accepted", async () => {
    await deployment.stopBridge("kill");
    const invitedTo = await alice.createRoom({ direct: true, invite: [agent] });
    await eventually("Synapse to have the invite in a transaction", () =>
      inSynapse((database) => database.prepare("select 1 from application_services_txns").get() !== undefined),
    );
    await deployment.synapse.stop();
    inSynapse((database) => {
      database.exec("delete from application_services_txns; update application_services_state set state = 'up'");
    });
    await deployment.restartSynapse();
    await deployment.startBridge();
    await alice.waitMember(invitedTo, agent);
    const question = await alice.sendText({ roomId: invitedTo, body: "in the lost room" });
    await answersTo(question, invitedTo);
  });

  it("from before its own join is read in the room after an unreported invite, with the messages before the agent came", async () => {
    await deployment.stopBridge();
    // Synapse takes it for delivered, as it does with everything that it loses.
    proxy.intercept = (passing) =>
      passing.url.includes("/transactions/") ? Promise.resolve(jsonAnswer(200, {})) : proxy.forward(passing);
    const invitedTo = await alice.createRoom({ direct: true, invite: [agent] });
    // The client gives keys to the members that it sees there.
    await alice.waitMember(invitedTo, agent, "invite");
    const question = await alice.sendText({ roomId: invitedTo, body: "before you came" });
    await deployment.startBridge();
    await alice.waitMember(invitedTo, agent);
    const told = await alice.sendText({ roomId: invitedTo, body: "and after" });
    proxy.intercept = (passing) => proxy.forward(passing);
    for (const asked of [question, told]) await answersTo(asked, invitedTo, 60_000);
    assert.equal(alice.messages(invitedTo).filter(({ sender }) => sender === agent).length, 2);
  });

  it("that comes when it is outdated does not make a ghost deaf in a room that it is in", async () => {
    const { port } = deployment.settings;
    const leave = {
      event_id: "$told-too-late",
      room_id: roomId,
      sender: agent,
      type: "m.room.member",
      state_key: agent,
      content: { membership: "leave" },
      origin_server_ts: Date.now() - 60_000,
    };
    const told = await fetch(`http://127.0.0.1:${port}/_matrix/app/v1/transactions/told-too-late`, {
      method: "PUT",
      headers: { authorization: `Bearer ${deployment.files.hsToken}`, "content-type": "application/json" },
      body: JSON.stringify({ events: [leave] }),
    });
    assert.equal(told.status, 200);
    const late = "a late membership event is ignored: the ghost is in the room";
    await eventually("the ghost to look", () => deployment.bridge.logs().some((line) => line.msg === late));
    const question = await alice.sendText({ roomId, body: "still there?" });
    await answersTo(question);
  });
});
