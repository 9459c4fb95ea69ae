import { setTimeout as sleep } from "node:timers/promises";
import type { Scenario } from "./scenario.ts";
import { inWorld, preload } from "./world.ts";

/** The bridge's wall clock jumps two days ahead, two days back, and home. */
export const clock: readonly Scenario[] = [
  {
    name: "clock jumping by days",
    run: () =>
      inWorld(
        {},
        (world) =>
          world.duringTraffic(async () => {
            for (let jump = 0; jump < 6; jump++) {
              process.kill(world.deployment.bridge.pid, "SIGUSR2");
              await sleep(700);
            }
          }),
        preload("jumping-clock.mjs"),
      ),
  },
];
