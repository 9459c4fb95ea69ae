import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Step } from "../../src/observability/steps.ts";
import { askingServer, countingServer } from "../support/calling-chat.ts";
import { eventually, NeverHappened } from "../support/eventually.ts";
import { MOST_WAITING } from "../../src/turns/step-loop.ts";
import type { OllamaCall, OllamaMessage } from "../support/ollama-server.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import type { Chat, Tally } from "./ledger.ts";
import type { Scenario } from "./scenario.ts";
import { preload, World } from "./world.ts";

/**
 * The kinds of calls, and the tool that the model uses for each: one that may be repeated, one that changes something, one
 * that changes something once people have agreed, and one whose server asks the person something first.
 */
const TOOLS = { look: "free__look", count: "free__count", agree: "asking__count", tell: "travel__book" } as const;
const KINDS = Object.keys(TOOLS) as readonly (keyof typeof TOOLS)[];

/** The kinds in which people are asked something. */
const ASKING: ReadonlySet<keyof typeof TOOLS> = new Set(["agree", "tell"]);

/** The steps at which the bridge is killed, with the kind of call that gets there. */
const CRASHES: readonly (readonly [Step, keyof typeof TOOLS])[] = [
  ["step.proposed", "count"],
  ["step.proposed", "agree"],
  ["step.asked", "agree"],
  ["step.waiting", "agree"],
  ["turn.waiting", "agree"],
  ["step.begun", "look"],
  ["step.begun", "count"],
  ["step.begun", "agree"],
  ["step.called", "look"],
  ["step.called", "count"],
  ["step.called", "agree"],
  ["step.ended", "count"],
  ["step.called", "tell"],
  ["step.asking_back", "tell"],
  ["step.asked", "tell"],
  ["step.waiting", "tell"],
  ["turn.waiting", "tell"],
  ["step.ended", "tell"],
  ["turn.made", "count"],
];

const SETTLE_MS = 120_000;
const CODE = /!(?:approve|answer) ([A-Z]{4})/;
const UNKNOWN = "nobody knows whether it was done";

/** A question, and the one call that the model makes for it. */
interface Errand {
  readonly chat: Chat;
  readonly kind: keyof typeof TOOLS;
  /** In the question, the call's arguments and the answer. */
  readonly token: string;
  readonly eventId: string;
}

/** Questions that make the model call tools, people who answer the agent's questions, and a server that counts the calls. */
class Errands {
  readonly #world: World;
  /** The tool server's list of calls: one line each. */
  readonly #file: string;
  readonly #errands: Errand[] = [];
  /** The codes that people have answered, by room and code, with the answers' events. */
  readonly #decided = new Map<string, string>();
  /** The errands that did not end in time. */
  readonly #givenUp = new Set<Errand>();
  #isOver = false;
  readonly #people: Promise<void>;

  private constructor(world: World, file: string) {
    this.#world = world;
    this.#file = file;
    this.#people = this.#decide();
  }

  static async start(database: "postgres" | "embedded"): Promise<Errands> {
    const file = join(await temporaryDirectory("errands"), "calls");
    await writeFile(file, "");
    const server = countingServer(file);
    const tools = {
      free: { ...server, tools: { "*": "never" } },
      asking: { ...server, tools: { "*": "ask" } },
      travel: { ...askingServer(file), tools: { "*": "never" } },
    };
    const world = await World.start({ database, extraConfig: { memory: { summaries: false }, tools } });
    world.ollama.install("llama3.2", { tokenMs: 5, calls: callsFor, answer: answerTo });
    return new Errands(world, file);
  }

  get world(): World {
    return this.#world;
  }

  /** Each person asks for a call. */
  async askAll(kinds: readonly (keyof typeof TOOLS)[] = KINDS): Promise<void> {
    for (const chat of this.#world.chats) {
      for (const kind of kinds) {
        if (ASKING.has(kind)) await this.#until(() => this.#waitingIn(chat) < MOST_WAITING);
        const token = `T${this.#errands.length}E`;
        const eventId = await patiently(() =>
          chat.person.sendText({ roomId: chat.roomId, body: `Do ${kind} for ${token}.` }),
        );
        this.#errands.push({ chat, kind, token, eventId });
      }
    }
  }

  /** Waits until each question has its answer. */
  async settle(): Promise<void> {
    await this.#until(() => this.#open().length === 0);
  }

  /** The errands of a chat that people may still be asked about. An agent refuses calls when too many wait for people. */
  #waitingIn(chat: Chat): number {
    return this.#open().filter((errand) => errand.chat === chat && ASKING.has(errand.kind)).length;
  }

  #open(): readonly Errand[] {
    return this.#errands.filter((errand) => !this.#givenUp.has(errand) && answersTo(errand).length === 0);
  }

  async #until(isSo: () => boolean): Promise<void> {
    await eventually("errands to end", isSo, { timeoutMs: SETTLE_MS, intervalMs: 200 }).catch((error: unknown) => {
      // They count as lost.
      if (!(error instanceof NeverHappened)) throw error;
      for (const errand of this.#open()) this.#givenUp.add(errand);
    });
  }

  /** The programs of the tool servers. */
  async servers(): Promise<readonly number[]> {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
    const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
    return pids.filter((_, index) => lines[index]?.includes(`\0${this.#file}`));
  }

  /** Waits for the answers, counts them and the calls, and ends all of it. */
  async tally(): Promise<Tally> {
    await this.settle();
    // A second answer, or a second call, would come by now.
    await this.askAll(["look"]);
    await this.settle();
    const calls = (await readFile(this.#file, "utf8")).split("\n").filter((line) => line !== "");
    const results = this.#errands.map((errand) => {
      const made = calls.filter((line) => line.includes(`"${errand.token}"`));
      return { errand, answers: answersTo(errand).length, ...verdictOf(errand, made) };
    });
    const messages = this.#world.chats.flatMap(({ person, agent, roomId }) =>
      person.messages(roomId).filter(({ sender }) => sender === agent),
    );
    const bad = results.filter(({ answers, isLost, isTwice }) => answers !== 1 || isLost || isTwice);
    if (bad.length > 0) await this.#world.explain(bad.map(({ errand }) => errand.eventId));
    for (const { errand, isLost, isTwice } of bad) {
      const questions = questionsAbout(errand);
      const decided = questions.map((body) => this.#decided.get(`${errand.chat.roomId} ${CODE.exec(body)?.[1] ?? ""}`));
      console.log("  ", errand.kind, { isLost, isTwice }, questions, decided, answersTo(errand));
      for (const word of decided)
        if (word !== undefined)
          console.log(
            JSON.stringify(
              await errand.chat.person.request(
                "GET",
                `/v3/rooms/${errand.chat.roomId}/context/${word.split(" ")[0] ?? ""}?limit=4`,
              ),
            ),
          );
      await this.#world.explain(decided.flatMap((word) => word?.split(" ")[0] ?? []));
    }
    return {
      asked: results.length,
      once: results.length - bad.length,
      lost: results.filter(({ answers, isLost }) => answers === 0 || isLost).length,
      twice: results.filter(({ answers, isTwice }) => answers > 1 || isTwice).length,
      undecryptable: messages.filter(({ decryptionError }) => decryptionError !== undefined).length,
      notices: 0,
      said: [],
      bad: bad.map(({ errand }) => errand.eventId),
    };
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#people;
    await this.#world.stop();
  }

  /**
   * People agree to each call, and to none of which nobody knows whether it was made: it must not be made twice. What a tool asks
   * them, they answer.
   */
  async #decide(): Promise<void> {
    while (!this.#isOver) {
      for (const { person, agent, roomId } of this.#world.chats) {
        for (const { sender, body } of person.messages(roomId)) {
          const code = sender === agent ? CODE.exec(body)?.[1] : undefined;
          if (code === undefined || this.#decided.has(`${roomId} ${code}`)) continue;
          this.#decided.set(`${roomId} ${code}`, "");
          const isAsked = body.includes(`!answer ${code}`);
          const word = body.includes(UNKNOWN)
            ? `!refuse ${code}`
            : isAsked
              ? `!answer ${code} Berlin`
              : `!approve ${code}`;
          const eventId = await patiently(() => person.sendText({ roomId, body: word }));
          this.#decided.set(`${roomId} ${code}`, `${eventId} ${word}`);
        }
      }
      await sleep(100);
    }
  }
}

/** Whether an errand's calls are too few or too many. */
function verdictOf(errand: Errand, lines: readonly string[]): { readonly isLost: boolean; readonly isTwice: boolean } {
  if (errand.kind === "look") return { isLost: lines.length === 0, isTwice: false };
  const isUnknown = questionsAbout(errand).some((body) => body.includes(UNKNOWN));
  // A call whose tool asks the person is made once without the answer, and once with it.
  const answered = lines.filter((line) => line.includes('"accept"')).length;
  const made = errand.kind === "tell" ? answered : lines.length;
  const isTwice = made > 1 || lines.length - answered > 1;
  return { isLost: made === 0 && !isUnknown, isTwice };
}

function answersTo({ chat, token }: Errand): readonly string[] {
  return wordsOfAgent(chat).filter((body) => body.includes(`Finished ${token}`));
}

function questionsAbout({ chat, token }: Errand): readonly string[] {
  return wordsOfAgent(chat).filter((body) => body.includes(`"${token}"`) && CODE.test(body));
}

function wordsOfAgent({ person, agent, roomId }: Chat): readonly string[] {
  return person.messages(roomId).flatMap(({ sender, redacted, body }) => (sender === agent && !redacted ? [body] : []));
}

/**
 * The errand of the last question. Questions that came in a row stand in one message, and the one to be answered is the
 * last.
 */
function errandIn(text: string): { readonly kind: keyof typeof TOOLS | undefined; readonly token: string } {
  const [, kind, token = "nothing"] = [...text.matchAll(/Do (\w+) for (T\d+E)/g)].at(-1) ?? [];
  return { kind: KINDS.find((one) => one === kind), token };
}

/** The model calls the tool that its question names, and speaks when it has its result. */
function callsFor(messages: readonly OllamaMessage[]): readonly OllamaCall[] {
  const last = messages.at(-1);
  const { kind, token } = errandIn(last?.content ?? "");
  return last?.role !== "user" || kind === undefined ? [] : [{ name: TOOLS[kind], arguments: { n: token } }];
}

function answerTo(messages: readonly OllamaMessage[]): string {
  if (callsFor(messages).length > 0) return "";
  const { token } = errandIn(messages.findLast(({ role }) => role === "user")?.content ?? "");
  return `Finished ${token}. ${messages.findLast(({ role }) => role === "tool")?.content ?? ""}`;
}

/** Asks the homeserver again while it is away. */
async function patiently(ask: () => Promise<string>): Promise<string> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!/fail|fetch|connect|timed? ?out|502|503|504/i.test(String(error))) throw error;
      await sleep(300);
    }
  }
}

async function inErrands(
  database: "postgres" | "embedded",
  scenario: (errands: Errands) => Promise<void>,
): Promise<Tally> {
  const errands = await Errands.start(database);
  try {
    await scenario(errands);
    return await errands.tally();
  } finally {
    await errands.stop();
  }
}

async function crashAt(errands: Errands, step: Step, kind: keyof typeof TOOLS): Promise<void> {
  const { deployment } = errands.world;
  await deployment.stopBridge();
  const dying = await deployment.startBridge(preload("crash-at-step.mjs", { CRASH_AT: `${step}:1` }));
  await errands.askAll([kind]);
  const exit = await Promise.race([dying.exited, sleep(60_000, undefined, { ref: false })]);
  if (exit?.signal !== "SIGKILL") throw new Error(`${step} was not reached by ${kind}`);
  await deployment.startBridge();
  await errands.settle();
}

/** Calls of tools under kills: each is made as often as it may be, and each question is answered once. */
export const tools: readonly Scenario[] = [
  ...(["postgres", "embedded"] as const).flatMap((database): readonly Scenario[] => [
    {
      name: `tools: SIGKILL at each step of a call (${database})`,
      run: ({ progress }) =>
        inErrands(database, async (errands) => {
          for (const [step, kind] of CRASHES) {
            progress(`${step}, ${kind}`);
            await crashAt(errands, step, kind);
          }
        }),
    },
    {
      name: `tools: SIGKILL at random while calls are made (${database})`,
      run: ({ kills, random, progress }) =>
        inErrands(database, async (errands) => {
          const rounds = Math.ceil(kills / (database === "postgres" ? 4 : 10));
          for (let kill = 1; kill <= rounds; kill++) {
            await errands.askAll();
            await sleep(random() * 2_500);
            await errands.world.deployment.stopBridge("kill");
            await errands.world.deployment.startBridge();
            if (kill % 5 !== 0) continue;
            progress(`${kill} kills`);
            await errands.settle();
          }
        }),
    },
  ]),
  {
    name: "tools: their servers killed at random",
    run: ({ kills, random }) =>
      inErrands("postgres", async (errands) => {
        for (let kill = 1; kill <= Math.ceil(kills / 4); kill++) {
          await errands.askAll();
          await sleep(random() * 1_500);
          for (const pid of await errands.servers()) killed(pid);
          if (kill % 5 === 0) await errands.settle();
        }
      }),
  },
  {
    name: "tools: PostgreSQL cut off again and again while calls are made",
    run: ({ kills, random }) =>
      inErrands("postgres", async (errands) => {
        for (let cut = 1; cut <= Math.ceil(kills / 4); cut++) {
          await errands.askAll();
          await sleep(random() * 1_500);
          errands.world.database?.setMode("refuse");
          await sleep(random() * 2_000);
          errands.world.database?.setMode("pass");
          if (cut % 5 === 0) await errands.settle();
        }
      }),
  },
];

function killed(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
