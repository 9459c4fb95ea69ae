import { setTimeout as sleep } from "node:timers/promises";
import { jsonAnswer } from "../support/http-proxy.ts";
import { startPostgres, type Postgres } from "../support/postgres.ts";
import type { Tally } from "./ledger.ts";
import type { Scenario } from "./scenario.ts";
import { inWorld, type World } from "./world.ts";

async function withOwnPostgres(scenario: (world: World, postgres: Postgres) => Promise<void>): Promise<Tally> {
  const postgres = await startPostgres();
  try {
    return await inWorld({ postgresUrl: postgres.adminUrl }, (world) => scenario(world, postgres));
  } finally {
    await postgres.stop();
  }
}

/** The bridge is down, and clients send new keys meanwhile, which the homeserver pushes once and never again. */
const bridgeDown: readonly Scenario[] = [false, true].map((toDevicePush) => ({
  name: `bridge down while keys change (${toDevicePush ? "keys pushed" : "no experimental flags"})`,
  run: () =>
    inWorld({ toDevicePush }, async (world) => {
      for (const how of ["stop", "kill"] as const) {
        await world.askAll("before");
        await world.deployment.stopBridge(how);
        for (let round = 0; round < 3; round++) {
          for (const chat of world.chats) await chat.person.rotateSession(chat.roomId);
          await world.askAll(`under new keys, ${round}`);
        }
        // The homeserver has tried to push by now, and thrown away the keys in that push.
        await sleep(2_000);
        await world.deployment.startBridge();
        await world.ledger.settle();
      }
    }),
}));

const homeserver: readonly Scenario[] = [
  {
    name: "Synapse restarted under traffic",
    run: () => inWorld({}, (world) => world.duringTraffic(() => world.deployment.restartSynapse())),
  },
  {
    name: "Synapse restarted while the bridge is down",
    run: () =>
      inWorld({}, async (world) => {
        await world.deployment.stopBridge("kill");
        await world.askAll("while the bridge is down");
        await world.deployment.restartSynapse();
        await world.deployment.startBridge();
        // Synapse sends the events that it held back before its restart with the next event.
        await world.askAll("after both are back");
      }),
  },
  {
    name: "network to Synapse cut for 4 s",
    run: () =>
      inWorld({}, (world) =>
        world.duringTraffic(async () => {
          world.homeserver.intercept = () => Promise.resolve("hang up");
          await sleep(4_000);
          world.homeserver.intercept = (request, proxy) => proxy.forward(request);
        }),
      ),
  },
  {
    name: "Synapse's answers lost after it did what was asked",
    run: () =>
      inWorld({}, async (world) => {
        let count = 0;
        world.homeserver.intercept = async (request, proxy) => {
          const answer = await proxy.forward(request);
          return request.method === "PUT" && ++count % 2 === 1 ? "hang up" : answer;
        };
        await world.duringTraffic(() => sleep(3_000));
        world.homeserver.intercept = (request, proxy) => proxy.forward(request);
      }),
  },
  {
    name: "Synapse answers 429, 500 and 502",
    run: () =>
      inWorld({}, (world) =>
        world.duringTraffic(async () => {
          let count = 0;
          const trouble = [
            jsonAnswer(429, { errcode: "M_LIMIT_EXCEEDED", error: "slowly", retry_after_ms: 700 }),
            jsonAnswer(500, { errcode: "M_UNKNOWN", error: "Internal server error" }),
            { status: 502, headers: { "content-type": "text/html" }, body: Buffer.from("<html>Bad Gateway</html>") },
          ];
          world.homeserver.intercept = (request, proxy) =>
            Promise.resolve(trouble[count++ % 5] ?? proxy.forward(request));
          await sleep(4_000);
          world.homeserver.intercept = (request, proxy) => proxy.forward(request);
        }),
      ),
  },
];

const database: readonly Scenario[] = [
  {
    name: "PostgreSQL restarted under traffic",
    run: () => withOwnPostgres((world, postgres) => world.duringTraffic(() => postgres.restart())),
  },
  {
    name: "PostgreSQL killed under traffic",
    run: () =>
      withOwnPostgres((world, postgres) =>
        world.duringTraffic(async () => {
          for (let round = 0; round < 3; round++) {
            await postgres.kill();
            await sleep(700);
            await postgres.restart();
            await sleep(700);
          }
        }),
      ),
  },
  {
    name: "PostgreSQL's connections cut every 250 ms",
    run: () =>
      inWorld({}, (world) =>
        world.duringTraffic(async () => {
          for (let round = 0; round < 16; round++) {
            await sleep(250);
            world.database?.cut();
          }
        }),
      ),
  },
  {
    name: "PostgreSQL silent for 10 s",
    run: () =>
      inWorld({}, (world) =>
        world.duringTraffic(async () => {
          world.database?.setMode("hang");
          await sleep(10_000);
          world.database?.setMode("pass");
        }),
      ),
  },
];

const model: readonly Scenario[] = [
  {
    name: "model server away for 4 s",
    // The answer in progress is cut off, and nothing is begun twice.
    noticesAllowed: true,
    run: () =>
      inWorld({}, (world) =>
        world.duringTraffic(async () => {
          world.model.setMode("refuse");
          await sleep(4_000);
          world.model.setMode("pass");
        }),
      ),
  },
  {
    name: "model server cut off in the middle of answers",
    noticesAllowed: true,
    run: () =>
      inWorld({}, (world) =>
        world.duringTraffic(async () => {
          for (let round = 0; round < 6; round++) {
            await sleep(400);
            world.model.cut();
          }
        }),
      ),
  },
];

/** A service of the bridge goes away, and comes back. */
export const away: readonly Scenario[] = [...bridgeDown, ...homeserver, ...database, ...model];
