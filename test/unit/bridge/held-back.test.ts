import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HeldBack } from "../../../src/bridge/held-back.ts";
import { Background } from "../../../src/concurrency/background.ts";
import { parseTransaction } from "../../../src/homeserver/transaction.ts";
import { silentLogger } from "../../../src/observability/log.ts";

const SENT = parseTransaction("1", { events: [] });
const MINUTE_MS = 60_000;

/** A bridge whose database answers, and takes transactions, as it is told; time passes only as {@link pass} says. */
class World {
  answers = true;
  takes = true;
  readonly did: ("search" | "ping")[] = [];
  readonly heldBack: HeldBack;
  readonly #waiting = new Set<{ readonly at: number; readonly wake: () => void }>();
  #now = 0;

  constructor() {
    const query = (): Promise<{ rows: []; count: number }> =>
      this.answers ? Promise.resolve({ rows: [], count: 0 }) : Promise.reject(new Error("no database"));
    const background = new Background(silentLogger());
    const stopping = new AbortController().signal;
    this.heldBack = new HeldBack(
      { background, stopping, database: { query } },
      {
        deliver: () => (this.takes ? Promise.resolve() : Promise.reject(new Error("nothing is taken"))),
        find: () => {
          this.did.push("search");
          return Promise.resolve(0);
        },
        reach: {
          untilReached: async () => {
            this.did.push("ping");
            // The homeserver sends at once what it held back.
            await this.heldBack.receive(SENT).catch(() => undefined);
          },
        },
        pause: (ms) => new Promise((wake) => this.#waiting.add({ at: this.#now + ms, wake })),
      },
    );
  }

  count(what: "search" | "ping"): number {
    return this.did.filter((one) => one === what).length;
  }

  async pass(ms: number): Promise<void> {
    for (const end = this.#now + ms; this.#now < end; this.#now += 100) {
      for (const one of this.#waiting) {
        if (one.at > this.#now) continue;
        this.#waiting.delete(one);
        one.wake();
      }
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }
}

describe("after a refused transaction", () => {
  it("the homeserver is asked for a ping as soon as the database answers, and what it has stranded is searched for", async () => {
    const world = new World();
    world.takes = world.answers = false;
    await assert.rejects(world.heldBack.receive(SENT), /nothing is taken/);
    await world.pass(5 * MINUTE_MS);
    assert.deepEqual(world.did, []);
    world.takes = world.answers = true;
    await world.pass(2_500);
    assert.deepEqual(world.did, ["search", "ping"]);
    await world.pass(5 * MINUTE_MS);
    assert.deepEqual(world.did, ["search", "ping"]);
  });

  it("it is asked more and more seldom where the database answers but takes nothing", async () => {
    const world = new World();
    world.takes = false;
    await assert.rejects(world.heldBack.receive(SENT));
    await world.pass(MINUTE_MS);
    const first = world.count("ping");
    assert.ok(first >= 5 && first <= 9, `${first} in a minute`);
    await world.pass(10 * MINUTE_MS);
    const later = world.count("ping") - first;
    assert.ok(later >= 4 && later <= 13, `${later} in ten minutes`);
    assert.ok(world.count("search") <= 6, `${world.count("search")} searches`);
    world.takes = true;
    await world.pass(2 * MINUTE_MS);
    const all = world.count("ping");
    await world.pass(10 * MINUTE_MS);
    assert.equal(world.count("ping"), all);
  });
});
