import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { eventually } from "../support/eventually.ts";
import { startFederation, type Federation } from "../support/federation.ts";
import type { User } from "../support/user.ts";

describe("a person of another server", () => {
  let federation: Federation;
  let carol: User;
  let agent: string;

  before(async () => {
    federation = await startFederation({ extraConfig: { permissions: { servers: { localhost: "user" } } } });
    carol = await federation.stranger("carol");
    agent = federation.home.agent("demo");
  });
  after(() => federation.stop());

  it("with permission holds an encrypted conversation with an agent", async () => {
    const roomId = await carol.createRoom({ direct: true, invite: [agent] });
    await carol.waitMember(roomId, agent, "join", 30_000);
    for (const body of ["the password is swordfish", "and again"]) {
      const question = await carol.sendText({ roomId, body });
      const answer = await carol.waitMessage({ roomId, sender: agent, after: question, timeoutMs: 30_000 });
      assert.equal(answer.encrypted, true);
      assert.match(answer.body, new RegExp(body));
      assert.equal((await carol.shield(roomId, answer.eventId))?.colour, "none");
    }
  });

  it("holds one though another server has claimed all of the agent's one-time keys, which are made again", async () => {
    const { device_keys: devices } = await carol.request<{ device_keys: Record<string, object> }>(
      "POST",
      "/v3/keys/query",
      {
        device_keys: { [agent]: [] },
      },
    );
    const [deviceId = ""] = Object.keys(devices[agent] ?? {});
    const claim = async (): Promise<object[]> => {
      const wanted = { one_time_keys: { [agent]: { [deviceId]: "signed_curve25519" } } };
      const { body } = await federation.other.ask("POST", "/_matrix/federation/v1/user/keys/claim", wanted);
      const keys = body["one_time_keys"] as Record<string, Record<string, Record<string, object>>>;
      return Object.values(keys[agent]?.[deviceId] ?? {});
    };
    process.kill(federation.home.bridge.pid, "SIGSTOP");
    for (let count = 0; count < 60; count++) await claim();
    const [last] = await claim();
    process.kill(federation.home.bridge.pid, "SIGCONT");
    assert.ok(last !== undefined && "fallback" in last, "nothing but the fallback key is left");

    const dora = await federation.stranger("dora");
    const roomId = await dora.createRoom({ direct: true, invite: [agent] });
    await dora.waitMember(roomId, agent, "join", 30_000);
    const question = await dora.sendText({ roomId, body: "by the fallback key" });
    const answer = await dora.waitMessage({ roomId, sender: agent, after: question, timeoutMs: 30_000 });
    assert.match(answer.body, /by the fallback key/);
    await eventually("keys to be there again", async () => !("fallback" in ((await claim())[0] ?? {})), {
      intervalMs: 200,
    });
  });

  it("is answered encrypted though their server tells those who join that the room is not encrypted", async () => {
    const { front } = federation.other;
    let hidden = 0;
    front.intercept = async (request) => {
      const answer = await front.forward(request);
      if (!request.url.includes("/send_join/")) return answer;
      const body = JSON.parse(answer.body.toString()) as { state: { type: string }[] };
      const state = body.state.filter(({ type }) => type !== "m.room.encryption");
      hidden += body.state.length - state.length;
      return { ...answer, body: Buffer.from(JSON.stringify({ ...body, state })) };
    };
    const roomId = await carol.createRoom({ direct: true, invite: [agent] });
    await carol.waitMember(roomId, agent, "join", 30_000);
    assert.equal(hidden, 1);
    const question = await carol.sendText({ roomId, body: "the password is swordfish" });
    const answer = await carol.waitMessage({ roomId, sender: agent, after: question, timeoutMs: 30_000 });
    assert.equal(answer.encrypted, true);
    assert.match(answer.body, /swordfish/);
    front.intercept = (request) => front.forward(request);
  });
});
