import { setTimeout as sleep } from "node:timers/promises";
import type { User } from "../support/user.ts";
import { startCounted, type Counted } from "./counted-deployment.ts";

/** The work that one answer makes, counted on the wires. */
export interface Counts {
  /** Statements whose answers are waited for together count as one. */
  readonly roundTrips: number;
  readonly statements: number;
  /** Those that were begun as such. */
  readonly transactions: number;
  /** Calls of the bridge to the homeserver. */
  readonly calls: number;
}

/** The counts of each scenario, by its name. */
export type CountsByScenario = Readonly<Record<string, Counts>>;

/** So many answers are counted; the smallest counts are the answer's own, without what came between. */
const ANSWERS = 6;

/** After so long without a statement the bridge is at rest, in ms. */
const REST_MS = 1_500;

/** What the process does by itself, whether somebody asks or not. */
const HOUSEKEEPING = /\bprocesses\b|process_lives|renew or \(restore/;

const SHORT = "yes";

interface Scenario {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** What the model says, and how quickly. */
  readonly answer: string;
  readonly tokenMs: number;
  readonly direct: boolean;
}

const WHOLE = { answers: { welcome: false, command_menus: false, stream: "off" } };

const SCENARIOS: readonly Scenario[] = [
  { name: "an answer in a direct chat", config: WHOLE, answer: SHORT, tokenMs: 0, direct: true },
  { name: "an answer in a group of three", config: WHOLE, answer: SHORT, tokenMs: 0, direct: false },
];

/** Counts the work of a warm encrypted answer in each scenario. */
export async function counts(): Promise<CountsByScenario> {
  const found: Record<string, Counts> = {};
  for (const scenario of SCENARIOS) found[scenario.name] = await inScenario(scenario);
  return found;
}

async function inScenario({ config, answer, tokenMs, direct }: Scenario): Promise<Counts> {
  const counted = await startCounted({ extraConfig: config });
  try {
    counted.model.install("llama3.2", { answer: () => answer, tokenMs });
    const alice = await counted.deployment.user("js-sdk", "alice");
    const agent = counted.deployment.agent("llama");
    const others = direct ? [] : [(await counted.deployment.user("js-sdk", "bob")).userId];
    const roomId = await alice.createRoom({ direct, invite: [agent, ...others] });
    await alice.waitMember(roomId, agent);
    await ask(alice, roomId, agent);
    const all: Counts[] = [];
    for (let count = 0; count < ANSWERS; count++) all.push(await countOne(counted, () => ask(alice, roomId, agent)));
    return smallest(all);
  } finally {
    await counted.stop();
  }
}

async function ask(person: User, roomId: string, agent: string): Promise<void> {
  const question = await person.sendText({ roomId, body: "how are you?", mentions: [agent] });
  await person.waitMessage({ roomId, sender: agent, after: question, timeoutMs: 120_000 });
}

async function countOne(counted: Counted, ask: () => Promise<void>): Promise<Counts> {
  await atRest(counted);
  const { sql, calls } = counted;
  const before = { trips: sql.roundTrips.length, calls: calls.length };
  await ask();
  await atRest(counted);
  const trips = sql.roundTrips
    .slice(before.trips)
    .filter(({ statements }) => !statements.some((text) => HOUSEKEEPING.test(text)));
  const statements = trips.flatMap((trip) => trip.statements);
  return {
    roundTrips: trips.length,
    statements: statements.length,
    transactions: statements.filter((text) => text === "begin").length,
    calls: calls.length - before.calls,
  };
}

/** Resolves when the bridge has asked neither its database nor the homeserver for a while, housekeeping aside. */
async function atRest({ sql, calls }: Counted): Promise<void> {
  const lastAsked = (): number => {
    const trip = sql.roundTrips.findLast(({ statements }) => !statements.some((text) => HOUSEKEEPING.test(text)));
    return Math.max(trip?.at ?? 0, calls.at(-1)?.at ?? 0);
  };
  for (let quiet = 0; quiet < REST_MS; quiet = performance.now() - lastAsked()) await sleep(REST_MS - quiet);
}

function smallest(all: readonly Counts[]): Counts {
  const least = (of: keyof Counts): number => Math.min(...all.map((counts) => counts[of]));
  return {
    roundTrips: least("roundTrips"),
    statements: least("statements"),
    transactions: least("transactions"),
    calls: least("calls"),
  };
}
