import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Limits } from "../../../src/config/config.ts";
import { Allowances, usersOf } from "../../../src/turns/allowances.ts";
import { ALICE, BOB, LLAMA, ROOM, World } from "../../support/conversation-world.ts";
import { forEachDatabase } from "../../support/databases.ts";

const NONE: Limits = { user: {}, room: {}, server: {}, agent: {} };

forEachDatabase((_kind, open) => {
  describe("what may be asked in a day", () => {
    it("is told of kindly when it is used up, with the time of the next question", async () => {
      const world = new World(await open(), { limits: { ...NONE, user: { requests: 2 } } });
      await world.answered(await world.say("mine", { sender: BOB }), { answers: [] });
      for (const text of ["one", "two"]) await world.say(text);
      const last = await world.say("three");
      assert.deepEqual(
        (await world.turns()).map(({ state }) => state),
        ["answered", "queued", "queued", "sending"],
      );
      assert.match(
        String((await world.replyTo(last))?.messages[0]?.content["body"]),
        /You have asked as much as one may in a day\. The next question is possible in about 12 hours/,
      );
      await world.say("!usage");
      assert.match(String(world.sent.at(-1)?.content["body"]), /Left of a day's 2 questions: 0/);
    });

    it("is limited for a room, a server and an agent too, and by tokens", async () => {
      const other = { ghost: "@agent_qwen:example.test", roomId: "!other:example.test", asker: BOB };
      for (const [limits, isFree] of [
        [{ ...NONE, room: { requests: 1 } }, true],
        [{ ...NONE, agent: { requests: 1 } }, true],
        [{ ...NONE, server: { requests: 1 } }, false],
      ] as const) {
        const database = await open();
        const allowances = new Allowances(database, { limits });
        const users = usersOf({ ghost: LLAMA, roomId: ROOM, asker: ALICE });
        const take = (who: typeof users): Promise<unknown> => database.transaction((tx) => allowances.take(tx, who));
        assert.equal(await take(users), undefined);
        assert.notEqual(await take(users), undefined);
        assert.equal((await take(usersOf(other))) === undefined, isFree);
      }
      const database = await open();
      const allowances = new Allowances(database, { limits: { ...NONE, user: { tokens: 100 } } });
      const users = usersOf({ ghost: LLAMA, roomId: ROOM, asker: ALICE });
      const take = (): Promise<unknown> => database.transaction((tx) => allowances.take(tx, users));
      await allowances.spend(users, 60);
      assert.equal(await take(), undefined);
      await allowances.spend(users, 60);
      assert.deepEqual({ ...((await take()) as object), waitMs: 0 }, { kind: "user", waitMs: 0 });
      assert.deepEqual(await allowances.leftFor(ALICE), [{ what: "tokens", left: 0, of: 100 }]);
    });

    it("is counted once however many ask at the same time", async () => {
      const database = await open();
      const allowances = new Allowances(database, { limits: { ...NONE, user: { requests: 5 } } });
      const users = usersOf({ ghost: LLAMA, roomId: ROOM, asker: ALICE });
      const taken = await Promise.all(
        Array.from({ length: 12 }, () => database.transaction((tx) => allowances.take(tx, users))),
      );
      assert.equal(taken.filter((refused) => refused === undefined).length, 5);
    });

    it("is used up by reactions, retries and discussions as well", async () => {
      const world = new World(await open(), { limits: { ...NONE, user: { requests: 1 } } });
      const question = await world.say("one");
      await world.answered(question);
      await world.react(question, "🔁");
      await world.say("!retry");
      assert.match(String(world.sent.at(-1)?.content["body"]), /as much as one may in a day/);
      assert.equal((await world.turns()).length, 1);
    });
  });
});
