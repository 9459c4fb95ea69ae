import { mean, slopeThrough } from "./line.ts";
import type { Sample } from "./sample.ts";

/** The line through a series of samples, and whether it counts as flat. */
export interface Trend {
  readonly what: string;
  readonly unit: string;
  readonly mean: number;
  /** The growth along the line over the measured time, or for each answer. */
  readonly growth: number;
  /** The greatest growth that counts as flat. */
  readonly bound: number;
  /** The reason for the bound. */
  readonly because: string;
  readonly isFlat: boolean;
}

/** A process fills its caches and its compiler works meanwhile: this part of each life is left out, and of the run. */
const WARM_UP = 1 / 3;

const MIB = 2 ** 20;

/**
 * Tables whose rows stay for a time after the work, by the table of docs/architecture.md: for 90 days, with a room, or by
 * `memory.retention`. They grow with answers and visits until the first rows are old enough, which no soak waits for.
 */
const KEPT = new Set([
  ...["accepted_invites", "acquaintances", "allowances", "audit_log", "closed_sessions", "command_menus", "consents"],
  ...["crypto_records", "dropped_summaries", "events", "exchanges", "feedback", "key_notices", "memberships"],
  ...["message_indexes", "messages", "provider_requests", "read_files", "room_members", "room_settings", "rooms"],
  ...["sealing_keys", "sends", "summaries", "trust_notices", "turn_events", "turns", "verifications"],
]);

/** All trends of a run. */
export function trendsOf(samples: readonly Sample[]): Trend[] {
  const lives = livesOf(samples);
  const warm = lives.flat();
  const collected = lives.map((life) => life.filter((sample) => sample.isCollected));
  const memory = mean(collected.flat().map(memoryOf));
  return [
    trend("memory after a full collection, within a process's life", "MiB", {
      ...{ mean: memory, growth: growthOf(collected, memoryOf), bound: 0.1 * memory },
      because: "compiled code, and pages that are free only in part, swing by some percent",
    }),
    trend("memory after a full collection, from life to life", "MiB", {
      ...{ mean: memory, growth: growthOf([collected.flat()], memoryOf), bound: 0.1 * memory },
      because: "the same",
    }),
    trend("lag of the event loop, 99th percentile", "ms", {
      ...lineOf(warm, (sample) => sample.lag),
      bound: 50,
      because: "other programs on the machine delay it by tens of milliseconds",
    }),
    trend("connections to the database", "", {
      ...lineOf(warm, (sample) => sample.connections),
      bound: 2,
      because: "the pool opens up to ten as work comes, and closes idle ones",
    }),
    trend("open files and sockets", "", {
      ...lineOf(warm, (sample) => sample.files),
      bound: 8,
      because: "connections to the homeserver, to the database and to models come and go with the traffic",
    }),
    trend("tables without kept rows", "MiB", {
      ...lineOf(warm, (sample) => sizeOf(sample, (name) => !KEPT.has(name)) / MIB),
      bound: 0.5,
      because: "dead rows wait for the next vacuum, and a table grows by pages",
    }),
    keptTrend(warm),
  ];
}

/** The growth of each table that grew over the run, in bytes. */
export function grownTables(samples: readonly Sample[]): Readonly<Record<string, number>> {
  const [before, after] = [samples[0]?.tables ?? {}, samples.at(-1)?.tables ?? {}];
  const growths = Object.entries(after).map(([name, bytes]) => [name, bytes - (before[name] ?? 0)] as const);
  return Object.fromEntries(growths.filter(([, growth]) => growth > 0));
}

/** Kept rows are held to a size for each answer. */
function keptTrend(warm: readonly Sample[]): Trend {
  const kept = (sample: Sample): number => sizeOf(sample, (name) => KEPT.has(name)) / 1_024;
  const growth = slopeThrough([warm.map((sample) => ({ x: sample.answered, y: kept(sample) }))]);
  return trend("tables with kept rows, for each answer", "KiB", {
    ...{ mean: mean(warm.map(kept)), growth, bound: 10 },
    because:
      "an answer leaves about 5 KiB, and every eighteenth or so comes with a visit, which leaves a room and keys",
  });
}

function trend(what: string, unit: string, line: Pick<Trend, "mean" | "growth" | "bound" | "because">): Trend {
  const { mean: average, growth, bound, because } = line;
  return { what, unit, mean: average, growth, bound, because, isFlat: growth <= bound };
}

type Value = (sample: Sample) => number;

const memoryOf: Value = (sample) => sample.memory;

/** The mean, and the growth over the whole run. */
function lineOf(samples: readonly Sample[], of: Value): Pick<Trend, "mean" | "growth"> {
  return { mean: mean(samples.map(of)), growth: growthOf([samples], of) };
}

/** The growth over the length of a group. */
function growthOf(groups: readonly (readonly Sample[])[], of: Value): number {
  const slope = slopeThrough(groups.map((group) => group.map((sample) => ({ x: sample.minutes, y: of(sample) }))));
  return slope * Math.max(0, ...groups.map(lengthOf));
}

/** The samples of each of the bridge's processes, without its warm-up. */
function livesOf(samples: readonly Sample[]): Sample[][] {
  return [...Map.groupBy(samples, ({ life }) => life).values()]
    .map((life) => life.filter(({ ageSeconds }) => ageSeconds >= WARM_UP * (life.at(-1)?.ageSeconds ?? 0)))
    .filter((life) => life.length > 2);
}

function lengthOf(samples: readonly Sample[]): number {
  return (samples.at(-1)?.minutes ?? 0) - (samples[0]?.minutes ?? 0);
}

function sizeOf(sample: Sample, isMeant: (table: string) => boolean): number {
  return Object.entries(sample.tables).reduce((sum, [name, bytes]) => sum + (isMeant(name) ? bytes : 0), 0);
}
