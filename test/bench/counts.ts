import { setTimeout as sleep } from "node:timers/promises";
import { startPostgres } from "../support/postgres.ts";
import type { User } from "../support/user.ts";
import { startCounted, type Counted } from "./counted-deployment.ts";
import { openWriteAheadLog, type WriteAheadLog } from "./measuring/write-ahead-log.ts";

/** The work of one answer, counted on the wires. */
export interface Counts {
  /** Statements whose answers are awaited together count as one. */
  readonly roundTrips: number;
  readonly statements: number;
  /** Those that were started as such. */
  readonly transactions: number;
  /** Calls of the bridge to the homeserver. */
  readonly calls: number;
  /** The bytes of PostgreSQL's write-ahead log. */
  readonly wal: number;
}

/** The counts of each scenario, by its name. */
export type CountsByScenario = Readonly<Record<string, Counts>>;

/** After this time without a statement the bridge is at rest, in ms. */
const REST_MS = 1_500;

/** The work that the process does by itself, whether somebody asks or not. */
const HOUSEKEEPING = /\bprocesses\b|process_lives|renew or \(restore/;

/** The number of edits of the streamed answer, including its final form. */
export const STREAMED_EDITS = 4;

interface Scenario {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** The model's words, and the time between its tokens. */
  readonly answer: string;
  readonly tokenMs: number;
  readonly direct: boolean;
  /** The number of the answer's edits; an answer with another number, as on a busy machine, is not counted. */
  readonly edits: number;
}

const AT_ONCE = { answer: "yes", tokenMs: 0, edits: 0 };
const QUIET = { welcome: false, command_menus: false };
const WHOLE = { answers: { ...QUIET, stream: "off" } };

/**
 * Six seconds: the draft comes after 0.7, its edits 1, 1.3 and 1.7 after the one before, and the final form at the end.
 */
const STREAMED = { answer: "a b c d e f g h i j", tokenMs: 600, edits: STREAMED_EDITS };

/** The scenarios' names are the keys of counts.json. */
export const SCENARIOS = {
  direct: "an answer in a direct chat",
  group: "an answer in a group of three",
  streamed: `an answer in a direct chat, shown with ${STREAMED_EDITS} edits`,
} as const;

const ALL: readonly Scenario[] = [
  { name: SCENARIOS.direct, config: WHOLE, ...AT_ONCE, direct: true },
  { name: SCENARIOS.group, config: WHOLE, ...AT_ONCE, direct: false },
  { name: SCENARIOS.streamed, config: { answers: QUIET }, ...STREAMED, direct: true },
];

/**
 * Only the statements themselves write to the log: no checkpoint, after which pages are written whole, and no vacuum.
 */
const ONLY_STATEMENTS = { checkpoint_timeout: "1h", max_wal_size: "4GB", autovacuum: "off" };

/**
 * Counts the work of warm encrypted answers in each scenario, so many of each: the smallest counts are the answer's
 * own, without other work in between.
 */
export async function counts(answers: number): Promise<CountsByScenario> {
  const postgres = await startPostgres({ fsync: false, settings: ONLY_STATEMENTS });
  try {
    const wal = await openWriteAheadLog(postgres.adminUrl);
    try {
      const found: Record<string, Counts> = {};
      for (const scenario of ALL) found[scenario.name] = await inScenario(scenario, answers, postgres.adminUrl, wal);
      return found;
    } finally {
      await wal.close();
    }
  } finally {
    await postgres.stop();
  }
}

async function inScenario(
  scenario: Scenario,
  answers: number,
  postgresUrl: string,
  wal: WriteAheadLog,
): Promise<Counts> {
  const { name, config, answer, tokenMs, direct, edits } = scenario;
  const counted = await startCounted({ extraConfig: config, postgresUrl });
  try {
    counted.model.install("llama3.2", { answer: () => answer, tokenMs });
    const alice = await counted.deployment.user("js-sdk", "alice");
    const agent = counted.deployment.agent("llama");
    const others = direct ? [] : [(await counted.deployment.user("js-sdk", "bob")).userId];
    const roomId = await alice.createRoom({ direct, invite: [agent, ...others] });
    await alice.waitMember(roomId, agent);
    const question = (): Promise<void> => ask(alice, roomId, agent);
    await question();
    const all: (Counts & { readonly edits: number })[] = [];
    for (let count = 0; count < answers; count++) all.push(await countOne(counted, wal, question));
    const usual = all.filter((counts) => counts.edits === edits);
    if (usual.length === 0) throw new Error(`${name}: on this busy machine no answer had ${edits} edits`);
    return smallest(usual);
  } finally {
    await counted.stop();
  }
}

async function ask(person: User, roomId: string, agent: string): Promise<void> {
  const question = await person.sendText({ roomId, body: "how are you?", mentions: [agent] });
  await person.waitMessage({ roomId, sender: agent, after: question, timeoutMs: 120_000 });
}

async function countOne(
  counted: Counted,
  wal: WriteAheadLog,
  question: () => Promise<void>,
): Promise<Counts & { readonly edits: number }> {
  await atRest(counted);
  const { sql, calls } = counted;
  const before = { trips: sql.roundTrips.length, calls: calls.length, wal: await wal.written() };
  await question();
  await atRest(counted);
  const trips = sql.roundTrips
    .slice(before.trips)
    .filter(({ statements }) => !statements.some((text) => HOUSEKEEPING.test(text)));
  const statements = trips.flatMap((trip) => trip.statements);
  const made = calls.slice(before.calls);
  return {
    roundTrips: trips.length,
    statements: statements.length,
    transactions: statements.filter((text) => text === "begin").length,
    calls: made.length,
    wal: (await wal.written()) - before.wal,
    edits: made.filter(({ method, path }) => method === "PUT" && path.includes("/send/")).length - 1,
  };
}

/**
 * Resolves when no answer is in progress, and the bridge has asked neither its database nor the homeserver for a while,
 * except for housekeeping.
 */
async function atRest({ sql, calls, model }: Counted): Promise<void> {
  await model.chats().at(-1)?.ended;
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
    wal: least("wal"),
  };
}
