import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { english } from "../../src/language/english.ts";
import { german } from "../../src/language/german.ts";
import { startBridgeOn, type BridgeOn } from "../support/bridge-on.ts";
import { asksAgain, asksEncrypted, asksInClear } from "../support/conversation-on.ts";
import { eventually } from "../support/eventually.ts";
import { requestAs } from "../support/matrix-request.ts";
import { SHAPES, standInFor, type Shape, type StandIn } from "../support/stand-in.ts";
import type { User } from "../support/user.ts";

/** The levels of pino. */
const [WARN, ERROR] = [40, 50];

/** Starts a stand-in with the bridge. */
async function startOn(shape: Shape, extraConfig: Readonly<Record<string, unknown>> = {}): Promise<BridgeOn<StandIn>> {
  const { url, start } = await standInFor(shape);
  return startBridgeOn(start, { url, extraConfig });
}

for (const name of ["Conduit", "Tuwunel", "Continuwuity"] as const) {
  const shape: Shape = SHAPES[name];
  describe(`a stand-in that answers as ${name}`, () => {
    let all: BridgeOn<StandIn>;
    let alice: User;
    let agent: string;

    before(async () => {
      all = await startOn(shape);
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
      const logins = all.homeserver.asked.filter((call) => call === "POST /login").length;
      assert.equal(logins > 0, name !== "Continuwuity");
    });

    it("writes no error, and no warning again and again", () => {
      assert.deepEqual(all.lines(ERROR), []);
      assert.ok(all.lines(WARN).length < 5, all.lines(WARN).join("\n"));
    });

    it("is named by doctor, which finds nothing wrong", async () => {
      const { code, stdout } = await all.command("doctor");
      assert.equal(code, 0, stdout);
      assert.match(stdout, new RegExp(`${shape.software.name} ${shape.software.version}`));
    });

    it("answers after a restart of the bridge", async () => {
      const roomId = await asksEncrypted(alice, agent);
      await all.bridge.stop();
      const question = await alice.sendText({ roomId, body: "while you were away" });
      await all.startBridge();
      const answer = await alice.waitMessage({ roomId, sender: agent, after: question, timeoutMs: 60_000 });
      assert.match(answer.body, /while you were away/);
    });

    it("halts an agent whose device is deleted, and gives it another one on request", async () => {
      const roomId = await asksEncrypted(alice, agent);
      const request = requestAs(all.homeserver.synapse.url, all.files.asToken);
      const as = `user_id=${encodeURIComponent(agent)}`;
      const { devices } = await request<{ devices: { device_id: string }[] }>("GET", `/v3/devices?${as}`);
      for (const { device_id: id } of devices) await request("DELETE", `/v3/devices/${id}?${as}`, {});
      await alice.sendText({ roomId, body: "nobody reads this" });
      await eventually("the agent to be halted", () =>
        all.lines(ERROR).some((line) => line.includes("device has been deleted on the homeserver")),
      );
      const { code, stderr } = await all.command("keys", "new-device", agent);
      assert.equal(code, 0, stderr);
      await asksAgain(alice, agent, roomId, "with another device");
    });

    it("replaces a device that is there, and leaves one", async () => {
      const roomId = await asksEncrypted(alice, agent);
      const request = requestAs(all.homeserver.synapse.url, all.files.asToken);
      const devicesOf = async (): Promise<string[]> => {
        const path = `/v3/devices?user_id=${encodeURIComponent(agent)}`;
        const { devices } = await request<{ devices: { device_id: string }[] }>("GET", path);
        return devices.map(({ device_id: id }) => id);
      };
      const before = await devicesOf();
      const { code, stdout, stderr } = await all.command("keys", "new-device", agent);
      assert.equal(code, 0, stdout + stderr);
      await asksAgain(alice, agent, roomId, "with a third device");
      const after = await eventually("the former device to be gone", async () => {
        const now = await devicesOf();
        return now.length === 1 && now;
      });
      assert.notDeepEqual(after, before);
    });
  });
}

describe("a homeserver that gives application services no devices", () => {
  let all: BridgeOn<StandIn>;
  let alice: User;
  let agent: string;

  before(async () => {
    all = await startOn(SHAPES["a homeserver without devices"]);
    alice = await all.user("js-sdk", "alice");
    agent = all.agent("demo");
  });
  after(() => all.stop());

  it("has agents that answer in a room without encryption", async () => {
    await asksInClear(alice, agent);
  });

  it("has agents that decline an encrypted room, in words", async () => {
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    const left = await eventually("the agent to decline", async () => {
      const path = `/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${encodeURIComponent(agent)}`;
      const content = await alice.request<{ membership: string; reason?: string }>("GET", path);
      return content.membership === "leave" && content;
    });
    assert.equal(left.reason, english.noDevice);
  });

  it("tells a room that becomes encrypted once, unencrypted, and goes on in others", async () => {
    const roomId = await asksInClear(alice, agent);
    const encryption = { algorithm: "m.megolm.v1.aes-sha2" };
    await alice.request("PUT", `/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.encryption/`, encryption);
    await alice.waitEncrypted(roomId);
    const first = await alice.sendText({ roomId, body: "the password is swordfish" });
    const notice = await alice.waitMessage({ roomId, sender: agent, after: first, timeoutMs: 60_000 });
    assert.deepEqual([notice.encrypted, notice.body], [false, english.noDevice]);
    await alice.sendText({ roomId, body: "and again" });
    await asksInClear(alice, agent);
    const said = alice.events(roomId).filter(({ sender, type }) => sender === agent && type === "m.room.message");
    assert.equal(said.filter(({ content }) => content["body"] === english.noDevice).length, 1);
  });

  it("tells a room whose invite did not say that it is encrypted", async () => {
    await all.bridge.stop();
    const roomId = await alice.createRoom({ encrypted: false, invite: [agent] });
    const encryption = { algorithm: "m.megolm.v1.aes-sha2" };
    await alice.request("PUT", `/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.encryption/`, encryption);
    await all.startBridge();
    await alice.waitMember(roomId, agent, "join", 60_000);
    const notice = await eventually("the notice", () =>
      alice.events(roomId).find(({ sender, type }) => sender === agent && type === "m.room.message"),
    );
    assert.equal(notice.content["body"], english.noDevice);
  });

  it("is said once in the log of each start, by its name", () => {
    const errors = all.bridge.logs().filter(({ level }) => level >= ERROR);
    assert.equal(errors.length, 1, all.lines(ERROR).join("\n"));
    assert.match(errors[0]?.msg ?? "", /gives application services no devices/);
    assert.equal(errors[0]?.["homeserver"], "Plain 1.0");
    assert.ok(all.lines(WARN).length < 5, all.lines(WARN).join("\n"));
  });
});

describe("a homeserver without devices, with agents that speak German", () => {
  let all: BridgeOn<StandIn>;

  before(async () => {
    all = await startOn(SHAPES["a homeserver without devices"], {
      answers: { language: "de", welcome: false, command_menus: false },
    });
  });
  after(() => all.stop());

  it("has agents that decline an encrypted room in German", async () => {
    const alice = await all.user("js-sdk", "alice");
    const agent = all.agent("demo");
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    const reason = await eventually("the agent to decline", async () => {
      const path = `/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${encodeURIComponent(agent)}`;
      return (await alice.request<{ reason?: string }>("GET", path)).reason;
    });
    assert.equal(reason, german.noDevice);
  });
});
