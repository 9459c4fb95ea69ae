import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import type { User } from "../support/user.ts";

describe("an agent that an operator verifies through a running bridge on the embedded database", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;

  before(async () => {
    deployment = await startDeployment({
      database: "embedded",
      extraConfig: { encryption: { verification: "operator" } },
    });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
  });
  after(() => deployment.stop());

  it("is verified when both confirm", async () => {
    await alice.verify({ userId: agent, roomId });
    let shown = "";
    await eventually("the emoji to be shown to the operator", async () => {
      const { code, stdout, stderr } = await deployment.command(["verify"]);
      assert.equal(code, 0, stderr);
      shown = stdout;
      return /@alice:\S+ verifies .*\n {3}(?!They)/.test(shown);
    });
    const [, id = ""] = /^(\d+): /m.exec(shown) ?? [];
    const confirmed = await deployment.command(["verify", "confirm", id]);
    assert.equal(confirmed.code, 0, confirmed.stderr);
    assert.deepEqual(await alice.finishVerification(true), { done: true });
    await eventually("the agent to be verified", () => alice.isVerified(agent));
  });
});
