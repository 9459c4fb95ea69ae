import { setTimeout as sleep } from "node:timers/promises";
import { startHttpProxy } from "../../support/http-proxy.ts";
import type { User } from "../../support/user.ts";
import { ask } from "../asking.ts";
import { memoryOf, type Memory } from "../measuring/memory.ts";
import { cpuOf, processes } from "../measuring/processes.ts";
import { prepareStage, type Stage } from "../stage.ts";

/** The cost of starts of the bridge, with many agents. */
export interface Starts {
  readonly agents: number;
  /** The first start, which makes the agents with their devices and signed identities. */
  readonly first: Start;
  /** Entering an encrypted room, all of them at once, and the first answer there. */
  readonly entering: Work & { readonly agents: number };
  /** A start when all are there, and some of them are in an encrypted room. */
  readonly second: Start;
  /** The memory of the bridge, when all agents of that room are loaded. */
  readonly loaded: Memory & { readonly agents: number };
}

/** The requests to the homeserver. */
interface Work {
  readonly calls: number;
  /** Synapse's processor time, without its database, in ms. */
  readonly synapseMs: number;
  /** The greatest number of calls under way at once. */
  readonly mostAtOnce: number;
  /** Until the bridge is quiet, in ms. */
  readonly untilQuietMs: number;
}

interface Start extends Work {
  /** From the start of the process to the moment when it takes questions, in ms. */
  readonly readyMs: number;
}

export interface StartsOptions {
  readonly agents: number;
  /** The number of them in the room. */
  readonly inRoom: number;
}

/**
 * The bridge counts as quiet when no more requests than these came in this time: the slow search for lost invites makes two
 * a second for some minutes.
 */
const QUIET_MS = 3_000;
const MOST_WHEN_QUIET = 20;

/** A thousand agents take a quarter of an hour to be made, on a machine with other work. */
const START_TIMEOUT_MS = 1_800_000;

/** Two hundred agents that enter a room at once hear of each other first. */
const PATIENTLY = { mention: true, timeoutMs: 900_000 };

const LONG_POLL = /\/sync\?(.*&)?timeout=[1-9]/;

/** Calls of the bridge to the homeserver. */
interface Calls {
  count: number;
  running: number;
  mostAtOnce: number;
  /** When the last ones ended. */
  recent: number[];
  /** When the last one ended that was one of many. */
  lastAt: number;
}

/** Measures them. */
export async function starts({ agents, inRoom }: StartsOptions): Promise<Starts> {
  const calls: Calls = { count: 0, running: 0, mostAtOnce: 0, recent: [], lastAt: 0 };
  let port = 0;
  const toSynapse = await startHttpProxy(() => port);
  toSynapse.intercept = async (request) => {
    // The bot's /sync waits for half a minute, again and again.
    if (LONG_POLL.test(request.url)) return toSynapse.forward(request);
    calls.count++;
    calls.mostAtOnce = Math.max(calls.mostAtOnce, ++calls.running);
    try {
      return await toSynapse.forward(request);
    } finally {
      calls.running--;
      const now = performance.now();
      calls.recent = [...calls.recent.filter((at) => now - at < QUIET_MS), now];
      if (calls.recent.length > MOST_WHEN_QUIET) calls.lastAt = now;
    }
  };
  let stage: Stage | undefined;
  try {
    stage = await prepareStage({
      agents,
      through: (edge, url) => {
        if (edge !== "bridge to synapse") return Promise.resolve(url);
        port = Number(new URL(url).port);
        return Promise.resolve(toSynapse.url);
      },
    });
    return await measure(stage, calls, inRoom);
  } finally {
    await stage?.stop();
    await toSynapse.stop();
  }
}

async function measure(stage: Stage, calls: Calls, inRoom: number): Promise<Starts> {
  const { deployment, names } = stage;
  const first = await startOnce(stage, calls);
  const person = await deployment.user("js-sdk", "person");
  const entering = names.slice(0, inRoom).map((name) => deployment.agent(name));
  const work = await workOf(stage, calls, async () => enter(person, entering));
  const roomId = work.result;
  await deployment.stopBridge();
  const second = await startOnce(stage, calls);
  // All agents in the room hear the question, so all are loaded.
  await ask({ person, roomId, agent: entering[0] ?? "" }, PATIENTLY);
  await quiet(calls);
  return {
    agents: names.length,
    first,
    entering: { ...work.work, agents: entering.length },
    second,
    loaded: { ...(await memoryOf([deployment.bridge.pid])), agents: entering.length },
  };
}

/** A room with these agents; resolves with its id when all are there and one has answered. */
async function enter(person: User, agents: readonly string[]): Promise<string> {
  const roomId = await person.createRoom({ invite: agents });
  for (const agent of agents) await person.waitMember(roomId, agent, "join", 1_200_000);
  await ask({ person, roomId, agent: agents[0] ?? "" }, PATIENTLY);
  return roomId;
}

async function startOnce(stage: Stage, calls: Calls): Promise<Start> {
  const started = await workOf(stage, calls, async () => {
    const begun = performance.now();
    await stage.deployment.startBridge({}, START_TIMEOUT_MS);
    return performance.now() - begun;
  });
  return { ...started.work, readyMs: started.result };
}

/** Does something and waits until the bridge is quiet again. */
async function workOf<T>(
  { deployment }: Stage,
  calls: Calls,
  act: () => Promise<T>,
): Promise<{ readonly work: Work; readonly result: T }> {
  const synapseMs = async (): Promise<number> => cpuOf(await processes(), [deployment.synapse.pid ?? 0]);
  const before = { calls: calls.count, synapseMs: await synapseMs(), at: performance.now() };
  calls.mostAtOnce = 0;
  const result = await act();
  await quiet(calls);
  const work = {
    calls: calls.count - before.calls,
    synapseMs: (await synapseMs()) - before.synapseMs,
    mostAtOnce: calls.mostAtOnce,
    untilQuietMs: Math.max(0, calls.lastAt - before.at),
  };
  return { work, result };
}

async function quiet(calls: Calls): Promise<void> {
  const from = performance.now();
  const since = (): number => performance.now() - Math.max(calls.lastAt, from);
  // The watch keeps one request open.
  while (since() < QUIET_MS || calls.running > 1) await sleep(Math.max(100, QUIET_MS - since()));
}
