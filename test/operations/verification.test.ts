import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { readCode } from "../support/qr-code.ts";
import { eventually } from "../support/eventually.ts";
import type { User } from "../support/user.ts";

describe("an agent that an operator verifies", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;

  before(async () => {
    deployment = await startDeployment({
      database: "postgres",
      toDevicePush: true,
      agents: {
        demo: { provider: "demo", display_name: "Demo" },
        strict: { provider: "demo", display_name: "Strict", trust: { read: "cross-signed-verified" } },
      },
    });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
    roomId = await direct(alice, agent);
  });
  after(() => deployment.stop());

  async function direct(user: User, with_: string): Promise<string> {
    const room = await user.createRoom({ direct: true, invite: [with_] });
    await user.waitMember(room, with_);
    const question = await user.sendText({ roomId: room, body: "hello" });
    await user.waitMessage({ roomId: room, sender: with_, after: question });
    return room;
  }

  /** The output of `matrix-agents verify`: the id and the pictures. */
  async function shown(user = "alice"): Promise<{ id: string; emoji: string }> {
    let stdout = "";
    await eventually("the emoji to be shown to the operator", async () => {
      const result = await deployment.command(["verify"]);
      assert.equal(result.code, 0, result.stderr);
      stdout = result.stdout;
      return new RegExp(`@${user}:example\\.test verifies .*\\n {3}(?!They)`).test(stdout);
    });
    return { id: idOf(stdout), emoji: stdout.split("\n")[1] ?? "" };
  }

  /** Asserts the form in which all of the agent's events of verifications in a room came. */
  function assertInForm(user: User, room: string, form: "encrypted" | "clear"): void {
    const of = (type: string): boolean => type.startsWith("m.key.verification.");
    const said = user.events(room).filter(({ sender, type }) => sender === agent && of(type));
    assert.ok(said.length >= 3, `${said.length} events`);
    for (const { type, encrypted } of said) assert.equal(encrypted, form === "encrypted", type);
  }

  function idOf(terminal: string): string {
    return /^(\d+): /m.exec(terminal)?.[1] ?? "";
  }

  function assertInOrder(emoji: readonly string[], shown: string): void {
    assert.equal(emoji.length, 7);
    let at = 0;
    for (const symbol of emoji) {
      const next = shown.indexOf(symbol, at);
      assert.ok(next >= at, `${symbol} in ${shown}`);
      at = next + symbol.length;
    }
  }

  it("shows both sides the same emoji in a room, and is verified when both confirm", async () => {
    assert.equal(await alice.isVerified(agent), false);
    const emoji = await alice.verify({ userId: agent, roomId });
    const operator = await shown();
    assertInOrder(emoji, operator.emoji);
    const confirmed = await deployment.command(["verify", "confirm", operator.id]);
    assert.equal(confirmed.code, 0, confirmed.stderr);
    assert.deepEqual(await alice.finishVerification(true), { done: true });
    await eventually("the agent to be verified", () => alice.isVerified(agent));
    const question = await alice.sendText({ roomId, body: "now that we know each other" });
    await alice.waitMessage({ roomId, sender: agent, after: question });
    const again = await deployment.command(["verify", "confirm", operator.id]);
    assert.equal(again.code, 1);
  });

  it("can be verified by scanning the code in the operator's terminal, when both confirm", async () => {
    const carol = await deployment.user("js-sdk", "carol");
    const room = await direct(carol, agent);
    await isVerifiedByCode(carol, { userId: agent, roomId: room });
  });

  it("can be verified by to-device messages too", async () => {
    const cora = await deployment.user("js-sdk", "cora");
    await direct(cora, agent);
    const [device] = await cora.deviceTrust(agent);
    assert.ok(device);
    await isVerifiedByCode(cora, { userId: agent, deviceId: device.deviceId });
  });

  async function isVerifiedByCode(
    person: User,
    whom: { readonly userId: string; readonly roomId?: string; readonly deviceId?: string },
  ): Promise<void> {
    const scan = await person.verifyByCode(whom);
    let terminal = "";
    await eventually("the code to be shown to the operator", async () => {
      terminal = (await deployment.command(["verify"], "", { terminal: true })).stdout;
      return terminal.includes("They can scan this code");
    });
    const early = await deployment.command(["verify", "confirm", idOf(terminal)]);
    assert.equal(early.code, 1, "nothing was scanned yet");
    const finish = await scan(readCode(terminal).toString("base64"));
    await eventually("the operator to be asked", async () => {
      terminal = (await deployment.command(["verify"])).stdout;
      return terminal.includes("has scanned the code");
    });
    assert.equal((await deployment.command(["verify", "confirm", idOf(terminal)])).code, 0);
    assert.deepEqual(await finish(), { done: true });
    await eventually("the agent to be verified", () => person.isVerified(agent));
    assert.match((await deployment.command(["verify"])).stdout, /no verification waits/);
  }

  it("is verified by matrix-nio, which starts without asking and by to-device messages", async () => {
    const nora = await deployment.user("nio", "nora");
    const [device] = await alice.deviceTrust(agent);
    assert.ok(device);
    const emoji = await nora.verify({ userId: agent, deviceId: device.deviceId });
    const operator = await shown("nora");
    assertInOrder(emoji, operator.emoji);
    assert.equal((await deployment.command(["verify", "confirm", operator.id])).code, 0);
    assert.deepEqual(await nora.finishVerification(true), { done: true });
    assert.equal(await nora.isVerified(agent), true);
    // A verification that begins before the first has ended on both sides ends both.
    await eventually("the agent's side to have ended", () =>
      deployment.bridge.logs().some((line) => line["user"] === nora.userId && line.msg === "verification ended"),
    );
    await nora.verify({ userId: agent, deviceId: device.deviceId });
    const { id } = await shown("nora");
    assert.equal((await deployment.command(["verify", "reject", id])).code, 0);
    assert.equal((await nora.finishVerification(true)).done, false);
  });

  it("is verified by clients that encrypt their verifications, and see no others, by emoji and by code", async () => {
    const dora = await deployment.user("js-sdk", "dora");
    await dora.encryptVerifications();
    const room = await direct(dora, agent);
    const scan = await dora.verifyByCode({ userId: agent, roomId: room });
    let terminal = "";
    await eventually("the code to be shown to the operator", async () => {
      terminal = (await deployment.command(["verify"], "", { terminal: true })).stdout;
      return terminal.includes("They can scan this code");
    });
    const finish = await scan(readCode(terminal).toString("base64"));
    await eventually("the operator to be asked", async () => {
      terminal = (await deployment.command(["verify"])).stdout;
      return terminal.includes("has scanned the code");
    });
    assert.equal((await deployment.command(["verify", "confirm", idOf(terminal)])).code, 0);
    assert.deepEqual(await finish(), { done: true });
    // A verification that begins before the first has ended on both sides ends both.
    await eventually("the agent's side to have ended", () =>
      deployment.bridge.logs().some((line) => line["user"] === dora.userId && line.msg === "verification ended"),
    );

    const emoji = await dora.verify({ userId: agent, roomId: room });
    const operator = await shown("dora");
    assertInOrder(emoji, operator.emoji);
    assert.equal((await deployment.command(["verify", "confirm", operator.id])).code, 0);
    assert.deepEqual(await dora.finishVerification(true), { done: true });
    assertInForm(dora, room, "encrypted");
  });

  it("answers a verification that was started unencrypted without encryption, and two of both kinds at once each in its own kind", async () => {
    const [eve, fay] = await Promise.all([deployment.user("js-sdk", "eve"), deployment.user("js-sdk", "fay")]);
    await fay.encryptVerifications();
    const room = await eve.createRoom({ invite: [agent, fay.userId] });
    await fay.join(room);
    await Promise.all([eve.waitMember(room, agent), eve.waitMember(room, fay.userId), fay.waitMember(room, agent)]);
    const emoji = await Promise.all([eve, fay].map((person) => person.verify({ userId: agent, roomId: room })));
    for (const [index, name] of ["eve", "fay"].entries()) {
      const operator = await shown(name);
      assertInOrder(emoji[index] ?? [], operator.emoji);
      assert.equal((await deployment.command(["verify", "confirm", operator.id])).code, 0);
    }
    for (const person of [eve, fay]) assert.deepEqual(await person.finishVerification(true), { done: true });
    const forms = eve.events(room).flatMap(({ sender, type, encrypted, content }) => {
      if (sender !== agent || !type.startsWith("m.key.verification.")) return [];
      return [{ encrypted, flow: (content["m.relates_to"] as { event_id?: unknown } | undefined)?.event_id }];
    });
    const asked = new Map(
      eve
        .events(room)
        .flatMap(({ content, eventId, encrypted }) =>
          content["msgtype"] === "m.key.verification.request" ? [[eventId, encrypted]] : [],
        ),
    );
    assert.deepEqual([...new Set(asked.values())].sort(), [false, true]);
    assert.ok(forms.length >= 6, JSON.stringify(forms));
    for (const { encrypted, flow } of forms) assert.equal(encrypted, asked.get(String(flow)));
  });

  it("sends a not yet trusted device encrypted verification messages, which that device can read", async () => {
    const gail = await deployment.user("js-sdk", "gail", { unsigned: true });
    await gail.encryptVerifications();
    const room = await gail.createRoom({ direct: true, invite: [agent] });
    await gail.waitMember(room, agent);
    const emoji = await gail.verify({ userId: agent, roomId: room });
    const operator = await shown("gail");
    assertInOrder(emoji, operator.emoji);
    assertInForm(gail, room, "encrypted");
    assert.equal((await deployment.command(["verify", "reject", operator.id])).code, 0);
    assert.equal((await gail.finishVerification(true)).done, false);
  });

  it("is not verified by an end that comes before the operator has decided", async () => {
    const hal = await deployment.user("js-sdk", "hal");
    const room = await direct(hal, agent);
    await hal.verify({ userId: agent, roomId: room });
    const { id } = await shown("hal");
    const asked = hal.events(room).find(({ content }) => content["msgtype"] === "m.key.verification.request");
    const relation = { rel_type: "m.reference", event_id: asked?.eventId };
    const path = `/v3/rooms/${encodeURIComponent(room)}/send/m.key.verification.done/${crypto.randomUUID()}`;
    await hal.request("PUT", path, { "m.relates_to": relation });
    const question = await hal.sendText({ roomId: room, body: "are we done?" });
    await hal.waitMessage({ roomId: room, sender: agent, after: question });
    const ends = async (): Promise<string[]> => {
      const { stdout } = await deployment.command(["audit", "--json"]);
      return stdout.split("\n").filter((line) => line.includes(hal.userId) && line.includes("verification.done"));
    };
    assert.deepEqual(await ends(), []);
    await deployment.command(["verify", "reject", id]);
    await eventually("the verification to have ended", async () =>
      (await deployment.command(["verify"])).stdout.includes("no verification waits"),
    );
    assert.deepEqual(await ends(), []);
  });

  it("is verified by neither of two verifications that begin at once, and by the next one", async () => {
    const otto = await deployment.user("nio", "otto");
    const [device] = await alice.deviceTrust(agent);
    assert.ok(device);
    const whom = { userId: agent, deviceId: device.deviceId };
    await otto.verify(whom);
    await assert.rejects(otto.verify(whom), /cancelled/);
    await eventually("both to have ended", async () =>
      (await deployment.command(["verify"])).stdout.includes("no verification waits"),
    );
    assert.equal(await otto.isVerified(agent), false);
    await otto.verify(whom);
    const { id } = await shown("otto");
    assert.equal((await deployment.command(["verify", "confirm", id])).code, 0);
    assert.deepEqual(await otto.finishVerification(true), { done: true });
  });

  it("stays verified with a new device", async () => {
    const [before] = await alice.deviceTrust(agent);
    const { code, stdout, stderr } = await deployment.command(["keys", "new-device", "demo"]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /has the new device/);
    await eventually("Alice's client to know the new device", async () => {
      const devices = await alice.deviceTrust(agent);
      return devices.length === 1 && devices[0]?.deviceId !== before?.deviceId && devices[0]?.signedByOwner === true;
    });
    assert.equal(await alice.isVerified(agent), true);
    const question = await alice.sendText({ roomId, body: "is it still you?" });
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.match(answer.body, /is it still you/);
  });

  it("is not verified when the operator says that the emoji differ", async () => {
    const strict = deployment.agent("strict");
    const room = await alice.createRoom({ direct: true, invite: [strict] });
    await alice.waitMember(room, strict);
    await alice.verify({ userId: strict, roomId: room });
    const { id } = await shown();
    const rejected = await deployment.command(["verify", "reject", id]);
    assert.equal(rejected.code, 0, rejected.stderr);
    const end = await alice.finishVerification(true);
    assert.deepEqual(end, { done: false, cancelled: "m.mismatched_sas" });
    assert.equal(await alice.isVerified(strict), false);
  });

  it("that reads only verified people says so, and reads them once they are; by to-device messages too", async () => {
    const strict = deployment.agent("strict");
    const room = await alice.createRoom({ direct: true, invite: [strict] });
    await alice.waitMember(room, strict);
    const unread = await alice.sendText({ roomId: room, body: "you don't know me" });
    const notice = await alice.waitMessage({ roomId: room, sender: strict, after: unread });
    assert.match(notice.body, /reads only messages of verified people/);

    const [device] = await alice.deviceTrust(strict);
    assert.ok(device);
    await alice.verify({ userId: strict, deviceId: device.deviceId });
    const { id } = await shown();
    assert.equal((await deployment.command(["verify", "confirm", id])).code, 0);
    assert.deepEqual(await alice.finishVerification(true), { done: true });
    const question = await alice.sendText({ roomId: room, body: "now you do" });
    const answer = await alice.waitMessage({ roomId: room, sender: strict, after: question });
    assert.match(answer.body, /now you do/);
  });

  it("says nothing more, except one notice, when an identity that was verified changes; until it is verified again", async () => {
    const before = await alice.sendText({ roomId, body: "as I was" });
    await alice.waitMessage({ roomId, sender: agent, after: before });
    const bob = await deployment.user("js-sdk", "bob");
    const group = await bob.createRoom({ invite: [agent, alice.userId] });
    await alice.join(group);
    await bob.waitMember(group, agent);
    await alice.resetIdentity();
    const changed = await alice.sendText({ roomId, body: "as I am" });
    const notice = await alice.waitMessage({ roomId, sender: agent, after: changed });
    assert.match(notice.body, /identity of alice \(@alice:example\.test\) was verified and has changed/);
    await alice.sendText({ roomId, body: "do you still hear me?" });
    // An operator compared, and others may rely on it: the agent speaks to nobody in a room with her, and says so.
    const asked = await bob.sendText({ roomId: group, body: "and me?", mentions: [agent] });
    const silence = await bob.waitMessage({ roomId: group, sender: agent, after: asked });
    assert.match(silence.body, /is silent here for now: the encryption identity of alice/);

    await alice.verify({ userId: agent, roomId });
    const { id } = await shown();
    assert.equal((await deployment.command(["verify", "confirm", id])).code, 0);
    assert.deepEqual(await alice.finishVerification(true), { done: true });
    const question = await alice.sendText({ roomId, body: "it is me" });
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.match(answer.body, /it is me/);
    const said = alice.messages(roomId).filter(({ sender }) => sender === agent);
    assert.equal(said.filter(({ body }) => body.includes("has changed")).length, 1);
    // Messages from before are answered, if at all, together with those after the new verification.
    assert.ok(said.every(({ body }) => !/as I am|still hear/.test(body) || body.includes("it is me")));
  });
});

describe("an agent that verifies by itself", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;

  before(async () => {
    deployment = await startDeployment({
      toDevicePush: true,
      extraConfig: { encryption: { verification: "accept" } },
    });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
  });
  after(() => deployment.stop());

  it("is verified when the person confirms, and says that nobody compared on its side", async () => {
    const emoji = await alice.verify({ userId: agent, roomId });
    assert.equal(emoji.length, 7);
    assert.deepEqual(await alice.finishVerification(true), { done: true });
    await eventually("the agent to be verified", () => alice.isVerified(agent));
    const notice = await alice.waitMessage({ roomId, sender: agent, where: ({ body }) => body.includes("by itself") });
    assert.equal(notice.content["msgtype"], "m.notice");
  });

  it("still speaks to the others in a room when an identity that it verified changes, and no more to that person", async () => {
    const [bob, mallory] = await Promise.all([deployment.user("js-sdk", "bob"), deployment.user("js-sdk", "mallory")]);
    const group = await bob.createRoom({ invite: [agent, mallory.userId] });
    await mallory.join(group);
    await bob.waitMember(group, agent);
    await mallory.verify({ userId: agent, roomId: group });
    assert.deepEqual(await mallory.finishVerification(true), { done: true });
    await eventually("the agent to be verified", () => mallory.isVerified(agent));
    const before = await bob.sendText({ roomId: group, body: "before", mentions: [agent] });
    await mallory.waitMessage({ roomId: group, sender: agent, after: before });
    await mallory.resetIdentity();
    const after = await bob.sendText({ roomId: group, body: "after it", mentions: [agent] });
    const isAnswer = ({ body }: { body: string }): boolean => body.includes("after it");
    const answer = await bob.waitMessage({ roomId: group, sender: agent, after, where: isAnswer });
    const seen = (): string | undefined =>
      mallory.events(group).find((event) => event.eventId === answer.eventId)?.type;
    await eventually("the answer to be there for both", () => seen() !== undefined);
    assert.equal(seen(), "m.room.encrypted");
    const own = await mallory.sendText({ roomId: group, body: "me too", mentions: [agent] });
    const notice = await bob.waitMessage({ roomId: group, sender: agent, after: own });
    assert.match(notice.body, /did not read this message: the encryption identity of mallory/);
  });

  it("says so in the direct chat after a verification by to-device messages", async () => {
    const carol = await deployment.user("js-sdk", "carol");
    const room = await carol.createRoom({ direct: true, invite: [agent] });
    await carol.waitMember(room, agent);
    const question = await carol.sendText({ roomId: room, body: "hello" });
    await carol.waitMessage({ roomId: room, sender: agent, after: question });
    const [device] = await carol.deviceTrust(agent);
    await carol.verify({ userId: agent, deviceId: device?.deviceId ?? "" });
    assert.deepEqual(await carol.finishVerification(true), { done: true });
    await carol.waitMessage({ roomId: room, sender: agent, where: ({ body }) => body.includes("by itself") });
  });

  it("is not verified when the person says that the emoji differ", async () => {
    const bob = await deployment.user("js-sdk", "bob");
    const room = await bob.createRoom({ direct: true, invite: [agent] });
    await bob.waitMember(room, agent);
    await bob.verify({ userId: agent, roomId: room });
    const { done } = await bob.finishVerification(false);
    assert.equal(done, false);
    assert.equal(await bob.isVerified(agent), false);
  });
});

describe("an agent that can't be verified", () => {
  let deployment: Deployment;

  before(async () => {
    deployment = await startDeployment({ extraConfig: { encryption: { verification: "off" } } });
  });
  after(() => deployment.stop());

  it("declines, and still answers", async () => {
    const alice = await deployment.user("js-sdk", "alice");
    const agent = deployment.agent("demo");
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    await assert.rejects(alice.verify({ userId: agent, roomId }), /cancelled: m\.user/);
    const question = await alice.sendText({ roomId, body: "then let us talk" });
    await alice.waitMessage({ roomId, sender: agent, after: question });
  });
});
