import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { preferredProcess } from "../../../src/leases/preference.ts";
import { startBridge, type RunningBridge } from "../../support/bridge.ts";
import { startHttpProxy } from "../../support/http-proxy.ts";
import { writeSecondConfig } from "../../support/second-bridge.ts";
import { ask, openChats, type Chat } from "../asking.ts";
import { median } from "../measuring/median.ts";
import { cpuOf, processes as allProcesses } from "../measuring/processes.ts";
import { startStage, type Stage } from "../stage.ts";

/** Several processes of the bridge on one PostgreSQL, behind one Synapse whose transactions go to them in turns. */
export interface SeveralProcesses {
  readonly agents: number;
  readonly sizes: readonly AnswersOfProcesses[];
  readonly takeover: Takeover;
}

/** Encrypted answers of all agents, asked at once; processor times are those of an answer. */
export interface AnswersOfProcesses {
  readonly processes: number;
  readonly perSecond: number;
  readonly latencyMs: number;
  /** Of all processes of the bridge together, in ms. */
  readonly cpuMs: number;
  /** The part of the busiest of them; 1 / processes when all have the same work. */
  readonly busiest: number;
  /** Of their PostgreSQL, in ms. */
  readonly databaseMs: number;
  /** Synapse's time without its database, in ms. */
  readonly synapseMs: number;
}

/** The time from a question to its answer when the owner of the agent ends with the question; medians, in ms. */
export interface Takeover {
  readonly rounds: number;
  /** The owner lives. */
  readonly usualMs: number;
  /** From its SIGKILL, at which the question is asked. */
  readonly afterKillMs: number;
}

export interface SeveralProcessesOptions {
  readonly agents: number;
  /** The numbers of processes, growing. */
  readonly sizes: readonly number[];
  /** The number of questions to each agent at each size. */
  readonly questions: number;
  readonly takeovers: number;
}

/** The bridge lets nobody have more than 20 answers made at once. */
const AGENTS_OF_PERSON = 10;
/** An agent moves with a heartbeat, when nobody needs it. */
const LOOK_AGAIN_MS = 2_000;
const MOST_LOOKS = 60;
/** After the last answer the programs still tidy up, which is part of the work. */
const TIDY_MS = 1_500;

/** A process of the bridge. */
interface Member {
  readonly port: number;
  readonly config: string;
  bridge: RunningBridge;
  /** Whether it gets a part of Synapse's transactions. */
  isRouted: boolean;
}

/** Measures them. */
export async function severalProcesses(options: SeveralProcessesOptions): Promise<SeveralProcesses> {
  const members: Member[] = [];
  let [turn, firstPort] = [0, 0];
  const toBridges = await startHttpProxy(() => {
    const routed = members.filter(({ isRouted }) => isRouted);
    return routed[turn++ % routed.length]?.port ?? firstPort;
  });
  let stage: Stage | undefined;
  try {
    stage = await startStage({
      agents: options.agents,
      through: (edge, url) => {
        if (edge !== "synapse to bridge") return Promise.resolve(url);
        firstPort = Number(new URL(url).port);
        return Promise.resolve(toBridges.url);
      },
    });
    const { files, bridge } = stage.deployment;
    members.push({ port: firstPort, config: files.config, bridge, isRouted: true });
    return await measure(stage, members, options);
  } finally {
    await Promise.all(members.map(({ bridge }) => bridge.stop()));
    await stage?.stop();
    await toBridges.stop();
  }
}

async function measure(stage: Stage, members: Member[], options: SeveralProcessesOptions): Promise<SeveralProcesses> {
  const chats = await chatsWith(stage);
  const sizes: AnswersOfProcesses[] = [];
  for (const size of options.sizes) {
    while (members.length < size) {
      const { config, port } = await writeSecondConfig(stage.deployment.files.config);
      members.push({ config, port, bridge: await startBridge({ config }), isRouted: true });
    }
    await share(stage, members.length, chats);
    sizes.push(await answersOf(stage, members, chats, options.questions));
  }
  return { agents: options.agents, sizes, takeover: await takeover(stage, members, chats, options.takeovers) };
}

async function chatsWith(stage: Stage): Promise<readonly Chat[]> {
  const agents = stage.names.map((name) => stage.deployment.agent(name));
  const people = Array.from({ length: Math.ceil(agents.length / AGENTS_OF_PERSON) }, (_, index) => index);
  const all = await Promise.all(
    people.map(async (index) => {
      const person = await stage.deployment.user("js-sdk", `person${index}`);
      return openChats(person, agents.slice(index * AGENTS_OF_PERSON, (index + 1) * AGENTS_OF_PERSON));
    }),
  );
  return all.flat();
}

/** Asks until every agent is in the process that it should be in, of so many. */
async function share({ deployment }: Stage, processes: number, chats: readonly Chat[]): Promise<void> {
  const client = new pg.Client({ connectionString: deployment.settings.database });
  await client.connect();
  try {
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      await askAll(chats);
      const { rows: live } = await client.query<{ number: number }>(
        "select number from processes where process_lives(number)",
      );
      const { rows: leases } = await client.query<{ ghost: string; owner: number | null }>(
        "select ghost, owner from leases where ghost = any($1)",
        [chats.map(({ agent }) => agent)],
      );
      const numbers = live.map(({ number }) => number);
      const isShared = leases.every(({ ghost, owner }) => owner === preferredProcess(ghost, numbers));
      if (isShared && numbers.length === processes) return;
      await sleep(LOOK_AGAIN_MS);
    }
    throw new Error(`the agents were not shared among ${processes} processes`);
  } finally {
    await client.end();
  }
}

async function answersOf(
  stage: Stage,
  members: readonly Member[],
  chats: readonly Chat[],
  questions: number,
): Promise<AnswersOfProcesses> {
  const times = async (): Promise<{ own: number[]; database: number; synapse: number }> => {
    const all = await allProcesses();
    const own = members.map(({ bridge }) => cpuOf(all, [bridge.pid]));
    const [database, synapse] = [stage.postgres.pid(), stage.deployment.synapse.pid ?? 0];
    return { own, database: cpuOf(all, [database]), synapse: cpuOf(all, [synapse]) };
  };
  const before = await times();
  const started = performance.now();
  const latencies: number[] = [];
  for (let count = 0; count < questions; count++) latencies.push(...(await askAll(chats)));
  const seconds = (performance.now() - started) / 1_000;
  await sleep(TIDY_MS);
  const after = await times();
  const answers = latencies.length;
  const own = after.own.map((ms, index) => ms - (before.own[index] ?? 0));
  const sum = own.reduce((total, ms) => total + ms, 0);
  return {
    processes: members.length,
    perSecond: answers / seconds,
    latencyMs: median(latencies),
    cpuMs: sum / answers,
    busiest: Math.max(...own) / sum,
    databaseMs: (after.database - before.database) / answers,
    synapseMs: (after.synapse - before.synapse) / answers,
  };
}

function askAll(chats: readonly Chat[]): Promise<number[]> {
  return Promise.all(chats.map((chat) => ask(chat)));
}

async function takeover(
  stage: Stage,
  members: readonly Member[],
  chats: readonly Chat[],
  rounds: number,
): Promise<Takeover> {
  const [usual, afterKill]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const chat = chats[round % chats.length];
    if (chat === undefined) throw new Error("there is no agent");
    usual.push(await ask(chat));
    const owner = ownerOf(chat.agent, members);
    // A load balancer leaves out a process that is gone; the time until it sees that is its own.
    owner.isRouted = false;
    const killed = performance.now();
    const gone = owner.bridge.kill();
    await ask(chat);
    afterKill.push(performance.now() - killed);
    await gone;
    owner.bridge = await startBridge({ config: owner.config });
    owner.isRouted = true;
    await share(stage, members.length, chats);
  }
  return { rounds, usualMs: median(usual), afterKillMs: median(afterKill) };
}

/** The process that ended the agent's latest turn. */
function ownerOf(agent: string, members: readonly Member[]): Member {
  const lastTurn = ({ bridge }: Member): string =>
    bridge.logs().findLast((line) => line.msg === "turn ended" && line["ghost"] === agent)?.time ?? "";
  const [owner] = members.toSorted((a, b) => lastTurn(b).localeCompare(lastTurn(a)));
  if (owner === undefined || lastTurn(owner) === "") throw new Error(`no process has answered as ${agent}`);
  return owner;
}
