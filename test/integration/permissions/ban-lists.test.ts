import { after, before, describe, it } from "node:test";
import type { Database } from "../../../src/database/database.ts";
import { createHomeserverClient, type HomeserverClient } from "../../../src/homeserver/client.ts";
import type { RoomEvent } from "../../../src/homeserver/transaction.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { BanLists } from "../../../src/permissions/ban-lists.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { eventually } from "../../support/eventually.ts";
import { json, startModelServer, type ModelServer } from "../../support/model-server.ts";

const LIST = "!list:example.test";
const SPAMMER = "@spammer:evil.example";
const STATE = `/_matrix/client/v3/rooms/${encodeURIComponent(LIST)}/state`;

forEachDatabase((_kind, open) => {
  describe("a ban list that the bridge follows", () => {
    const log = silentLogger();
    let wire: ModelServer;
    let client: HomeserverClient;

    before(async () => {
      wire = await startModelServer();
      client = createHomeserverClient({ url: wire.url, asToken: "token", log });
    });
    after(async () => {
      await client.close();
      await wire.close();
    });

    /** The present content of the rule that names the spammer; empty when it was redacted. */
    function says(content: object): void {
      wire.on(STATE, json([{ type: "m.policy.rule.user", state_key: "rule", sender: "@mod:example.test", content }]));
    }

    function follow(database: Database): BanLists {
      const settings = () => ({ banLists: [LIST] });
      return new BanLists({ database, client, settings, botUserId: "@agents:example.test", log });
    }

    it("is read again when a rule is redacted", async () => {
      const database = await open();
      const lists = follow(database);
      says({ entity: SPAMMER, recommendation: "m.ban" });
      lists.refresh();
      await eventually("the ban to count", () => lists.bans.hasUser(SPAMMER));
      says({});
      const redaction = { room_id: LIST, type: "m.room.redaction", redacts: "$rule", content: {} } as RoomEvent;
      await database.transaction((tx) => lists.note(tx, [redaction]));
      lists.stored();
      await eventually("the ban to be taken back", () => !lists.bans.hasUser(SPAMMER));
      await lists.stop();
    });

    it("is read as soon as the database answers, which may be away when the list is new", async () => {
      const database = await open();
      let failures = 1;
      const lists = follow({
        ...database,
        transaction: (work) => database.transaction(work),
        query: (text, values) => (failures-- > 0 ? Promise.reject(new Error("away")) : database.query(text, values)),
      });
      says({ entity: SPAMMER, recommendation: "m.ban" });
      lists.refresh();
      await eventually("the ban to count", () => {
        lists.look();
        return lists.bans.hasUser(SPAMMER);
      });
      await lists.stop();
    });
  });
});
