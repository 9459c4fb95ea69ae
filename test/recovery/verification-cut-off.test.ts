import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import type { SeenEvent } from "../support/user-protocol.ts";
import type { User } from "../support/user.ts";

/** A person who compares emoji with an agent, and the way in which they asked for that. */
interface Comparing {
  readonly user: User;
  readonly whom: { readonly userId: string; readonly roomId?: string; readonly deviceId?: string };
}

const CUT_OFF = { done: false, cancelled: "m.unknown_transaction" };

describe("a verification of an agent by an operator", () => {
  let deployment: Deployment;
  let agent: string;
  let deviceId: string;

  before(async () => {
    deployment = await startDeployment({ toDevicePush: true, agents: { demo: { provider: "demo" } } });
    agent = deployment.agent("demo");
    const alice = await deployment.user("js-sdk", "alice");
    await direct(alice);
    deviceId = (await alice.deviceTrust(agent))[0]?.deviceId ?? "";
  });
  after(() => deployment.stop());

  async function direct(user: User): Promise<string> {
    const room = await user.createRoom({ direct: true, invite: [agent] });
    await user.waitMember(room, agent);
    const question = await user.sendText({ roomId: room, body: "hello" });
    await user.waitMessage({ roomId: room, sender: agent, after: question });
    return room;
  }

  /** The id of a person's verification, once it has emoji to compare. */
  async function idOf(name: string): Promise<string> {
    let id: string | undefined;
    await eventually("the emoji to be shown to the operator", async () => {
      const { stdout } = await deployment.command(["verify"]);
      id = new RegExp(`^(\\d+): .*@${name}:example\\.test verifies .*\\n {3}(?!They)`, "m").exec(stdout)?.[1];
      return id !== undefined;
    });
    return id ?? "";
  }

  /** A person who compares emoji with the agent. */
  async function comparing(
    kind: User["kind"],
    name: string,
    how: "in clear" | "encrypted" | "to device",
  ): Promise<Comparing> {
    const user = await deployment.user(kind, name);
    if (how === "encrypted") await user.encryptVerifications();
    const room = kind === "js-sdk" ? await direct(user) : undefined;
    const to = how === "to device" ? { deviceId } : { roomId: room ?? "" };
    const whom = { userId: agent, ...to };
    await user.verify(whom);
    await idOf(name);
    return { user, whom };
  }

  async function isVerifiedNow({ user, whom }: Comparing): Promise<void> {
    await user.verify(whom);
    const id = await idOf(user.userId.slice(1, user.userId.indexOf(":")));
    assert.equal((await deployment.command(["verify", "confirm", id])).code, 0);
    assert.deepEqual(await user.finishVerification(true), { done: true });
  }

  it("tells the other people that it is over when the bridge stops; their next try works at once", async () => {
    const people = await Promise.all([
      comparing("js-sdk", "ida", "encrypted"),
      comparing("js-sdk", "iris", "to device"),
      comparing("nio", "ines", "to device"),
    ]);
    const [ida, , ines] = people;
    const results = Promise.all(people.map(({ user }) => user.finishVerification(true)));
    await deployment.stopBridge();
    const ends = await results;
    assert.deepEqual(ends.slice(0, 2), [CUT_OFF, CUT_OFF]);
    assert.equal(ends[2]?.done, false);
    await deployment.startBridge();
    assert.match((await deployment.command(["verify"])).stdout, /no verification waits/);
    for (const person of [ida, ines]) await isVerifiedNow(person);
  });

  it("tells them when the bridge starts again after it was killed, or else when they continue", async () => {
    const people = await Promise.all([
      comparing("js-sdk", "jana", "in clear"),
      comparing("js-sdk", "jens", "encrypted"),
      comparing("js-sdk", "jill", "to device"),
    ]);
    const late = await Promise.all([
      comparing("js-sdk", "lena", "in clear"),
      comparing("js-sdk", "leo", "encrypted"),
      comparing("js-sdk", "lily", "to device"),
    ]);
    await deployment.stopBridge("kill");
    const database = openPostgres(deployment.settings.database ?? "", silentLogger());
    const untold = late.map(({ user }) => user.userId);
    await database.query("update verifications set state = 'cancelled' where user_id in ($1, $2, $3)", untold);
    await database.close();
    const [jana, jens, jill] = people;
    const going = [jill, ...late].map(({ user }) => user.finishVerification(true));
    await deployment.startBridge();
    // They are told without having written a word.
    for (const { user, whom } of [jana, jens]) {
      const isEnd = ({ sender, type }: SeenEvent): boolean => sender === agent && type === "m.key.verification.cancel";
      const end = await user.waitEvent({ roomId: whom.roomId ?? "", where: isEnd });
      assert.deepEqual([end.content["code"], end.encrypted], ["m.unknown_transaction", user === jens.user]);
    }
    assert.deepEqual(
      await Promise.all(going),
      going.map(() => CUT_OFF),
    );
    assert.match((await deployment.command(["verify"])).stdout, /no verification waits/);
    for (const person of [jana, jens, jill]) await isVerifiedNow(person);
  });
});
