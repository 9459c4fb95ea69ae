import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database } from "../../../src/database/database.ts";
import { forgetToolGrants, ToolGrants, type GrantSelection } from "../../../src/tools/tool-grants.ts";
import { audited } from "../../support/audit.ts";
import { forEachDatabase } from "../../support/databases.ts";

const A = "!a:example.test";
const B = "!b:example.test";
const LLAMA = "@agent_llama:example.test";
const OFFICE = "local:office";

forEachDatabase((_kind, open) => {
  /** Tools that an agent may use in two rooms, and one that is forbidden. */
  async function filled(): Promise<Database> {
    const database = await open();
    const grants = new ToolGrants(database);
    const by = "@alice:example.test";
    await database.query(
      "insert into rooms (room_id, name, encryption) values ($1, 'Garden', 'm.megolm.v1.aes-sha2')",
      [A],
    );
    for (const [roomId, server, tool, decision] of [
      [A, "files", "read", "allowed"],
      [A, "files", "write", "forbidden"],
      [A, "net", "get", "allowed"],
      [B, "files", "read", "allowed"],
    ] as const) {
      const id = { ghost: LLAMA, roomId, server, tool, definition: "hash" };
      await grants.decide(database, id, { decision, encrypted: true, by });
    }
    return database;
  }

  const kept = async (database: Database): Promise<string[]> =>
    (await new ToolGrants(database).all({ limit: 100 })).map(
      ({ roomId, server, tool }) => `${roomId} ${server}/${tool}`,
    );

  describe("permissions for tools that whoever runs the bridge takes back", () => {
    for (const [what, selection, left] of [
      [
        "one tool",
        { ghost: LLAMA, roomId: A, server: "files", tool: "read" },
        [`${A} files/write`, `${A} net/get`, `${B} files/read`],
      ],
      [
        "a server's in a room",
        { ghost: LLAMA, roomId: A, server: "files" },
        [`${A} files/write`, `${A} net/get`, `${B} files/read`],
      ],
      ["an agent's in a room", { ghost: LLAMA, roomId: A }, [`${A} files/write`, `${B} files/read`]],
      ["a server's everywhere", { server: "files" }, [`${A} files/write`, `${A} net/get`]],
      ["all", {}, [`${A} files/write`]],
      [
        "none of another agent",
        { ghost: "@agent_other:example.test" },
        [`${A} files/read`, `${A} files/write`, `${A} net/get`, `${B} files/read`],
      ],
    ] as const satisfies readonly (readonly [string, GrantSelection, readonly string[]])[]) {
      it(`are gone, each with its entry in the audit log, and what was forbidden stays so: ${what}`, async () => {
        const database = await filled();
        assert.equal(await forgetToolGrants(database, selection, OFFICE), 4 - left.length);
        assert.deepEqual(await kept(database), left);
        const entries = (await audited(database)).filter(({ by }) => by === OFFICE);
        assert.equal(entries.length, 4 - left.length);
        for (const entry of entries) assert.equal(entry["kind"], "tool.revoked");
      });
    }
  });

  describe("the decisions about tools of all rooms", () => {
    it("come page by page, each with its room", async () => {
      const grants = new ToolGrants(await filled());
      const [, last, ...more] = await grants.all({ limit: 2 });
      assert.ok(last && more.length === 0);
      assert.deepEqual(
        [last.tool, last.decision, last.roomName, last.isEncrypted],
        ["write", "forbidden", "Garden", true],
      );
      const rest = await grants.all({ after: last, limit: 10 });
      assert.deepEqual(
        rest.map(({ roomId, tool, roomName }) => [roomId, tool, roomName]),
        [
          [A, "get", "Garden"],
          [B, "read", undefined],
        ],
      );
      assert.ok(last.at instanceof Date);
    });
  });
});
