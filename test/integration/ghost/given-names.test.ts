import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GivenNames } from "../../../src/ghost/given-names.ts";
import { forEachDatabase } from "../../support/databases.ts";

forEachDatabase((_kind, open) => {
  describe("the name of an agent", () => {
    const name = (localpart: string, provider: string, isListed = true) =>
      ({ localpart, provider, model: "max", isListed }) as const;
    const nobody = new Set<string>();

    it("is given once, to whom it was given first, and to another by the admin alone", async () => {
      const database = await open();
      const [names, others] = [new GivenNames(database), new GivenNames(database)];
      await Promise.all([
        names.give([name("agent_max", "one")], nobody),
        others.give([name("agent_max", "two")], nobody),
      ]);
      const [first] = await names.all();
      assert.ok(first !== undefined);
      const loser = first.provider === "one" ? "two" : "one";
      await names.give([name("agent_max", loser), name("agent_new", "one")], nobody);
      const all = (await names.all()).toSorted((a, b) => (a.localpart < b.localpart ? -1 : 1));
      assert.deepEqual(all, [first, name("agent_new", "one")]);
      await names.give([{ ...first, isListed: false }], nobody);
      assert.equal((await names.all()).find(({ localpart }) => localpart === "agent_max")?.isListed, false);
      await names.give([name("agent_max", loser, false)], new Set(["agent_max"]));
      assert.equal((await names.all()).find(({ localpart }) => localpart === "agent_max")?.provider, loser);
      await names.give([], nobody);
    });
  });
});
