import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import type { Database } from "../../../src/database/database.ts";
import { partnerIn } from "../../../src/ghost/direct-chat.ts";
import { Memberships } from "../../../src/mailbox/memberships.ts";
import { createHomeserverClient, type HomeserverClient } from "../../../src/homeserver/client.ts";
import { MatrixError } from "../../../src/homeserver/errors.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { Rooms } from "../../../src/rooms/rooms.ts";
import { forEachDatabase } from "../../support/databases.ts";

const LLAMA = "@agent_llama:example.test";
const QWEN = "@agent_qwen:example.test";
const ALICE = "@alice:example.test";
const BOB = "@bob:example.test";
const ROOM = "!room:example.test";

forEachDatabase((_kind, open) => {
  describe("a direct chat", () => {
    let members: Readonly<Record<string, string>> = {};
    let answer: { readonly status: number; readonly errcode?: string } = { status: 200 };
    let reads = 0;
    let client: HomeserverClient;
    const server = createServer((_request, response) => {
      reads++;
      response.writeHead(answer.status, { "content-type": "application/json" });
      const state = Object.entries(members).map(([userId, membership]) => ({
        type: "m.room.member",
        state_key: userId,
        sender: userId,
        content: { membership },
      }));
      response.end(JSON.stringify(answer.status === 200 ? state : { errcode: answer.errcode, error: "no" }));
    });

    before(async () => {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      client = createHomeserverClient({ url, asToken: "secret", log: silentLogger() });
    });
    after(async () => {
      await client.close();
      server.close();
    });

    /** The partner of the agent's direct chat, as the room's state changes. */
    async function chat(): Promise<{
      readonly database: Database;
      readonly among: (now: typeof members) => Promise<string | undefined>;
    }> {
      const database = await open();
      answer = { status: 200 };
      const rooms = new Rooms(database, silentLogger());
      const services = { memberships: new Memberships(database), rooms, client, log: silentLogger() };
      await database.query(
        "insert into memberships (ghost, room_id, membership, direct) values ($1, $2, 'join', true)",
        [LLAMA, ROOM],
      );
      return {
        database,
        among: async (now) => {
          members = now;
          const changed = { event_id: "$e", room_id: ROOM, sender: ALICE, origin_server_ts: 1, content: {} };
          await database.transaction((tx) => rooms.note(tx, [{ ...changed, type: "m.room.member", state_key: BOB }]));
          return partnerIn(services, LLAMA, ROOM);
        },
      };
    }

    it("is between two: it is a group while anybody else is there or invited, and a direct chat again when they are not", async () => {
      const { among } = await chat();
      const two = { [LLAMA]: "join", [ALICE]: "join" };
      assert.equal(await among(two), ALICE);
      for (const third of ["join", "invite"]) {
        assert.equal(await among({ ...two, [BOB]: third }), undefined, third);
        assert.equal(await among({ [BOB]: third, ...two, [QWEN]: third }), undefined, third);
      }
      assert.equal(await among({ ...two, [QWEN]: "join" }), undefined, "another agent");
      for (const gone of ["leave", "ban", "knock"]) assert.equal(await among({ ...two, [BOB]: gone }), ALICE, gone);
      assert.equal(await among({ ...two, [ALICE]: "leave", [BOB]: "join" }), BOB, "the remaining member");
      assert.equal(await among({ [LLAMA]: "join", [ALICE]: "leave" }), undefined, "nobody else");
    });

    it("is none where nothing has called it so, where the agent is not in it, or where the state does not name the agent", async () => {
      const { database, among } = await chat();
      const two = { [LLAMA]: "join", [ALICE]: "join" };
      for (const membership of ["invite", "leave", "ban"]) {
        await database.query("update memberships set membership = $1", [membership]);
        assert.equal(await among(two), undefined, membership);
      }
      await database.query("update memberships set membership = 'join', direct = false");
      assert.equal(await among(two), undefined);
      await database.query("update memberships set direct = true");
      assert.equal(await among(two), ALICE);
      assert.equal(await among({ [BOB]: "join", [ALICE]: "join" }), undefined);
      assert.equal(await among({ [ALICE]: "join" }), undefined);
      assert.equal(await among({}), undefined);
    });

    it("is none where its members can't be read, and waits while the homeserver is away", async () => {
      const { among } = await chat();
      answer = { status: 403, errcode: "M_FORBIDDEN" };
      assert.equal(await among({ [LLAMA]: "join", [ALICE]: "join" }), undefined);
      answer = { status: 502, errcode: "M_UNKNOWN" };
      await assert.rejects(among({}), (error) => error instanceof MatrixError && error.retryable);
      answer = { status: 200 };
      assert.equal(await among({ [LLAMA]: "join", [ALICE]: "join" }), ALICE);
    });

    it("asks the homeserver only when something has changed", async () => {
      const { database, among } = await chat();
      await among({ [LLAMA]: "join", [ALICE]: "join" });
      const before = reads;
      const rooms = new Rooms(database, silentLogger());
      const services = { memberships: new Memberships(database), rooms, client, log: silentLogger() };
      for (let time = 0; time < 3; time++) assert.equal(await partnerIn(services, LLAMA, ROOM), ALICE);
      assert.equal(reads, before);
    });
  });
});
