import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { initAsync } from "@matrix-org/matrix-sdk-crypto-wasm";
import { createCryptoStore } from "../../src/crypto/store/crypto-store.ts";
import { migrate } from "../../src/database/migrate.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { CryptoClient, type Ciphertext, type Homeserver } from "../support/crypto-client.ts";
import { layEmbedded } from "../support/embedded.ts";
import {
  openPlace,
  type DatabasePlace,
  type FromGhost,
  type GhostOptions,
  type ToGhost,
} from "../support/ghost-process.ts";
import { megolmIndex } from "../support/megolm-index.ts";
import { createDatabase } from "../support/postgres.ts";
import { sharedPostgresUrl } from "../support/services.ts";
import { SimulatedKeyServer } from "../support/simulated-key-server.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { takeLease } from "../support/lease.ts";

const ALICE = "@alice:example.org";
const BOB = "@bob:example.org";
const ROOM = "!room:example.org";
const KEY = Buffer.alloc(32, 7);

/**
 * The time at which the ghost dies: on a certain word, before hearing it, before answering it, or some turns after the
 * answer.
 */
type Death = readonly [words: number, how: "unheard" | "unanswered" | { readonly turnsLater: number }];

const DEATHS: readonly Death[] = [
  // The first upload of its keys.
  [3, "unheard"],
  [3, "unanswered"],
  [9, { turnsLater: 3 }],
  [40, { turnsLater: 17 }],
  [23, "unheard"],
  [61, { turnsLater: 40 }],
];

const places: Record<DatabasePlace["kind"], () => Promise<DatabasePlace>> = {
  postgres: async () => ({ kind: "postgres", url: await createDatabase(sharedPostgresUrl()) }),
  embedded: async () => {
    const directory = join(await temporaryDirectory("store-crash"), "database");
    await layEmbedded(directory);
    return { kind: "embedded", directory };
  },
};

describe("a process killed while its ghost reads and writes", () => {
  for (const [kind, makePlace] of Object.entries(places)) {
    it(`leaves nothing unreadable and no message index used twice, on ${kind}`, async () => {
      await initAsync();
      const place = await makePlace();
      const database = await openPlace(place);
      await migrate(database, silentLogger());
      await database.close();

      const world = await World.create();
      for (const death of DEATHS) await world.liveUntil(death, place);

      assert.ok(world.written.length >= DEATHS.length, "the ghost wrote something");
      const indexes = world.written.map((content) => JSON.stringify(megolmIndex(content)));
      assert.equal(new Set(indexes).size, indexes.length, "an index was used twice");
      // Bob has read everything that the ghost wrote; here the ghost reads everything that Bob wrote.
      const reopened = await openPlace(place);
      const lease = await takeLease(reopened, ALICE);
      const session = await createCryptoStore(reopened, silentLogger()).open(lease, "DEVICE");
      const alice = await CryptoClient.open(
        { user: ALICE, device: "DEVICE", store: session.name, key: KEY },
        world.homeserver(ALICE),
      );
      await alice.sync();
      for (const [index, content] of world.answers.entries()) {
        assert.equal(await alice.decrypt(ROOM, BOB, content), `answer ${index}`);
      }
      alice.machine.close();
      await session.close();
      await reopened.close();
    });
  }
});

/** The ghost's surroundings, which outlive its process: the homeserver and the person with whom it talks. */
class World {
  /** The ghost's messages and the answers to them, in order. */
  readonly written: Ciphertext[] = [];
  readonly answers: Ciphertext[] = [];
  readonly #server = new SimulatedKeyServer();
  #bob: CryptoClient | undefined;

  static async create(): Promise<World> {
    const world = new World();
    world.#bob = await CryptoClient.open({ user: BOB, device: "DEVICE" }, world.homeserver(BOB));
    await world.#bob.sync();
    return world;
  }

  homeserver(user: string): Homeserver {
    return {
      request: (request) => Promise.resolve(JSON.stringify(this.#server.handle(user, "DEVICE", request))),
      sync: (since) => Promise.resolve(this.#server.sync(user, "DEVICE", since)),
    };
  }

  /** Runs the ghost in a process of its own until its death. Rejects when something in it, or here, goes wrong. */
  async liveUntil([words, how]: Death, place: DatabasePlace): Promise<void> {
    const options: GhostOptions = {
      place,
      user: ALICE,
      device: "DEVICE",
      key: KEY.toString("base64"),
      room: ROOM,
      peer: BOB,
    };
    const program = fileURLToPath(new URL("../support/ghost-process.ts", import.meta.url));
    const ghost = fork(program, [JSON.stringify(options)], { execArgv: [] });
    const gone = Promise.all([once(ghost, "exit"), once(ghost, "disconnect")]);
    let heard = 0;
    let order: Promise<void> = Promise.resolve();
    const failures: unknown[] = [];

    ghost.on("message", (message: FromGhost) => {
      const last = ++heard === words;
      if (last && how === "unheard") ghost.kill("SIGKILL");
      // An event that left the process is in the room, whatever happened to the process.
      if (heard >= words && how === "unheard" && message.kind !== "event") return;
      order = order
        .then(async () => {
          const reply = await this.#handle(message);
          if (last && how === "unanswered") ghost.kill("SIGKILL");
          if (reply !== undefined && ghost.connected) ghost.send(reply, () => undefined);
          if (last && typeof how === "object") {
            for (let turns = 0; turns < how.turnsLater; turns++) await turn();
            ghost.kill("SIGKILL");
          }
        })
        .catch((failure: unknown) => {
          failures.push(failure);
          ghost.kill("SIGKILL");
        });
    });

    const [[code, signal]] = (await gone) as [[number | null, string | null], unknown];
    await order;
    if (failures.length > 0) throw failures[0] instanceof Error ? failures[0] : new Error(String(failures[0]));
    assert.equal(signal, "SIGKILL", `the ghost ended by itself, with code ${code}`);
  }

  async #handle(message: FromGhost): Promise<ToGhost | undefined> {
    switch (message.kind) {
      case "request":
        return { id: message.id, answer: this.#server.handle(ALICE, "DEVICE", message.request) };
      case "sync":
        return { id: message.id, answer: this.#server.sync(ALICE, "DEVICE", message.since) };
      case "messages":
        return { id: message.id, answer: this.answers.slice(message.from) };
      case "event":
        await this.#answer(message.content);
        return undefined;
    }
  }

  async #answer(content: Ciphertext): Promise<void> {
    assert.ok(this.#bob !== undefined);
    await this.#bob.sync();
    await this.#bob.decrypt(ROOM, ALICE, content);
    this.written.push(content);
    this.answers.push(await this.#bob.encrypt(ROOM, [ALICE, BOB], `answer ${this.answers.length}`));
  }
}
