import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pauseAgent, resumeAgent } from "../../../src/agents/pauses.ts";
import { audited } from "../../support/audit.ts";
import { BOB, LLAMA, QWEN, ROOM, World } from "../../support/conversation-world.ts";
import { forEachDatabase } from "../../support/databases.ts";

const OFFICE = "local:office";
const PAUSED = /Llama is paused by whoever runs it, and answers nothing for now/;
const group = { direct: false, also: { "m.mentions": { user_ids: [LLAMA] } } };

forEachDatabase((_kind, open) => {
  async function paused(): Promise<World> {
    const world = new World(await open());
    assert.equal(await pauseAgent(world.database, LLAMA, OFFICE), true);
    await world.pauses.refresh();
    return world;
  }

  const steps = ({ sent }: World): string[] => [...new Set(sent.map(({ step }) => step))];
  const bodies = ({ sent }: World): unknown[] => sent.map(({ content }) => content["body"]);

  async function turns({ database }: World): Promise<unknown[]> {
    const { rows } = await database.query<{ state: string; failure: string | null }>(
      "select event_id, state, failure from turns order by id",
    );
    return rows;
  }

  describe("a paused agent", () => {
    it("says so once in a conversation, marks each question, remembers it, and asks nothing", async () => {
      const world = await paused();
      const first = await world.say("are you there?", group);
      const second = await world.say("hello?", { ...group, sender: BOB });
      assert.equal(steps(world).length, 1, "the same step is sent once");
      assert.match(String(bodies(world)[0]), PAUSED);
      assert.deepEqual(world.reactions, [`${first} ⏸️`, `${second} ⏸️`]);
      const refused = { state: "failed", failure: "paused" };
      assert.deepEqual(await turns(world), [
        { event_id: first, ...refused },
        { event_id: second, ...refused },
      ]);
      const known = await world.history.upTo(LLAMA, ROOM, Number.MAX_SAFE_INTEGER, 10);
      assert.deepEqual(
        known.map(({ body }) => body),
        ["are you there?", "hello?"],
      );
      assert.equal(world.queued, 0);
    });

    it("says so in the room's language", async () => {
      const world = await paused();
      await world.say("Bist du da, und kannst du mir bitte bei einer Frage helfen?");
      assert.match(String(bodies(world)[0]), /macht Pause, weil der Betreiber es so will/);
    });

    it("says so again in another thread, and in another pause", async () => {
      const world = await paused();
      const threaded = { also: { "m.relates_to": { rel_type: "m.thread", event_id: "$root" } } };
      await world.say("one");
      await world.say("two", threaded);
      assert.equal(steps(world).length, 2);
      await resumeAgent(world.database, LLAMA, OFFICE);
      await pauseAgent(world.database, LLAMA, OFFICE);
      await world.pauses.refresh();
      await world.say("three");
      assert.equal(steps(world).length, 3);
    });

    it("answers again when it is resumed, and 🔁 asks what was refused", async () => {
      const world = await paused();
      const question = await world.say("are you there?");
      assert.equal(await resumeAgent(world.database, LLAMA, OFFICE), true);
      assert.equal(await world.pauses.refresh(), true);
      const next = await world.say("and now?");
      assert.ok(await world.turn(next));
      await world.database.query("update turns set state = 'answered' where event_id = $1", [next]);
      await world.react(question, "🔁");
      const again = await world.turn(question);
      assert.deepEqual([again?.round, again?.kind], [1, "again"]);
    });

    it("carries out commands, and says at those that would ask something that it is paused", async () => {
      const world = await paused();
      await world.say("are you there?");
      await world.say("!status");
      assert.match(String(bodies(world).at(-1)), /I am Llama[^]*Llama is paused by whoever runs it/);
      await world.say("!retry");
      assert.match(String(bodies(world).at(-1)), PAUSED);
      await world.say("!help");
      assert.match(String(bodies(world).at(-1)), /!status/);
      assert.equal((await turns(world)).length, 1);
    });

    it("leaves other agents as they are", async () => {
      const world = await paused();
      const toQwen = { direct: false, also: { "m.mentions": { user_ids: [QWEN] } } };
      const question = await world.say("Qwen, are you there?", { ...toQwen, to: QWEN });
      assert.ok(await world.turn(question, QWEN));
    });

    it("is noted with whoever paused it, once", async () => {
      const world = await paused();
      assert.equal(await pauseAgent(world.database, LLAMA, "@admin:example.test"), false);
      await resumeAgent(world.database, LLAMA, "@admin:example.test");
      assert.equal(await resumeAgent(world.database, LLAMA, OFFICE), false);
      assert.deepEqual(await audited(world.database), [
        { kind: "agent.paused", ghost: LLAMA, by: OFFICE },
        { kind: "agent.resumed", ghost: LLAMA, by: "@admin:example.test" },
      ]);
    });
  });
});
