import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { modelInRoom } from "../../../src/agents/model-in-room.ts";
import type { Agent } from "../../../src/agents/agents.ts";
import type { CloudPolicy } from "../../../src/config/config.ts";
import type { Database } from "../../../src/database/database.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { Consents } from "../../../src/privacy/consents.ts";
import { PrivacyGate } from "../../../src/privacy/gate.ts";
import { ProviderRequests } from "../../../src/privacy/provider-requests.ts";
import { privacyOfRoom, type RoomPrivacy } from "../../../src/privacy/room-privacy.ts";
import { KnownModels } from "../../../src/providers/model-facts.ts";
import { ProviderError, type Provider } from "../../../src/providers/provider.ts";
import { roomsOfGhosts } from "../../../src/rooms/rooms-of-ghosts.ts";
import { Rooms } from "../../../src/rooms/rooms.ts";
import { RoomSettingsStore } from "../../../src/rooms/settings-store.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { sealsOf } from "../../support/seals.ts";

const LLAMA = "@agent_llama:example.test";
const GONE = "@agent_gone:example.test";
const ALICE = "@alice:example.test";
const CLOUD_MODEL = "gpt-oss:120b-cloud";
const AGENT: Agent = {
  name: "llama",
  localpart: "agent_llama",
  displayName: "Llama",
  provider: "near",
  model: "llama3.2",
  locality: "local",
  makes: "text",
  contextTokens: 4_096,
};

/** A server in the network that passes one of its models on. */
const relaying = {
  name: "near",
  host: "127.0.0.1:11434",
  locality: "local",
  relay: {
    facts: (model: string) => {
      if (model === "away") return Promise.reject(new ProviderError("unreachable", "it is away"));
      return Promise.resolve(model === CLOUD_MODEL ? { remoteHost: "ollama.com:443" } : {});
    },
  },
} as unknown as Provider;

forEachDatabase((_kind, open) => {
  async function join(database: Database, roomId: string, encryption: string | null): Promise<void> {
    await database.query(
      `insert into rooms (room_id, name, encryption, read_at_change, changes) values ($1, 'Garden', $2, 1, 1)`,
      [roomId, encryption],
    );
    for (const ghost of [LLAMA, GONE]) {
      await database.query(
        "insert into memberships (ghost, room_id, membership, direct) values ($1, $2, 'join', false)",
        [ghost, roomId],
      );
    }
  }

  function settingsOf(database: Database): RoomSettingsStore {
    return new RoomSettingsStore(database, sealsOf(database));
  }

  async function described(database: Database): Promise<readonly RoomPrivacy[]> {
    const consents = new Consents(database);
    const requests = new ProviderRequests(database);
    const rooms = new Rooms(database, silentLogger());
    const sources = {
      gate: new PrivacyGate({
        settings: () => ({ cloud: "ask", encrypted: "deny", rooms: new Map<string, CloudPolicy>() }),
        consents,
        requests,
        models: new KnownModels(),
        isEncrypted: (roomId: string) => rooms.isEncrypted(roomId),
      }),
      consents,
      requests,
      modelIn: (ghost: string, roomId: string) =>
        modelInRoom(
          {
            agentOf: (userId) => (userId === LLAMA ? AGENT : undefined),
            provider: (name) => (name === "near" ? relaying : undefined),
            settings: settingsOf(database),
          },
          ghost,
          roomId,
        ),
    };
    return Promise.all((await roomsOfGhosts(database)).map((room) => privacyOfRoom(room, sources, 7)));
  }

  describe("a room's privacy as data", () => {
    it("names the recipient of the model that the room has chosen, not of the agent's own", async () => {
      const database = await open();
      await join(database, "!a:example.test", null);
      await join(database, "!b:example.test", "m.megolm.v1.aes-sha2");
      const change = { ghost: LLAMA, roomId: "!a:example.test", by: ALICE, encrypted: false };
      await database.transaction((tx) => settingsOf(database).set(tx, change, "model", CLOUD_MODEL));
      const [a, b] = await described(database);
      assert.ok(a && b);
      const of = (room: RoomPrivacy): unknown => room.agents.find(({ ghost }) => ghost === LLAMA)?.destination;
      const cloud = { provider: "near", host: "ollama.com:443", locality: "cloud", isSure: true };
      assert.deepEqual([a.isEncrypted, a.policy, of(a)], [false, "ask", cloud]);
      const here = { provider: "near", host: "127.0.0.1:11434", locality: "local", isSure: true };
      assert.deepEqual([b.isEncrypted, b.policy, of(b)], [true, "deny", here]);
      assert.equal(a.name, "Garden");
      assert.equal(a.agents.find(({ ghost }) => ghost === GONE)?.destination, undefined);
    });

    it("says that it is not sure where the server can't be asked", async () => {
      const database = await open();
      await join(database, "!a:example.test", null);
      const change = { ghost: LLAMA, roomId: "!a:example.test", by: ALICE, encrypted: false };
      await database.transaction((tx) => settingsOf(database).set(tx, change, "model", "away"));
      const [room] = await described(database);
      assert.equal(room?.agents.find(({ ghost }) => ghost === LLAMA)?.destination?.isSure, false);
    });

    it("has the decisions, with whether they still count, and what was sent", async () => {
      const database = await open();
      const roomId = "!b:example.test";
      await join(database, roomId, "m.megolm.v1.aes-sha2");
      const consents = new Consents(database);
      const decide = (target: string, granted: boolean): Promise<void> =>
        database.transaction((tx) =>
          consents.decide(tx, { roomId, ghost: LLAMA, target }, { granted, encrypted: false }, ALICE),
        );
      await decide("near ollama.com:443", true);
      await decide("other api.example", false);
      const sent = { ghost: LLAMA, provider: "near", host: "ollama.com:443", locality: "cloud" } as const;
      await new ProviderRequests(database).note({ ...sent, roomId, model: CLOUD_MODEL, kind: "chat", bytes: 120 });
      const [room] = await described(database);
      const decisions = room?.agents.find(({ ghost }) => ghost === LLAMA)?.decisions;
      assert.deepEqual(
        decisions?.map(({ target, granted, by, counts }) => ({ target, granted, by, counts })),
        [
          { target: "near ollama.com:443", granted: true, by: ALICE, counts: false },
          { target: "other api.example", granted: false, by: ALICE, counts: true },
        ],
      );
      assert.deepEqual(room?.sent, [{ ...sent, requests: 1, bytes: 120 }]);
    });

    it("comes page by page, in the order of the rooms' ids", async () => {
      const database = await open();
      for (const name of ["c", "a", "b"]) await join(database, `!${name}:example.test`, null);
      const ids = async (page: Parameters<typeof roomsOfGhosts>[1]): Promise<string[]> =>
        (await roomsOfGhosts(database, page)).map(({ roomId }) => roomId);
      assert.deepEqual(await ids({}), ["!a:example.test", "!b:example.test", "!c:example.test"]);
      assert.deepEqual(await ids({ limit: 2 }), ["!a:example.test", "!b:example.test"]);
      assert.deepEqual(await ids({ after: "!b:example.test", limit: 2 }), ["!c:example.test"]);
    });
  });
});
