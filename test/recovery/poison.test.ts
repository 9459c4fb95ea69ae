import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import pg from "pg";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { inCheckout } from "../support/paths.ts";
import type { User } from "../support/user.ts";

/** A text that makes the engine panic, as a fault of it could. */
const POISON = "poisonous";

describe("a message that makes the crypto engine panic", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;
  let deaths = 0;
  let over = false;
  let supervising: Promise<void>;

  before(async () => {
    deployment = await startDeployment({ database: "postgres" });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    await answered(await alice.sendText({ roomId, body: "all is well" }));
    await deployment.stopBridge();
    supervising = supervise();
  });
  after(async () => {
    over = true;
    await deployment.stopBridge();
    await supervising;
    await deployment.stop();
  });

  /** Starts the bridge again whenever it has ended, as systemd would. */
  async function supervise(): Promise<void> {
    const env = { NODE_OPTIONS: `--import=${inCheckout("test/support/poison.mjs")}`, POISON };
    while (!over) {
      // A process that ends before it is ready was still started.
      await deployment.startBridge(env).catch(() => undefined);
      const exit = await deployment.bridge.exited;
      if (exit.code !== 0) deaths++;
    }
  }

  async function answered(question: string): Promise<void> {
    await alice.waitMessage({ roomId, sender: agent, after: question, timeoutMs: 60_000 });
  }

  async function sql(text: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: deployment.settings.database });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  it("ends the process at most three times as an event, is set aside, and the rest goes on", async () => {
    // Outside of the ciphertext, so that the engine ends over its input and not over the decrypted content.
    const event = await alice.send(roomId, { msgtype: "m.text", body: "x", "m.relates_to": { event_id: POISON } });
    await answered(await alice.sendText({ roomId, body: "behind the poison" }));
    assert.ok(deaths >= 1 && deaths <= 3, `${deaths} ends`);
    const rows = await sql("select event_id, state, reason from mailbox");
    assert.deepEqual(rows, [{ event_id: event, state: "set_aside", reason: "did not finish in 3 attempts" }]);
  });

  it("does the same as a to-device message, and takes no key with it", async () => {
    deaths = 0;
    const { device_id: device } = (await sql(`select device_id from ghosts where user_id = '${agent}'`))[0] ?? {};
    await alice.request("PUT", "/v3/sendToDevice/org.example.poison/1", {
      messages: { [agent]: { [String(device)]: { text: POISON } } },
    });
    // Its key comes after the poison.
    await alice.rotateSession(roomId);
    await answered(await alice.sendText({ roomId, body: "under a key behind the poison" }));
    assert.ok(deaths >= 1 && deaths <= 3, `${deaths} ends`);
    await eventually("the message to be set aside", async () => {
      const rows = await sql("select set_aside from to_device_trials");
      return rows.length === 1 && rows[0]?.["set_aside"] === true;
    });
  });
});
