import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GivenNames } from "../../../src/agents/given-names.ts";
import { forEachDatabase } from "../../support/databases.ts";

forEachDatabase((_kind, open) => {
  describe("the name of an agent", () => {
    const name = (localpart: string, provider: string, isListed = true) =>
      ({ localpart, provider, model: "max", isListed }) as const;
    const nobody = new Set<string>();
    const both = new Set(["one", "two"]);

    it("is given once, to the agent that had it first, and to another one only by the admin", async () => {
      const database = await open();
      const [names, others] = [new GivenNames(database), new GivenNames(database)];
      await Promise.all([
        names.give([name("agent_max", "one")], nobody, both),
        others.give([name("agent_max", "two")], nobody, both),
      ]);
      const [first] = await names.all();
      assert.ok(first !== undefined);
      const loser = first.provider === "one" ? "two" : "one";
      await names.give([name("agent_max", loser), name("agent_new", "one")], nobody, both);
      const all = (await names.all()).toSorted((a, b) => (a.localpart < b.localpart ? -1 : 1));
      assert.deepEqual(all, [first, name("agent_new", "one")]);
      await names.give([{ ...first, isListed: false }], nobody, both);
      assert.equal((await names.all()).find(({ localpart }) => localpart === "agent_max")?.isListed, false);
      await names.give([name("agent_max", loser, false)], new Set(["agent_max"]), both);
      assert.equal((await names.all()).find(({ localpart }) => localpart === "agent_max")?.provider, loser);
      await names.give([], nobody, both);
      // An agent whose provider is no longer configured gives it up.
      const other = loser === "one" ? "two" : "one";
      await names.give([name("agent_max", other)], nobody, new Set([other]));
      assert.equal((await names.all()).find(({ localpart }) => localpart === "agent_max")?.provider, other);
    });
  });
});
