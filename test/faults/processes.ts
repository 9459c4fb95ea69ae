import { setTimeout as sleep } from "node:timers/promises";
import { startBridge, type RunningBridge } from "../support/bridge.ts";
import { writeSecondConfig } from "../support/second-bridge.ts";
import type { Tally } from "./ledger.ts";
import type { Scenario } from "./scenario.ts";
import { World } from "./world.ts";

const EXPIRE_AFTER_MS = 3_000;

/** Two processes on one PostgreSQL; transactions go to them in turns. */
async function withTwo(
  scenario: (world: World, processes: { first: RunningBridge; second: RunningBridge }) => Promise<void>,
): Promise<Tally> {
  const world = await World.start({ extraConfig: { leases: { expire_after: `${EXPIRE_AFTER_MS}ms` } } });
  let second: RunningBridge | undefined;
  try {
    const { config, port } = await writeSecondConfig(world.deployment.files.config);
    second = await startBridge({ config });
    const ports = [world.route(), port];
    let count = 0;
    world.route = () => ports[count++ % 2] ?? port;
    await scenario(world, { first: world.deployment.bridge, second });
    return await world.ledger.tally();
  } finally {
    await second?.stop();
    await world.stop();
  }
}

/** The process that ended the latest turn. */
function lastAtWork(processes: readonly RunningBridge[]): RunningBridge {
  const lastTurn = (bridge: RunningBridge): string =>
    bridge.logs().findLast((line) => line.msg === "turn ended")?.time ?? "";
  const [last] = [...processes].sort((a, b) => lastTurn(b).localeCompare(lastTurn(a)));
  if (last === undefined) throw new Error("there is no process");
  return last;
}

/** Several processes, of which one freezes or ends. */
export const processes: readonly Scenario[] = [
  {
    name: "two processes, the owner frozen past its lease and thawed",
    run: () =>
      withTwo((world, { first, second }) =>
        world.duringTraffic(async () => {
          for (let round = 0; round < 4; round++) {
            const owner = lastAtWork([first, second]);
            process.kill(owner.pid, "SIGSTOP");
            try {
              await sleep(EXPIRE_AFTER_MS + 2_000);
            } finally {
              process.kill(owner.pid, "SIGCONT");
            }
            await sleep(1_500);
          }
        }),
      ),
  },
  {
    name: "two processes, one killed and started again",
    run: () =>
      withTwo(async (world) => {
        await world.duringTraffic(async () => {
          for (let round = 0; round < 4; round++) {
            await world.deployment.stopBridge("kill");
            await sleep(1_000);
            await world.deployment.startBridge();
            await sleep(1_000);
          }
        });
      }),
  },
];
