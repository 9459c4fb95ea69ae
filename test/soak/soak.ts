import { setTimeout as sleep } from "node:timers/promises";
import type { Machine } from "../bench/machine.ts";
import type { Tally } from "../faults/ledger.ts";
import { preload, World } from "../faults/world.ts";
import { TRUST_ANYONE } from "../support/deployment.ts";
import { freePort } from "../support/free-port.ts";
import { startPostgres } from "../support/postgres.ts";
import { stay, TalkingTime, visits } from "./people.ts";
import type { Sample } from "./sample.ts";
import { grownTables, trendsOf, type Trend } from "./trends.ts";
import { Watch } from "./watch.ts";

/** The end of a process of the bridge. */
export interface Restart {
  readonly minutes: number;
  readonly how: "stop" | "kill";
}

/** A run, and its results. */
export interface SoakResult {
  readonly minutes: number;
  readonly tally: Tally;
  readonly visits: number;
  readonly restarts: readonly Restart[];
  /** The number of rests at whose end no agent was in memory. */
  readonly unloaded: number;
  readonly trends: readonly Trend[];
  /** The growth of each table that grew, in bytes. */
  readonly grown: Readonly<Record<string, number>>;
  readonly samples: readonly Sample[];
}

/** A run as soak.json has it. */
export interface SoakResults extends Omit<SoakResult, "samples"> {
  readonly machine: Machine;
}

/** A process lives for a sixth of the run, so that a long run watches long lives; this is the least. */
const LIVES = 6;
const SHORTEST_LIFE_MINUTES = 0.9;

const SAMPLES = 240;
const SHORTEST_INTERVAL_MS = 2_000;

const TALKING_MS = 25_000;
/** Longer than an agent stays in memory unused, and the heartbeat that unloads it. */
const RESTING_MS = 12_000;
const IDLE_AFTER = "3s";

/** The table sizes of a short run show as many vacuums as those of a long one. */
const QUICK_VACUUM = { autovacuum_naptime: "5s" };

const COLLECTING = preload("collecting.mjs");

/** Runs it. */
export async function soak(minutes: number, progress: (line: string) => void): Promise<SoakResult> {
  const postgres = await startPostgres({ settings: QUICK_VACUUM });
  try {
    const monitoringPort = await freePort();
    const extraConfig = {
      ...TRUST_ANYONE,
      monitoring: { enabled: true, port: monitoringPort },
      ghosts: { idle_after: IDLE_AFTER },
      // The lines are kept in this process.
      logging: { level: "info", format: "json" },
    };
    const world = await World.start({ postgresUrl: postgres.adminUrl, extraConfig }, COLLECTING);
    try {
      return await inWorld(world, { minutes, monitoringPort, progress });
    } finally {
      await world.stop();
    }
  } finally {
    await postgres.stop();
  }
}

interface RunOptions {
  readonly minutes: number;
  readonly monitoringPort: number;
  readonly progress: (line: string) => void;
}

async function inWorld(world: World, { minutes, monitoringPort, progress }: RunOptions): Promise<SoakResult> {
  const everyMs = Math.max(SHORTEST_INTERVAL_MS, (minutes * 60_000) / SAMPLES);
  const watch = await Watch.begin(world, { monitoringPort, everyMs });
  const time = new TalkingTime();
  const people = Promise.all([visits(world, time), ...world.chats.map((chat) => stay(world, chat, time))]);
  // Awaited at the end.
  people.catch(() => time.over());
  const restarts = await passTime(world, { watch, time, minutes, progress });
  time.over();
  const [visited] = await people;
  await watch.end();
  const { samples } = watch;
  const tally = await world.ledger.tally();
  if (tally.bad.length > 0) await world.explain(tally.bad);
  return {
    minutes: watch.minutes,
    tally,
    visits: visited,
    restarts,
    unloaded: samples.filter(({ isCollected, loaded }) => isCollected && loaded === 0).length,
    trends: trendsOf(samples),
    grown: grownTables(samples),
    samples,
  };
}

interface Passing {
  readonly watch: Watch;
  readonly time: TalkingTime;
  readonly minutes: number;
  readonly progress: (line: string) => void;
}

/** Lets people talk and rest, and restarts the bridge under their talk, until the time is over. */
async function passTime(world: World, { watch, time, minutes, progress }: Passing): Promise<Restart[]> {
  const restarts: Restart[] = [];
  const lifeMinutes = Math.max(SHORTEST_LIFE_MINUTES, minutes / LIVES);
  while (watch.minutes < minutes && !time.isOver) {
    time.talk();
    await sleep(TALKING_MS);
    if (watch.minutes >= (restarts.length + 1) * lifeMinutes && watch.minutes < minutes) {
      const how = restarts.length % 2 === 0 ? "stop" : "kill";
      restarts.push({ minutes: watch.minutes, how });
      await world.deployment.stopBridge(how);
      await world.deployment.startBridge(COLLECTING);
      watch.restarted();
      await sleep(TALKING_MS);
    }
    time.rest();
    await sleep(RESTING_MS);
    await watch.lookAtKept();
    progress(
      `${watch.minutes.toFixed(1)} minutes, ${world.ledger.answered} of ${world.ledger.asked} answered, ${restarts.length} restarts`,
    );
  }
  return restarts;
}
