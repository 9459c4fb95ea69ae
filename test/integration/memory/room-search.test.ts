import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Forgetting } from "../../../src/memory/forgetting.ts";
import { History } from "../../../src/memory/history.ts";
import { ReadFiles } from "../../../src/memory/read-files.ts";
import { RoomSearch, type Wanted } from "../../../src/memory/room-search.ts";
import type { RememberedMessage } from "../../../src/memory/remembered-message.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { sealsOf } from "../../support/seals.ts";

const LLAMA = "@agent_llama:example.test";
const MAX = "@agent_max:example.test";
const ROOM = "!room:example.test";
const OTHER = "!other:example.test";
const SIGNAL = new AbortController().signal;

forEachDatabase((_kind, open) => {
  async function make(keptSince = 0) {
    const database = await open();
    const seals = sealsOf(database);
    const history = new History(database, seals);
    const search = new RoomSearch(database, seals, () => Promise.resolve(keptSince));
    let count = 0;
    const remember = (body: string, more: Partial<RememberedMessage> = {}, ghost = LLAMA, room = ROOM) =>
      history.remember(database, ghost, room, {
        eventId: `$${++count}`,
        author: "person",
        sender: "@alice:example.test",
        speaker: "Alice",
        body,
        sentAt: 1_000 + count,
        encrypted: true,
        ...more,
      });
    const find = async (words: string[], more: Partial<Wanted> = {}) => {
      const wanted = { ghost: LLAMA, roomId: ROOM, words, before: Number.MAX_SAFE_INTEGER, encrypted: true, ...more };
      return (await search.find(wanted, SIGNAL)).hits.map(({ message }) => message.body);
    };
    return { database, seals, search, remember, find };
  }

  describe("the search of a room's memory", () => {
    it("finds messages with all words, in capitals or not, the newest first", async () => {
      const { remember, find } = await make();
      await remember("The whales sing in May");
      await remember("Nobody sings");
      await remember("WHALES again");
      assert.deepEqual(await find(["whale"]), ["WHALES again", "The whales sing in May"]);
      assert.deepEqual(await find(["sing", "may"]), ["The whales sing in May"]);
      assert.deepEqual(await find(["AGAIN"]), ["WHALES again"]);
      assert.deepEqual(await find(["dolphin"]), []);
    });

    it("finds letters with marks, however they are written", async () => {
      const { remember, find } = await make();
      await remember("Le cafe\u0301 est ferme\u0301");
      await remember("Le caf\u00e9 ouvre");
      for (const word of ["caf\u00e9", "CAFE\u0301"])
        assert.deepEqual(await find([word]), ["Le caf\u00e9 ouvre", "Le cafe\u0301 est ferme\u0301"]);
    });

    it("finds nothing of another room, another agent, or after the question", async () => {
      const { remember, find } = await make();
      await remember("whale elsewhere", {}, LLAMA, OTHER);
      await remember("whale of another agent", {}, MAX);
      await remember("whale here");
      const question = await remember("where is the whale?");
      assert.deepEqual(await find(["whale"], { before: question }), ["whale here"]);
    });

    it("finds nothing that was deleted, edited away, or is too old", async () => {
      const { database, seals, remember, find } = await make(1_002);
      await remember("whale too old");
      await remember("whale deleted", { eventId: "$deleted", sentAt: 2_000 });
      await remember("whale edited", { eventId: "$edited", sentAt: 2_000 });
      await remember("whale kept", { sentAt: 2_000 });
      await database.transaction((tx) =>
        new Forgetting(database, seals).message(tx, LLAMA, ROOM, "$deleted", "@alice:example.test"),
      );
      const edited = { ghost: LLAMA, roomId: ROOM, eventId: "$edited", sender: "@alice:example.test", encrypted: true };
      await database.transaction((tx) => new History(database, seals).edit(tx, edited, "a dolphin"));
      assert.deepEqual(await find(["whale"]), ["whale kept"]);
    });

    it("finds nothing that came encrypted where the conversation did not", async () => {
      const { remember, find } = await make();
      await remember("whale in secret");
      await remember("whale in clear", { encrypted: false });
      assert.deepEqual(await find(["whale"], { encrypted: false }), ["whale in clear"]);
    });

    it("finds words of files", async () => {
      const { database, seals, search, remember } = await make();
      const attachment = { kind: "text", name: "whales.txt", url: "mxc://hs/a" } as const;
      await remember("whales.txt", { eventId: "$file", attachment });
      await new ReadFiles(database, seals).keep(
        { ghost: LLAMA, eventId: "$file" },
        { kind: "text", text: "They sing." },
      );
      const wanted = { ghost: LLAMA, roomId: ROOM, words: ["sing"], before: 1_000, encrypted: true };
      const { hits } = await search.find(wanted, SIGNAL);
      assert.deepEqual(
        hits.map(({ message, file }) => [message.eventId, file]),
        [["$file", "They sing."]],
      );
    });

    it("goes on over a damaged message, and ends at its bounds", async () => {
      const { database, search, remember, find } = await make();
      for (let nth = 0; nth < 450; nth++) await remember(`message ${nth}${nth === 0 ? " whale" : ""}`);
      await database.query("update messages set body = 'damaged' where position % 2 = 0 and position > 100");
      assert.deepEqual(await find(["whale"]), ["message 0 whale"]);
      const wanted = { ghost: LLAMA, roomId: ROOM, words: ["message"], before: 1_000, encrypted: true };
      const bounds = { hits: 1_000, rows: 1_000, characters: 1_000_000, ms: 60_000 };
      for (const tighter of [{ hits: 3 }, { rows: 200 }, { characters: 20 }, { ms: 0 }]) {
        const { isPartial, hits } = await search.find(wanted, SIGNAL, { ...bounds, ...tighter });
        assert.equal(isPartial, true);
        assert.ok(hits.length > 0 && hits.length < 200, JSON.stringify(tighter));
      }
    });
  });
});
