import { after, before, describe, it } from "node:test";
import { PersonOfKeys, withKeysOf } from "../support/many-devices.ts";
import { telling } from "./to-device-flood.ts";
import { FloodWorld } from "./world.ts";

const COUNT = 10_000;

describe("ten thousand device lists that have changed", () => {
  let world: FloodWorld;
  before(async () => {
    world = await FloodWorld.start();
  });
  after(() => world.stop());

  it("are reported, and keep nobody waiting", async () => {
    const changed = Array.from({ length: COUNT }, (_, index) => `@changed${index}:example.test`);
    let told = 0;
    world.intercept = async (request, forward) => {
      const answer = await forward();
      if (!request.url.includes("/sync?") || told === 10) return answer;
      told++;
      return telling(answer, { changed });
    };
    await world.flood(
      "device lists that have changed",
      async () => {
        const { hsToken } = world.deployment.files;
        const { port } = world.deployment.settings;
        const lists = { "org.matrix.msc3202.device_lists": { changed, left: changed }, events: [] };
        for (let transaction = 0; transaction < 10; transaction++) {
          await fetch(`http://127.0.0.1:${port}/_matrix/app/v1/transactions/flood${transaction}`, {
            method: "PUT",
            headers: { authorization: `Bearer ${hsToken}`, "content-type": "application/json" },
            body: JSON.stringify(lists),
          });
          await world.ask(world.demo);
        }
        return 2 * 10 * COUNT;
      },
      { pauseMs: 200, grownMiB: 150, lines: 200, waitMs: 15_000 },
    );
  });
});

describe("ten thousand signed devices of a member", () => {
  let world: FloodWorld;
  before(async () => {
    world = await FloodWorld.start();
  });
  after(() => world.stop());

  it("are queried and get keys up to a bound, and keep nobody else waiting", async () => {
    const mallory = await world.flooder("mallory");
    const people = new Map([[mallory.userId, new PersonOfKeys(mallory.userId, COUNT)]]);
    people.get(mallory.userId)?.query();
    world.intercept = async (request, forward) => withKeysOf(people, request, await forward());
    await world.flood(
      "signed devices of a member",
      async () => {
        const roomId = await world.alice.createRoom({ invite: [world.demo, mallory.userId] });
        await mallory.request("POST", `/v3/join/${encodeURIComponent(roomId)}`, {});
        await world.askIn(roomId, world.demo, 300_000);
        return COUNT;
      },
      { pauseMs: 600, grownMiB: 300, rows: { crypto_records: 1_500 }, lines: 200, waitMs: 15_000 },
    );
  });
});
