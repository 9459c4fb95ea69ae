import { setTimeout as sleep } from "node:timers/promises";
import { NeverHappened } from "../../support/eventually.ts";
import { ask, openChats, type Chat } from "../asking.ts";
import { median } from "../measuring/median.ts";
import { memoryOf } from "../measuring/memory.ts";
import { cpuOf, processes } from "../measuring/processes.ts";
import { bridgePeer } from "../peers/bridge.ts";
import { startJsSdkBots } from "../peers/js-sdk.ts";
import { startNioBots } from "../peers/nio.ts";
import type { Peer, PeerName } from "../peers/peer.ts";
import { startStage, type Stage } from "../stage.ts";

/** An encrypted answer of one program: medians over the rounds, each per answer. */
export interface PeerAnswers {
  /** The processor time of its own processes, in ms. */
  readonly cpuMs: number;
  /** The time of its database, in ms; 0 where it has no server for it. */
  readonly databaseMs: number;
  /** Synapse's time, in ms, without its work when nobody asks. */
  readonly synapseMs: number;
  /** The same for Synapse's database. */
  readonly synapseDatabaseMs: number;
  /** From the question to the answer that the person's client has decrypted, in ms. */
  readonly latencyMs: number;
  /** Answers per second, with as many open questions as agents. */
  readonly perSecond: number;
  /** The number of questions without an answer within a minute, over all rounds. */
  readonly unanswered: number;
  /** The share of the programs' time that is its own and its database's: the rest is Synapse's. */
  readonly share: number;
  /** The memory of its own processes at the end, in MiB, shared pages by their part. */
  readonly memoryMiB: number;
}

/** The programs side by side on one Synapse, each with this number of agents. */
export interface AnswersAtSize {
  readonly agents: number;
  /** The number of measured answers of each program. */
  readonly answers: number;
  readonly peers: Readonly<Partial<Record<PeerName, PeerAnswers>>>;
}

export interface EncryptedAnswerOptions {
  readonly agents: number;
  /** Whether the other programs are measured too. */
  readonly compare: boolean;
  readonly rounds: number;
  /** The number of questions to each agent in each round; all agents are asked at once. */
  readonly questions: number;
}

/** Each person has at most this many agents: the bridge lets nobody have more than 20 answers made at once. */
const AGENTS_OF_PERSON = 20;

/** After the last answer the programs still tidy up, which is part of the work. */
const TIDY_MS = 1_500;

const IDLE_MS = 4_000;

/** A question without an answer after this time counts as unanswered. */
const ANSWER_TIMEOUT_MS = 60_000;

/** Measures encrypted answers in direct chats, the programs taking turns. */
export async function encryptedAnswer(options: EncryptedAnswerOptions): Promise<AnswersAtSize> {
  const { agents, compare, rounds, questions } = options;
  const stage = await startStage({ agents });
  const bots: Peer[] = [];
  try {
    const { synapse } = stage.deployment;
    const peers = [bridgePeer(stage.deployment, stage.names, stage.postgres)];
    for (const start of compare ? [startNioBots, startJsSdkBots] : []) {
      const started = await start(synapse, agents, stage.model.url);
      bots.push(started);
      peers.push(started);
    }
    const chats = await chatsWith(stage, peers);
    // Keys are shared and caches filled.
    for (const of of chats.values()) for (let count = 0; count < 3; count++) await askAll(of);
    const idle = await idleOf(stage);
    const found = new Map<PeerName, Round[]>(peers.map(({ name }) => [name, []]));
    for (let count = 0; count < rounds; count++) {
      // Each round begins with another program.
      for (const peer of rotated(peers, count)) {
        found.get(peer.name)?.push(await round(stage, peer, chats.get(peer.name) ?? [], questions, idle));
      }
    }
    const all = await Promise.all(
      peers.map(async (peer) => {
        const { pss } = await memoryOf(peer.processes);
        const answers = { ...mediansOf(found.get(peer.name) ?? []), memoryMiB: pss };
        if (answers.unanswered > 0) console.error(`${peer.name} left questions unanswered:\n${peer.log()}`);
        return [peer.name, answers] as const;
      }),
    );
    const answers = rounds * questions * agents;
    return { agents, answers, peers: Object.fromEntries(all) };
  } finally {
    await Promise.all(bots.map((bot) => bot.stop()));
    await stage.stop();
  }
}

/** Direct chats with every agent of every program, the agents shared among as many people as needed. */
async function chatsWith(stage: Stage, peers: readonly Peer[]): Promise<ReadonlyMap<PeerName, readonly Chat[]>> {
  const people = Math.ceil(stage.names.length / AGENTS_OF_PERSON);
  const chats = new Map<PeerName, Chat[]>(peers.map(({ name }) => [name, []]));
  const openAll = async (index: number): Promise<void> => {
    const person = await stage.deployment.user("js-sdk", `person${index}`);
    for (const { name, agents } of peers) {
      const own = agents.slice(index * AGENTS_OF_PERSON, (index + 1) * AGENTS_OF_PERSON);
      chats.get(name)?.push(...(await openChats(person, own)));
    }
  };
  await Promise.all(Array.from({ length: people }, (_, index) => openAll(index)));
  return chats;
}

/** The processor time of everything so far, in ms. */
interface Times {
  readonly own: number;
  readonly database: number;
  readonly synapse: number;
  readonly synapseDatabase: number;
}

async function timesOf(stage: Stage, peer?: Peer): Promise<Times> {
  const all = await processes();
  const of = (pid: number | undefined): number => (pid === undefined ? 0 : cpuOf(all, [pid]));
  return {
    own: cpuOf(all, peer?.processes ?? []),
    database: of(peer?.database),
    synapse: of(stage.deployment.synapse.pid),
    synapseDatabase: of(stage.synapsePostgres.pid()),
  };
}

/** The homeserver's time per second when nobody asks, in ms: it serves all programs, whichever is asked. */
interface Idle {
  readonly synapse: number;
  readonly synapseDatabase: number;
}

async function idleOf(stage: Stage): Promise<Idle> {
  await sleep(TIDY_MS);
  const before = await timesOf(stage);
  await sleep(IDLE_MS);
  const after = await timesOf(stage);
  const rate = (of: keyof Idle): number => ((after[of] - before[of]) / IDLE_MS) * 1_000;
  return { synapse: rate("synapse"), synapseDatabase: rate("synapseDatabase") };
}

type Round = Omit<PeerAnswers, "memoryMiB">;

async function round(stage: Stage, peer: Peer, chats: readonly Chat[], questions: number, idle: Idle): Promise<Round> {
  await askAll(chats);
  await sleep(TIDY_MS);
  const before = await timesOf(stage, peer);
  const started = performance.now();
  const latencies: number[] = [];
  for (let count = 0; count < questions; count++) latencies.push(...(await askAll(chats)));
  const seconds = (performance.now() - started) / 1_000;
  await sleep(TIDY_MS);
  const after = await timesOf(stage, peer);
  const watched = (performance.now() - started) / 1_000;
  const answers = latencies.length;
  const taken = (of: keyof Times, idleRate = 0): number => (after[of] - before[of] - idleRate * watched) / answers;
  const times = {
    cpuMs: taken("own"),
    databaseMs: taken("database"),
    synapseMs: taken("synapse", idle.synapse),
    synapseDatabaseMs: taken("synapseDatabase", idle.synapseDatabase),
  };
  const ours = times.cpuMs + times.databaseMs;
  return {
    ...times,
    latencyMs: median(latencies),
    perSecond: answers / seconds,
    unanswered: questions * chats.length - answers,
    share: ours / (ours + times.synapseMs + times.synapseDatabaseMs),
  };
}

/** Asks in all chats at once; resolves with the times of the answers that came. */
async function askAll(chats: readonly Chat[]): Promise<number[]> {
  const all = await Promise.all(
    chats.map((chat) =>
      ask(chat, { timeoutMs: ANSWER_TIMEOUT_MS }).catch((error: unknown) => {
        if (error instanceof NeverHappened) return undefined;
        throw error;
      }),
    ),
  );
  return all.filter((ms) => ms !== undefined);
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

function mediansOf(rounds: readonly Round[]): Round {
  const middle = (of: keyof Round): number => median(rounds.map((round) => round[of]));
  return {
    cpuMs: middle("cpuMs"),
    databaseMs: middle("databaseMs"),
    synapseMs: middle("synapseMs"),
    synapseDatabaseMs: middle("synapseDatabaseMs"),
    latencyMs: middle("latencyMs"),
    perSecond: middle("perSecond"),
    unanswered: rounds.reduce((sum, { unanswered }) => sum + unanswered, 0),
    share: middle("share"),
  };
}
