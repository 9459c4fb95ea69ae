import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { SYNAPSE_VERSION, type Synapse } from "../../quickstart/synapse.ts";
import { OLDEST_SYNAPSE } from "../../src/homeserver/survey.ts";
import { startBridgeOn, type BridgeOn } from "../support/bridge-on.ts";
import { asksAgain, asksEncrypted, asksInClear } from "../support/conversation-on.ts";
import { startHomeserver } from "../support/homeserver.ts";
import { OLDEST_SYNAPSE_VENV, SYNAPSE_VENV } from "../support/paths.ts";
import type { User } from "../support/user.ts";

for (const [version, venv] of [
  [OLDEST_SYNAPSE, OLDEST_SYNAPSE_VENV],
  [SYNAPSE_VERSION, SYNAPSE_VENV],
] as const) {
  describe(`Synapse ${version}`, () => {
    let all: BridgeOn<Synapse>;
    let alice: User;
    let agent: string;

    before(async () => {
      all = await startBridgeOn(({ registration, ...place }) =>
        startHomeserver({ ...place, venv, registrations: [registration] }),
      );
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
    });

    it("is healthy for doctor, by its name", async () => {
      const { code, stdout } = await all.command("doctor");
      assert.equal(code, 0, stdout);
      assert.match(stdout, new RegExp(`Synapse ${version.replaceAll(".", "\\.")}`));
    });
  });
}
