import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../support/eventually.ts";
import { startHttpProxy } from "../../support/http-proxy.ts";
import { startSqlWire, type SqlWire } from "../../support/sql-wire.ts";
import { ask, openChats, type Chat } from "../asking.ts";
import { median } from "../measuring/median.ts";
import { startStage, type Stage } from "../stage.ts";

/** The slowdown of an encrypted answer by slow surroundings of the bridge; medians, in ms. */
export interface Delays {
  readonly quickMs: number;
  /** With PostgreSQL answering each round trip later by this. */
  readonly database: Delay;
  /** With Synapse taking longer for each call by this. */
  readonly synapse: Delay;
  /** From the model's last token to the answer, by the number of tokens per second. */
  readonly models: readonly ModelDelay[];
}

/** The delay of an answer when something is slower. */
export interface Delay {
  readonly addedMs: number;
  readonly latencyMs: number;
  /** The growth divided by the added delay: the number of round trips that are awaited one after the other. */
  readonly trips: number;
}

/** An answer of a slow or a fast model. */
export interface ModelDelay {
  readonly tokens: number;
  readonly tokensPerSecond: number;
  /** The answer's time besides the model's own. */
  readonly besideMs: number;
}

const DATABASE_MS = 20;
const SYNAPSE_MS = 200;

interface Slowness {
  synapseMs: number;
  sql: SqlWire | undefined;
}

/** Measures them in a direct chat. */
export async function delays(questions: number): Promise<Delays> {
  const slowness: Slowness = { synapseMs: 0, sql: undefined };
  let port = 0;
  const toSynapse = await startHttpProxy(() => port);
  toSynapse.intercept = async (request) => {
    if (slowness.synapseMs > 0) await sleep(slowness.synapseMs);
    return toSynapse.forward(request);
  };
  let stage: Stage | undefined;
  try {
    stage = await startStage({
      agents: 1,
      through: async (edge, address) => {
        const url = new URL(address);
        if (edge === "bridge to synapse") {
          port = Number(url.port);
          return toSynapse.url;
        }
        if (edge === "bridge to database") {
          slowness.sql = await startSqlWire(Number(url.port));
          url.port = String(slowness.sql.port);
        }
        return url.href;
      },
    });
    return await measure(stage, questions, slowness);
  } finally {
    await stage?.stop();
    await Promise.all([slowness.sql?.stop(), toSynapse.stop()]);
  }
}

async function measure(stage: Stage, questions: number, slowness: Slowness): Promise<Delays> {
  const { sql } = slowness;
  if (sql === undefined) throw new Error("the bridge does not use PostgreSQL");
  const person = await stage.deployment.user("js-sdk", "person");
  const [chat] = await openChats(
    person,
    stage.names.map((name) => stage.deployment.agent(name)),
  );
  if (chat === undefined) throw new Error("there is no agent");
  for (let count = 0; count < 3; count++) await ask(chat);
  const quickMs = await latencyOf(chat, questions);
  const delay = (addedMs: number, latencyMs: number): Delay => {
    return { addedMs, latencyMs, trips: (latencyMs - quickMs) / addedMs };
  };
  sql.delayMs = DATABASE_MS;
  const database = delay(DATABASE_MS, await latencyOf(chat, questions));
  sql.delayMs = 0;
  slowness.synapseMs = SYNAPSE_MS;
  const synapse = delay(SYNAPSE_MS, await latencyOf(chat, questions));
  slowness.synapseMs = 0;
  const models = [
    await modelDelay(stage, chat, { words: 1, tokenMs: 1_000 }),
    await modelDelay(stage, chat, { words: 5_000, tokenMs: 0 }),
  ];
  return { quickMs, database, synapse, models };
}

async function latencyOf(chat: Chat, questions: number): Promise<number> {
  const all: number[] = [];
  for (let count = 0; count < questions; count++) all.push(await ask(chat));
  return median(all);
}

interface ModelSpeed {
  /** Words before the echo. */
  readonly words: number;
  /** The time between tokens; 0 is as fast as the wire. */
  readonly tokenMs: number;
}

async function modelDelay({ model }: Stage, chat: Chat, { words, tokenMs }: ModelSpeed): Promise<ModelDelay> {
  let askedAt = 0;
  model.install("llama3.2", {
    ...(tokenMs > 0 ? { tokenMs } : {}),
    answer: (messages) => {
      askedAt = performance.now();
      // The echo comes last, so that no draft has it. A model that repeats one word is stopped.
      const counting = Array.from({ length: words }, (_, index) => `${index} `).join("");
      return `${counting}${messages.at(-1)?.content ?? ""}`;
    },
  });
  const before = model.chats().length;
  const ended = async (): Promise<{ readonly tokens: number; readonly modelMs: number }> => {
    const request = await eventually("the model to be asked", () => model.chats()[before], { timeoutMs: 60_000 });
    await request.ended;
    return { tokens: request.tokensSent, modelMs: performance.now() - askedAt };
  };
  const [latencyMs, { tokens, modelMs }] = await Promise.all([ask(chat), ended()]);
  return { tokens, tokensPerSecond: (tokens / modelMs) * 1_000, besideMs: latencyMs - modelMs };
}
