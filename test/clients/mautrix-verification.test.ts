import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { Operator } from "../support/operator.ts";
import { readCode } from "../support/qr-code.ts";
import type { User } from "../support/user.ts";

describe("an agent that somebody verifies from mautrix-go", () => {
  let deployment: Deployment;
  let operator: Operator;
  let agent: string;

  before(async () => {
    deployment = await startDeployment({ toDevicePush: true });
    operator = new Operator(deployment);
    agent = deployment.agent("demo");
  });
  after(() => deployment.stop());

  /** Somebody who has talked with the agent. */
  async function acquainted(name: string, { encrypted = true } = {}): Promise<{ user: User; roomId: string }> {
    const user = await deployment.user("mautrix", name);
    const roomId = await user.createRoom({ direct: true, invite: [agent], encrypted });
    await user.waitMember(roomId, agent);
    const question = await user.sendText({ roomId, body: "hello" });
    await user.waitMessage({ roomId, sender: agent, after: question });
    return { user, roomId };
  }

  function nothingWaits(user: User): Promise<unknown> {
    return eventually(
      "the operator to be asked nothing any more",
      async () => !(await operator.verifications()).includes(user.userId),
    );
  }

  /** Whether each of the agent's events of a verification came encrypted, by type. */
  function answers(user: User, roomId: string): Record<string, boolean> {
    const events = user.events(roomId).filter(({ sender, type }) => sender === agent && type.startsWith("m.key."));
    return Object.fromEntries(events.map(({ type, encrypted }) => [type, encrypted]));
  }

  const STEPS = ["ready", "accept", "key", "mac", "done"].map((step) => `m.key.verification.${step}`);

  for (const [how, { encrypted, inClear }] of Object.entries({
    "in an encrypted room, by encrypted events": { encrypted: true, inClear: false },
    "in an encrypted room, by events in clear": { encrypted: true, inClear: true },
    "in a room that is not encrypted": { encrypted: false, inClear: false },
  })) {
    it(`shows the same emoji and is verified ${how}; it answers in the same way`, async () => {
      const { user, roomId } = await acquainted(`maja-${encrypted}-${inClear}`, { encrypted });
      assert.equal(await user.isVerified(agent), false);
      const emoji = await user.verify({ userId: agent, roomId, inClear });
      await operator.confirm(await operator.waitSameEmoji(user.userId, emoji));
      assert.deepEqual(await user.finishVerification(true), { done: true });
      assert.equal(await user.isVerified(agent), true);
      const same = encrypted && !inClear;
      assert.deepEqual(answers(user, roomId), Object.fromEntries(STEPS.map((step) => [step, same])));
    });
  }

  it("shows the same emoji and is verified by to-device messages", async () => {
    const { user } = await acquainted("mo");
    const emoji = await user.verify({ userId: agent });
    await operator.confirm(await operator.waitSameEmoji(user.userId, emoji));
    assert.deepEqual(await user.finishVerification(true), { done: true });
    assert.equal(await user.isVerified(agent), true);
  });

  it("is verified by scanning the code in the operator's terminal, in an encrypted room", async () => {
    const { user, roomId } = await acquainted("mika");
    const scan = await user.verifyByCode({ userId: agent, roomId });
    const shown = await operator.waitShown(user.userId, /They can scan this code/);
    const finish = await scan(readCode(shown.words).toString("base64"));
    const scanned = await operator.waitShown(user.userId, /has scanned the code/);
    await operator.confirm(scanned.id);
    assert.deepEqual(await finish(), { done: true });
    assert.equal(await user.isVerified(agent), true);
    const question = await user.sendText({ roomId, body: "now that we know each other" });
    const answer = await user.waitMessage({ roomId, sender: agent, after: question });
    assert.deepEqual(answer.shield, { colour: "none", reason: null });
  });

  it("is not verified when the person says that the emoji differ", async () => {
    const { user, roomId } = await acquainted("mina");
    await user.verify({ userId: agent, roomId });
    const { done } = await user.finishVerification(false);
    assert.equal(done, false);
    assert.equal(await user.isVerified(agent), false);
    await nothingWaits(user);
  });

  it("is verified by neither of two verifications that begin at once, in the room and by to-device messages, and by a later one", async () => {
    const { user, roomId } = await acquainted("mara");
    const both = await Promise.allSettled([user.verify({ userId: agent, roomId }), user.verify({ userId: agent })]);
    // One may have reached its emoji before the other began.
    const errors = both.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []));
    assert.ok(errors.length > 0);
    for (const error of errors) assert.match(error, /cancelled: m\.user/);
    await nothingWaits(user);
    assert.equal(await user.isVerified(agent), false);
    // The engine also cancels the next one, where the second had reached its start.
    const emoji = await eventually("one that goes through", () =>
      user.verify({ userId: agent, roomId }).catch((error: unknown) => {
        assert.match(String(error), /cancelled: m\.user/);
        return undefined;
      }),
    );
    await operator.confirm(await operator.waitSameEmoji(user.userId, emoji));
    assert.deepEqual(await user.finishVerification(true), { done: true });
    assert.equal(await user.isVerified(agent), true);
  });
});
