import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { StdioToolServer } from "../../../src/config/config.ts";
import { pauseAgent } from "../../../src/agents/pauses.ts";
import type { AskedPerson } from "../../../src/turns/turn-step.ts";
import { audited } from "../../support/audit.ts";
import { ALICE, BOB, LLAMA, MODERATOR, QWEN, ROOM, World, type Saying } from "../../support/conversation-world.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { toolProgram, UNKIND_TOOL_SERVER } from "../../support/tool-servers.ts";
import { callStates, waitingCall } from "../../support/waiting-call.ts";

const GIVEN = { secret: "swordfish" };
const GROUP: Saying = { direct: false };

const WAITS = [{ state: "waiting", decided_by: null }];

/** What the agent said last. */
function lastSaid(world: World): string {
  const { body, "m.relates_to": relation } = world.sent.at(-1)?.content ?? {};
  return typeof body === "string" ? body : JSON.stringify(relation);
}

forEachDatabase((_kind, open) => {
  describe("a word about a call that waits", () => {
    it("is recorded with its author, the tool and the size, and never with what was to be done", async () => {
      const world = new World(await open());
      const who = { ghost: LLAMA, room: ROOM, by: ALICE, server: "files", tool: "write", definition: "hash" };
      const bytes = JSON.stringify(GIVEN).length;
      for (const [word, state, kind] of [
        ["yes", "approved", "tool.approved"],
        ["no", "declined", "tool.declined"],
      ] as const) {
        await world.database.query("delete from turns");
        const { code } = await waitingCall(world);
        await world.say(`Llama: ${word} ${code}`, GROUP);
        assert.deepEqual(await callStates(world), [{ state, decided_by: ALICE }]);
        assert.deepEqual((await audited(world.database)).at(-1), { kind, ...who, bytes });
      }
      assert.doesNotMatch(JSON.stringify(await audited(world.database)), /swordfish/);
    });

    it("is a decision for good only by a moderator, and where the tool allows that", async () => {
      const world = new World(await open());
      const { code } = await waitingCall(world, { canGrant: false });
      await world.say(`!approve ${code} always`, { ...GROUP, sender: MODERATOR });
      assert.match(lastSaid(world), /not about this one/);
      assert.deepEqual(await callStates(world), WAITS);
      await world.database.query("delete from turns");
      const other = await waitingCall(world);
      await world.say(`!approve ${other.code} always`, GROUP);
      assert.match(lastSaid(world), /Only moderators/);
      assert.deepEqual(await callStates(world), WAITS);
      await world.say(`!approve ${other.code} always`, { ...GROUP, sender: MODERATOR });
      const { rows } = await world.database.query(
        "select server, tool, decision, definition, encrypted from tool_grants",
      );
      assert.deepEqual(rows, [
        { server: "files", tool: "write", decision: "allowed", definition: "hash", encrypted: false },
      ]);
      assert.deepEqual(
        (await audited(world.database)).slice(-2).map(({ kind, by }) => [kind, by]),
        [
          ["tool.approved", MODERATOR],
          ["tool.granted", MODERATOR],
        ],
      );
    });

    it("counts of those who decide alone", async () => {
      const rules: StdioToolServer = toolProgram([], { approverUsers: ["@bob:*"] });
      const cases: readonly (readonly [AskedPerson["deciders"], string, boolean, boolean])[] = [
        ["asker", ALICE, false, true],
        ["asker", BOB, false, false],
        ["asker", BOB, true, true],
        ["moderators", ALICE, false, false],
        ["moderators", MODERATOR, false, true],
        ["moderators", BOB, true, true],
      ];
      const world = new World(await open());
      for (const [deciders, sender, isNamed, counts] of cases) {
        await world.database.query("delete from turns");
        world.tools.reconfigure(isNamed ? new Map([["files", rules]]) : new Map());
        const { code } = await waitingCall(world, { deciders });
        await world.say(`!approve ${code}`, { ...GROUP, sender });
        const expected = counts ? [{ state: "approved", decided_by: sender }] : WAITS;
        assert.deepEqual(await callStates(world), expected, `${deciders} ${sender}`);
      }
    });

    it("needs no agent's name, and is heard by the agent whose call it is alone", async () => {
      const world = new World(await open());
      const { code } = await waitingCall(world);
      const before = world.sent.length;
      await world.say(`yes ${code}`, { ...GROUP, to: QWEN });
      await world.say("!approve ZZZZ", GROUP);
      await world.say("yes ZZZZ", GROUP);
      assert.deepEqual([world.sent.length, await callStates(world)], [before, WAITS]);
      await world.say(`yes ${code}`, GROUP);
      assert.deepEqual(await callStates(world), [{ state: "approved", decided_by: ALICE }]);
      assert.equal((await world.turns()).length, 1, "it is no question");
    });

    it("counts unencrypted only where nothing is encrypted", async () => {
      const world = new World(await open());
      world.encrypted = true;
      const { code } = await waitingCall(world);
      for (const body of [`!approve ${code}`, `yes ${code}`]) {
        await world.say(body, { ...GROUP, encrypted: false });
        assert.match(lastSaid(world), /This room is encrypted, and that was not/);
      }
      // The room looks unencrypted now; the question came encrypted.
      world.encrypted = false;
      await world.say(`!approve ${code}`, GROUP);
      assert.deepEqual(await callStates(world), WAITS);
      world.encrypted = true;
      await world.say(`!approve ${code}`, GROUP);
      assert.deepEqual(await callStates(world), [{ state: "approved", decided_by: ALICE }]);
    });

    it("counts as a bare reply or a reaction to the question only where nothing is encrypted", async () => {
      const world = new World(await open());
      for (const encrypted of [true, false]) {
        await world.database.query("delete from turns");
        world.encrypted = encrypted;
        const { code, turn } = await waitingCall(world);
        world.senders.set(`$${code}`, LLAMA);
        const reaction = { eventId: "$r", roomId: ROOM, sender: ALICE, target: `$${code}`, key: "✅" };
        await world.settle(world.conversation.reaction(world.ghost(), { ...reaction, target: turn.eventId }));
        await world.settle(world.conversation.reaction(world.ghost(), { ...reaction, sender: BOB }));
        assert.deepEqual(await callStates(world), WAITS);
        if (encrypted) {
          await world.settle(world.conversation.reaction(world.ghost(), reaction));
          await world.say("yes", { ...GROUP, also: { "m.relates_to": { "m.in_reply_to": { event_id: `$${code}` } } } });
          assert.match(lastSaid(world), new RegExp(`yes ${code}`));
          assert.deepEqual(await callStates(world), WAITS);
        } else {
          await world.settle(world.conversation.reaction(world.ghost(), reaction));
          assert.deepEqual(await callStates(world), [{ state: "approved", decided_by: ALICE }]);
        }
      }
    });

    it("is taken while the agent is paused, and the person is told that the call waits on", async () => {
      const world = new World(await open());
      const { code } = await waitingCall(world);
      await pauseAgent(world.database, LLAMA, "local:office");
      await world.pauses.refresh();
      await world.say(`Llama: yes ${code}`, GROUP);
      assert.deepEqual(await callStates(world), [{ state: "approved", decided_by: ALICE }]);
      assert.match(lastSaid(world), /Llama is paused by whoever runs it\. Your word is taken; the call is made when/);
    });

    it("is nothing any more once the question was stopped, and then its questions are closed", async () => {
      const world = new World(await open());
      const { code, turn } = await waitingCall(world);
      await world.say("Llama: !stop", GROUP);
      assert.deepEqual(world.waitsStopped, [code]);
      assert.deepEqual(await callStates(world), []);
      await world.say(`Llama: !approve ${code}`, GROUP);
      assert.match(lastSaid(world), /Nothing waits here/);
      const again = await waitingCall(world);
      const deletion = { roomId: ROOM, sender: ALICE, target: again.turn.eventId };
      await world.settle(world.conversation.redacted(world.ghost(), deletion));
      assert.ok(world.redacted.includes(`$${again.code}`));
      assert.deepEqual(await callStates(world), []);
      assert.notEqual(turn.id, again.turn.id);
    });
  });

  describe("!tools", () => {
    it("says which tools may be used and why not, and the room's moderators decide about single ones", async () => {
      const world = new World(await open());
      const tell = async (body: string, sender = MODERATOR): Promise<string> => {
        await world.say(`Llama: ${body}`, { ...GROUP, sender });
        return lastSaid(world);
      };
      try {
        assert.match(await tell("!tools"), /There are no tools/);
        const program = toolProgram([UNKIND_TOOL_SERVER, "counts", "/dev/null"]);
        world.tools.reconfigure(
          new Map([
            ["counter", program],
            ["other", { ...program, agents: ["qwen"] }],
          ]),
        );
        const list = await tell("!tools", ALICE);
        assert.match(list, /counter\/count: I ask you, or a moderator, each time/);
        assert.match(list, /counter\/look: I use it without asking/);
        assert.match(list, /2 further tools can't be used here/);
        assert.match(await tell("!tools other/look"), /not for you, in this room, or for me[\s\S]*“Works\.”/);
        assert.match(await tell("!tools count"), /Several servers have that tool/);
        assert.match(await tell("!tools allow counter/count", ALICE), /Only moderators/);
        assert.match(await tell("!tools allow other/count"), /can't be decided here/);
        assert.match(await tell("!tools allow counter/count"), /From now on I use/);
        assert.match(await tell("!tools"), /counter\/count: I use it without asking \(allowed in this room\)/);
        await world.database.query("update tool_grants set definition = 'another'");
        assert.match(await tell("!tools"), /counter\/count: I ask you, or a moderator, each time \(it was allowed/);
        assert.match(await tell("!tools forbid counter/look"), /From now on I don't use/);
        assert.match(await tell("!tools counter/look"), /forbidden in this room/);
        assert.match(await tell("!tools forget counter/look"), /Taken back/);
        assert.match(await tell("!tools forget counter/look"), /decided nothing/);
        assert.deepEqual(
          (await audited(world.database)).map(({ kind, tool }) => [kind, tool]),
          [
            ["tool.granted", "count"],
            ["tool.forbidden", "look"],
            ["tool.revoked", "look"],
          ],
        );
        // A decision that came unencrypted allows nothing in an encrypted room, and is not taken there.
        world.encrypted = true;
        await world.say("Llama: !tools allow counter/count", { ...GROUP, sender: MODERATOR, encrypted: false });
        assert.match(lastSaid(world), /This room is encrypted, and that was not/);
      } finally {
        await world.tools.stop();
      }
    });

    it("says that a model can't use any", async () => {
      const world = new World(await open());
      world.provider.facts = () => Promise.resolve({ sees: false, tools: false });
      world.tools.reconfigure(new Map([["counter", toolProgram([UNKIND_TOOL_SERVER, "counts", "/dev/null"])]]));
      await world.say("!tools");
      assert.match(lastSaid(world), /My model llama3\.2:3b can't use tools/);
    });
  });
});
