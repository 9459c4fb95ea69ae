import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Forgetting } from "../../../src/memory/forgetting.ts";
import { History } from "../../../src/memory/history.ts";
import type { RememberedMessage } from "../../../src/memory/remembered-message.ts";
import type { Database } from "../../../src/database/database.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { sealsOf } from "../../support/seals.ts";

const LLAMA = "@agent_llama:example.test";
const MAX = "@agent_max:example.test";
const ROOM = "!room:example.test";
const ALICE = "@alice:example.test";
const EVERYTHING = Number.MAX_SAFE_INTEGER;

function said(eventId: string, fields: Partial<RememberedMessage> = {}): RememberedMessage {
  return {
    eventId,
    author: "person",
    sender: ALICE,
    speaker: "Alice",
    body: eventId,
    sentAt: 1,
    encrypted: false,
    ...fields,
  };
}

function answered(eventId: string, answers: number): RememberedMessage {
  return said(eventId, { author: "agent", sender: LLAMA, speaker: "Llama", answers });
}

forEachDatabase((_kind, open) => {
  async function make(): Promise<{
    database: Database;
    history: History;
    forgetting: Forgetting;
    remember: (message: RememberedMessage, ghost?: string, room?: string) => Promise<number>;
    bodies: (position?: number, limit?: number, ghost?: string, room?: string) => Promise<string[]>;
  }> {
    const database = await open();
    const history = new History(database, sealsOf(database));
    return {
      database,
      history,
      forgetting: new Forgetting(database, sealsOf(database)),
      remember: (message, ghost = LLAMA, room = ROOM) => history.remember(database, ghost, room, message),
      bodies: async (position = EVERYTHING, limit = 100, ghost = LLAMA, room = ROOM) =>
        (await history.upTo(ghost, room, position, limit)).map(({ body }) => body),
    };
  }

  describe("the memory of an agent", () => {
    it("has each answer after its question, however late it came", async () => {
      const { remember, bodies, history } = await make();
      const first = await remember(said("question 1"));
      const second = await remember(said("question 2"));
      await remember(answered("answer 2, part 1", second));
      await remember(answered("answer 2, part 2", second));
      await remember(answered("answer 1", first));
      await remember(said("question 3"));
      assert.deepEqual(await bodies(), [
        "question 1",
        "answer 1",
        "question 2",
        "answer 2, part 1",
        "answer 2, part 2",
        "question 3",
      ]);
      assert.deepEqual(await bodies(first), ["question 1"]);
      const withAnswer = await history.upTo(LLAMA, ROOM, first, 100, { withAnswer: true });
      assert.deepEqual(
        withAnswer.map(({ body }) => body),
        ["question 1", "answer 1"],
      );
    });

    it("ends with the question, and reaches back only up to its limit", async () => {
      const { remember, bodies } = await make();
      const positions: number[] = [];
      for (let index = 0; index < 10; index++) positions.push(await remember(said(`q${index}`)));
      assert.deepEqual(await bodies(positions[6], 3), ["q4", "q5", "q6"]);
    });

    it("is separate for each agent and room", async () => {
      const { remember, bodies } = await make();
      await remember(said("$a"));
      await remember(said("$b"), LLAMA, "!other:example.test");
      await remember(said("$a", { body: "as Max has it" }), MAX);
      assert.deepEqual(await bodies(), ["$a"]);
      assert.deepEqual(await bodies(EVERYTHING, 100, MAX), ["as Max has it"]);
    });

    it("takes the same event once, and keeps its place", async () => {
      const { remember, bodies } = await make();
      const first = await remember(said("$a"));
      await remember(said("$b"));
      assert.equal(await remember(said("$a", { body: "again" })), first);
      assert.deepEqual(await bodies(), ["$a", "$b"]);
    });

    it("changes with an edit by the author, and by nobody else", async () => {
      const { database, history, remember, bodies } = await make();
      await remember(said("$a"));
      await remember(said("$b", { sender: "@bob:example.test" }));
      await history.edit(
        database,
        { ghost: LLAMA, roomId: ROOM, eventId: "$a", sender: "@bob:example.test", encrypted: false },
        "put into Alice's mouth",
      );
      await history.edit(
        database,
        { ghost: MAX, roomId: ROOM, eventId: "$a", sender: ALICE, encrypted: false },
        "told somebody else",
      );
      assert.deepEqual(await bodies(), ["$a", "$b"]);
      await history.edit(
        database,
        { ghost: LLAMA, roomId: ROOM, eventId: "$a", sender: ALICE, encrypted: false },
        "corrected",
      );
      assert.deepEqual(await bodies(), ["corrected", "$b"]);
    });

    it("keeps no trace of a deleted message", async () => {
      const { database, history, forgetting, remember, bodies } = await make();
      await remember(said("$a"));
      await forgetting.message(database, LLAMA, "!other:example.test", "$a", ALICE);
      await forgetting.message(database, MAX, ROOM, "$a", ALICE);
      assert.deepEqual(await bodies(), ["$a"]);
      await forgetting.message(database, LLAMA, ROOM, "$a", ALICE);
      assert.deepEqual(await bodies(), []);
      await history.edit(
        database,
        { ghost: LLAMA, roomId: ROOM, eventId: "$a", sender: ALICE, encrypted: false },
        "back again",
      );
      assert.deepEqual(await bodies(), []);
      assert.equal((await database.query("select 1 from messages")).count, 0);
    });

    it("distinguishes the agent's own messages from all others", async () => {
      const { history, remember } = await make();
      const question = await remember(said("$question"));
      await remember(answered("$answer", question));
      assert.ok(await history.isOwn(LLAMA, ROOM, "$answer"));
      assert.ok(!(await history.isOwn(LLAMA, ROOM, "$question")));
      assert.ok(!(await history.isOwn(MAX, ROOM, "$answer")));
      assert.ok(!(await history.isOwn(LLAMA, "!other:example.test", "$answer")));
    });

    it("takes anything that people write, and any ids that they name", async () => {
      const { database, history, forgetting, remember, bodies } = await make();
      await remember(said("$a", { body: "nul \0 half \ud800 end", speaker: "\0\udc00" }));
      await history.edit(
        database,
        { ghost: LLAMA, roomId: ROOM, eventId: "$a", sender: ALICE, encrypted: false },
        "edited \0\ud800",
      );
      assert.deepEqual(await bodies(), ["edited \ufffd"]);
      assert.ok(!(await history.isOwn(LLAMA, ROOM, "$nul\0\ud800")));
      await history.edit(
        database,
        { ghost: LLAMA, roomId: ROOM, eventId: "$nul\0", sender: ALICE, encrypted: false },
        "x",
      );
      await forgetting.message(database, LLAMA, ROOM, "$nul\0", ALICE);
    });
  });
});
