import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import type { Turn } from "../../../src/turns/turn.ts";
import type { CallInput } from "../../../src/turns/call-input.ts";
import { audited } from "../../support/audit.ts";
import { ALICE, BOB, LLAMA, MODERATOR, QWEN, ROOM, World, type Saying } from "../../support/conversation-world.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { sealsOf } from "../../support/seals.ts";
import { callStates, waitingCall } from "../../support/waiting-call.ts";

const GROUP: Saying = { direct: false };
const CITY = { key: "city", name: "city", kind: "text", isRequired: true, choices: [], least: 2 } as const;
const DAYS = { key: "days", name: "days", kind: "whole_number", isRequired: true, choices: [], most: 30 } as const;
const INPUT: CallInput = {
  forms: [{ key: "trip", message: "Where to?", fields: [CITY] }],
  declined: [],
  state: "their state",
  round: 1,
  goesTo: { host: "tools.files", to: "local" },
};
const TWO: CallInput = {
  ...INPUT,
  forms: [
    { key: "trip", message: "Where to?", fields: [CITY, DAYS] },
    { key: "sure", message: "Sure?", fields: [] },
  ],
};
const WAITS = [{ state: "waiting", decided_by: null }];
const APPROVED = [{ state: "approved", decided_by: null }];

/** What the agent said last. */
function lastSaid(world: World): string {
  const { body, "m.relates_to": relation } = world.sent.at(-1)?.content ?? {};
  return typeof body === "string" ? body : JSON.stringify(relation);
}

/** The call as it is stored. */
async function callOf(
  world: World,
  turn: Turn,
): Promise<{ readonly code: string | undefined; readonly answers: unknown }> {
  const steps = await new TurnStore(world.database, sealsOf(world.database)).steps.of(turn);
  const step = steps.find(({ askedOf }) => askedOf === "tool");
  assert.ok(step?.askedOf === "tool");
  assert.equal(step.call.input?.state, "their state");
  return { code: step.code, answers: step.call.input.forms.map(({ answer }) => answer) };
}

async function turnState(world: World, { id }: Turn): Promise<unknown> {
  const { rows } = await world.database.query<{ state: string }>("select state from turns where id = $1", [id]);
  return rows[0]?.state;
}

forEachDatabase((_kind, open) => {
  describe("an answer to what a tool asks", () => {
    it("is stored sealed, and has the call made again", async () => {
      const world = new World(await open());
      const { code, turn } = await waitingCall(world, {}, INPUT);
      await world.say(`!answer ${code} Canaries`, GROUP);
      assert.deepEqual(await callStates(world), APPROVED);
      assert.equal(await turnState(world, turn), "queued");
      const content = { city: "Canaries" };
      assert.deepEqual((await callOf(world, turn)).answers, [{ action: "accept", content }]);
      const { rows } = await world.database.query("select * from turn_steps");
      assert.doesNotMatch(JSON.stringify(rows), /Canaries|their state/);
      assert.deepEqual((await audited(world.database)).at(-1), {
        ...{ kind: "tool.answered", ghost: LLAMA, room: ROOM, by: ALICE, server: "files", tool: "write" },
        ...{ definition: "hash", bytes: JSON.stringify(content).length },
      });
      assert.doesNotMatch(JSON.stringify(await audited(world.database)), /Canaries/);
      await world.say(`Llama: !answer ${code} Azores`, GROUP);
      assert.match(lastSaid(world), /Nothing waits here/);
    });

    it("is no question to the model, and needs no agent's name", async () => {
      const world = new World(await open());
      const { code } = await waitingCall(world, {}, INPUT);
      const before = world.sent.length;
      await world.say(`!answer ${code} Canaries`, { ...GROUP, to: QWEN });
      await world.say("!answer ZZZZ Canaries", GROUP);
      assert.deepEqual([world.sent.length, await callStates(world)], [before, WAITS]);
      await world.say(`!answer ${code} Canaries`, GROUP);
      assert.equal((await world.turns()).length, 1);
      const { rows } = await world.database.query("select count(*)::integer as count from messages");
      assert.deepEqual(rows, [{ count: 1 }], "it is not remembered");
    });

    it("is given by the person who asked the agent alone, not even by a moderator", async () => {
      const world = new World(await open());
      const { code } = await waitingCall(world, {}, INPUT);
      for (const sender of [BOB, MODERATOR]) {
        await world.say(`!answer ${code} Canaries`, { ...GROUP, sender });
        assert.match(lastSaid(world), /Only the person who asked me can answer/);
        await world.say(`!refuse ${code}`, { ...GROUP, sender });
        assert.match(lastSaid(world), /Only the person who asked me can answer/);
      }
      assert.deepEqual(await callStates(world), WAITS);
    });

    it("that does not fit is told so, and leaves the question open", async () => {
      const world = new World(await open());
      const { code, turn } = await waitingCall(world, {}, TWO);
      for (const [words, said] of [
        ["", /city is missing: a text, at least 2 characters/],
        ["Canaries", /which field “Canaries” belongs to/],
        ["city: Canaries\ndays: 31", /days has to be a whole number, at most 30/],
        ["city: Canaries\ncity: Azores\ndays: 3", /city is there twice/],
      ] as const) {
        await world.say(`!answer ${code}\n${words}`, GROUP);
        assert.match(lastSaid(world), said);
        assert.deepEqual(await callStates(world), WAITS);
      }
      await world.say(`!answer ${code} ${"x".repeat(4_001)}`, GROUP);
      assert.match(lastSaid(world), /too long/);
      await world.say(`!answer ${code}\ncity: Canaries\ndays: 3`, GROUP);
      const { answers, code: next } = await callOf(world, turn);
      assert.deepEqual(answers, [{ action: "accept", content: { city: "Canaries", days: 3 } }, undefined]);
      // The second question is asked under another code.
      assert.deepEqual(await callStates(world), [{ state: "proposed", decided_by: null }]);
      assert.notEqual(next, code);
    });

    it("may be refused, with all questions of that call", async () => {
      const world = new World(await open());
      for (const words of ["!refuse CODE", "no CODE"]) {
        await world.database.query("delete from turns");
        const { code, turn } = await waitingCall(world, {}, TWO);
        await world.say(words.replace("CODE", code), GROUP);
        assert.deepEqual(await callStates(world), APPROVED);
        assert.deepEqual((await callOf(world, turn)).answers, [{ action: "decline" }, { action: "decline" }]);
        assert.deepEqual((await audited(world.database)).at(-1), {
          ...{ kind: "tool.unanswered", ghost: LLAMA, room: ROOM, by: ALICE, server: "files", tool: "write" },
          ...{ definition: "hash", bytes: 0 },
        });
      }
    });

    it("is something else than an agreement to a call", async () => {
      const world = new World(await open());
      const { code } = await waitingCall(world, {}, INPUT);
      for (const word of [`!approve ${code}`, `yes ${code}`, `!approve ${code} always`]) {
        await world.say(word, { ...GROUP, sender: word.endsWith("always") ? MODERATOR : ALICE });
        assert.deepEqual(await callStates(world), WAITS, word);
      }
      await world.say(`yes ${code}`, GROUP);
      assert.match(lastSaid(world), /This wants an answer: `?!answer/);
      await world.database.query("delete from turns");
      const other = await waitingCall(world);
      await world.say(`!answer ${other.code} yes`, GROUP);
      assert.match(lastSaid(world), /This wants a yes or a no/);
      assert.deepEqual(await callStates(world), WAITS);
    });

    it("counts unencrypted only where nothing is encrypted", async () => {
      const world = new World(await open());
      world.encrypted = true;
      const { code } = await waitingCall(world, {}, INPUT);
      for (const body of [`!answer ${code} Canaries`, `!refuse ${code}`]) {
        await world.say(body, { ...GROUP, encrypted: false });
        assert.match(lastSaid(world), /This room is encrypted, and that was not/);
      }
      world.encrypted = false;
      await world.say(`!answer ${code} Canaries`, GROUP);
      assert.deepEqual(await callStates(world), WAITS);
      world.encrypted = true;
      await world.say(`!answer ${code} Canaries`, GROUP);
      assert.deepEqual(await callStates(world), APPROVED);
    });

    it("comes too late once the time is over", async () => {
      const world = new World(await open());
      const { code } = await waitingCall(world, {}, INPUT);
      await world.database.query("update turns set waits_until = now() - interval '1 s'");
      await world.say(`Llama: !answer ${code} Canaries`, GROUP);
      assert.match(lastSaid(world), /Nothing waits here/);
      assert.deepEqual(await callStates(world), WAITS);
    });
  });
});
