import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database } from "../../../src/database/database.ts";
import { Consents, withdrawConsents, type ConsentSelection } from "../../../src/privacy/consents.ts";
import { audited } from "../../support/audit.ts";
import { forEachDatabase } from "../../support/databases.ts";

const A = "!a:example.test";
const B = "!b:example.test";
const CLAUDE = "@agent_claude:example.test";
const GPT = "@agent_gpt:example.test";
const TARGET = "cloud api.example";
const OFFICE = "local:office";

forEachDatabase((_kind, open) => {
  /** Consents of two agents in two rooms, and a refusal. */
  async function filled(): Promise<Database> {
    const database = await open();
    const consents = new Consents(database);
    await database.query(
      "insert into rooms (room_id, name, encryption) values ($1, 'Garden', 'm.megolm.v1.aes-sha2')",
      [A],
    );
    for (const roomId of [A, B]) {
      for (const ghost of [CLAUDE, GPT]) {
        await consents.decide(
          database,
          { roomId, ghost, target: TARGET },
          { granted: true, encrypted: false },
          "@alice:example.test",
        );
      }
    }
    const refusal = { roomId: A, ghost: CLAUDE, target: "other api.other" };
    await consents.decide(database, refusal, { granted: false, encrypted: false }, "@alice:example.test");
    return database;
  }

  const kept = async (database: Database): Promise<string[]> =>
    (await new Consents(database).all({ limit: 100 })).map(
      ({ roomId, ghost, target, granted }) => `${roomId} ${ghost} ${target} ${String(granted)}`,
    );

  describe("consents that whoever runs the bridge takes back", () => {
    const refused = `${A} ${CLAUDE} other api.other false`;
    for (const [what, selection, left] of [
      [
        "of one agent in one room",
        { roomId: A, ghost: CLAUDE },
        [refused, `${A} ${GPT} ${TARGET} true`, `${B} ${CLAUDE} ${TARGET} true`, `${B} ${GPT} ${TARGET} true`],
      ],
      ["of a room", { roomId: A }, [refused, `${B} ${CLAUDE} ${TARGET} true`, `${B} ${GPT} ${TARGET} true`]],
      ["of an agent", { ghost: GPT }, [`${A} ${CLAUDE} ${TARGET} true`, refused, `${B} ${CLAUDE} ${TARGET} true`]],
      ["all", {}, [refused]],
      [
        "none, where none was given",
        { roomId: "!c:example.test" },
        [
          `${A} ${CLAUDE} ${TARGET} true`,
          refused,
          `${A} ${GPT} ${TARGET} true`,
          `${B} ${CLAUDE} ${TARGET} true`,
          `${B} ${GPT} ${TARGET} true`,
        ],
      ],
    ] as const satisfies readonly (readonly [string, ConsentSelection, readonly string[]])[]) {
      it(`are gone, each with its entry in the audit log: ${what}`, async () => {
        const database = await filled();
        assert.equal(await withdrawConsents(database, selection, OFFICE), 5 - left.length);
        assert.deepEqual(await kept(database), left);
        const entries = (await audited(database)).filter(({ by }) => by === OFFICE);
        assert.equal(entries.length, 5 - left.length);
        for (const entry of entries) assert.equal(entry["kind"], "consent.withdrawn");
      });
    }

    it("are gone from any number of rooms", async () => {
      const database = await open();
      await database.query(
        `insert into consents (room_id, ghost, target, granted, decided_by)
         select '!' || number, $1, $2, true, '@alice:example.test' from generate_series(1, 1001) number`,
        [CLAUDE, TARGET],
      );
      assert.equal(await withdrawConsents(database, {}, OFFICE), 1_001);
      assert.deepEqual(await kept(database), []);
      assert.equal((await audited(database)).length, 1_001);
    });
  });

  describe("the decisions of all rooms", () => {
    it("come page by page, each with its room", async () => {
      const database = await filled();
      const consents = new Consents(database);
      const first = await consents.all({ limit: 2 });
      assert.deepEqual(
        first.map(({ roomName, isEncrypted, target }) => [roomName, isEncrypted, target]),
        [
          ["Garden", true, TARGET],
          ["Garden", true, "other api.other"],
        ],
      );
      const [, last] = first;
      assert.ok(last);
      const rest = await consents.all({ after: last, limit: 10 });
      assert.deepEqual(
        rest.map(({ roomId, ghost, roomName, isEncrypted }) => [roomId, ghost, roomName, isEncrypted]),
        [
          [A, GPT, "Garden", true],
          [B, CLAUDE, undefined, false],
          [B, GPT, undefined, false],
        ],
      );
    });
  });
});
