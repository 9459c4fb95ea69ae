import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { answeredEvent } from "../../src/matrix/relation.ts";
import { startDeployment, type Deployment, type DeploymentOptions } from "../support/deployment.ts";
import { startHttpProxy, type HttpProxy, type PassingAnswer, type PassingRequest } from "../support/http-proxy.ts";
import { requestAs } from "../support/matrix-request.ts";
import { inCheckout } from "../support/paths.ts";
import type { User } from "../support/user.ts";

/** The most that a flood may do. */
export interface Bounds {
  /** The longest time for which the bridge's event loop may be blocked, in ms of the processor. */
  readonly pauseMs: number;
  /** The largest growth of the bridge's memory during the flood, in MiB. */
  readonly grownMiB: number;
  /** The number of rows that the flood may leave in each table; in tables that are not named, {@link FEW_ROWS}. */
  readonly rows?: Readonly<Record<string, number>>;
  /** The number of lines that it may leave in the log, from level `info` on. */
  readonly lines: number;
  /** The longest wait of uninvolved people for an answer of another agent, in ms. */
  readonly waitMs: number;
}

/** The rows that the conversation of uninvolved people leaves by itself, in any table. */
const FEW_ROWS = 400;

const INFO = 30;

const RSS_EVERY_MS = 100;

type Intercept = (request: PassingRequest, forward: () => Promise<PassingAnswer>) => Promise<PassingAnswer>;

/** A person without a client: their requests are sent directly. */
export interface Flooder {
  readonly userId: string;
  readonly deviceId: string;
  readonly accessToken: string;
  readonly request: ReturnType<typeof requestAs>;
}

/**
 * A homeserver and a bridge with two agents: `demo`, which is flooded, and `other`, with which Alice talks meanwhile.
 * The bridge's requests to the homeserver go through a proxy.
 */
export class FloodWorld {
  readonly deployment: Deployment;
  readonly alice: User;
  readonly demo: string;
  readonly other: string;
  /** The proxy's treatment of requests from the bridge to the homeserver during the flood. */
  intercept: Intercept = (_request, forward) => forward();
  readonly #proxy: HttpProxy;
  readonly #file: string;
  #withOther = "";
  #withDemo = "";

  private constructor(deployment: Deployment, proxy: HttpProxy, alice: User) {
    this.deployment = deployment;
    this.#proxy = proxy;
    this.alice = alice;
    this.demo = deployment.agent("demo");
    this.other = deployment.agent("other");
    this.#file = join(deployment.synapseDirectory, "event-loop.json");
    proxy.intercept = (request) => this.intercept(request, () => proxy.forward(request));
  }

  static async start(options: Pick<DeploymentOptions, "extraConfig" | "synapse"> = {}): Promise<FloodWorld> {
    let port = 0;
    const proxy = await startHttpProxy(() => port);
    const deployment = await startDeployment({
      agents: {
        demo: { provider: "demo", display_name: "Demo" },
        other: { provider: "demo", display_name: "Other" },
      },
      through: (edge, url) => {
        if (edge !== "bridge to synapse") return Promise.resolve(url);
        port = Number(new URL(url).port);
        return Promise.resolve(proxy.url);
      },
      ...options,
    });
    const world = new FloodWorld(deployment, proxy, await deployment.user("js-sdk", "alice"));
    world.#withOther = await world.#talkWith(world.other);
    world.#withDemo = await world.#talkWith(world.demo);
    // Started again, so that the measurement begins here.
    await deployment.stopBridge();
    await deployment.startBridge({
      NODE_OPTIONS: `--import=${inCheckout("test/support/event-loop.mjs")}`,
      EVENT_LOOP_FILE: world.#file,
    });
    await world.ask(world.other);
    await world.ask(world.demo);
    return world;
  }

  async #talkWith(agent: string): Promise<string> {
    const roomId = await this.alice.createRoom({ direct: true, invite: [agent] });
    await this.alice.waitMember(roomId, agent);
    return roomId;
  }

  /** A person with a session of their own, and no client. */
  async flooder(localpart: string): Promise<Flooder> {
    const { synapse } = this.deployment;
    await synapse.registerUser(localpart, "a password");
    return this.login(`@${localpart}:${synapse.serverName}`);
  }

  /** Another session of a person. */
  async login(userId: string): Promise<Flooder> {
    const { url } = this.deployment.synapse;
    const { access_token, device_id } = await requestAs(url, "")<{ access_token: string; device_id: string }>(
      "POST",
      "/v3/login",
      { type: "m.login.password", identifier: { type: "m.id.user", user: userId }, password: "a password" },
    );
    return { userId, deviceId: device_id, accessToken: access_token, request: requestAs(url, access_token) };
  }

  /** The key (Curve25519) of an agent's device. */
  async identityKey(agent: string): Promise<string> {
    const { device_keys: devices } = await this.alice.request<{
      device_keys: Record<string, Record<string, { keys: Record<string, string> }>>;
    }>("POST", "/v3/keys/query", { device_keys: { [agent]: [] } });
    const [key = ""] = Object.entries(devices[agent] ?? {}).map(([id, { keys }]) => keys[`curve25519:${id}`]);
    return key;
  }

  /** Alice asks an agent; resolves with the time of the answer, in ms. */
  ask(agent: string, timeoutMs?: number): Promise<number> {
    return this.askIn(agent === this.demo ? this.#withDemo : this.#withOther, agent, timeoutMs);
  }

  /** The same in some room of hers. */
  async askIn(roomId: string, agent: string, timeoutMs = 120_000): Promise<number> {
    await this.alice.waitMember(roomId, agent, "join", timeoutMs);
    const started = performance.now();
    const question = await this.alice.sendText({
      roomId,
      body: `question ${crypto.randomUUID()}`,
      mentions: [agent],
    });
    await this.alice.waitMessage({
      roomId,
      sender: agent,
      after: question,
      timeoutMs,
      where: ({ content }) => answeredEvent(content) === question,
    });
    return performance.now() - started;
  }

  /**
   * Makes a flood, while Alice talks with the other agent and finally with the flooded one; checks the limits, and
   * prints the results. Ends the bridge.
   */
  async flood(what: string, make: () => Promise<number>, bounds: Bounds): Promise<void> {
    const { bridge } = this.deployment;
    const rowsBefore = await this.rows();
    const linesBefore = this.#lines();
    const rssBefore = await rssMiB(bridge.pid);
    let rss = rssBefore;
    const sampling = setInterval(() => {
      rssMiB(bridge.pid).then(
        (now) => (rss = Math.max(rss, now)),
        () => undefined,
      );
    }, RSS_EVERY_MS);
    process.kill(bridge.pid, "SIGUSR2");
    const started = performance.now();
    const state = { isOver: false };
    const waits: number[] = [];
    const talking = (async () => {
      do waits.push(await this.ask(this.other));
      while (!state.isOver);
    })();
    let count: number;
    let lastWait: number;
    try {
      count = await make();
      lastWait = await this.ask(this.demo, 300_000);
    } finally {
      state.isOver = true;
      await talking;
      clearInterval(sampling);
    }
    const seconds = (performance.now() - started) / 1_000;
    const rowsAfter = await this.rows();
    const lines = this.#lines() - linesBefore;
    this.#assertAnsweredOnce();
    await this.deployment.stopBridge();
    const pauses = JSON.parse(await readFile(this.#file, "utf8")) as Record<"byClock" | "byProcessor", number>;

    const left = [...rowsAfter].map(([table, rows]) => [table, rows - (rowsBefore.get(table) ?? 0)] as const);
    const grown = left.filter(([, rows]) => rows > 20).map(([table, rows]) => `${table} ${rows}`);
    console.log(
      `${what}: ${count} in ${seconds.toFixed(1)} s (${(count / seconds).toFixed()}/s); longest pause ${pauses.byProcessor.toFixed()} ms of the processor, ${pauses.byClock.toFixed()} by the clock; memory ${rssBefore.toFixed()} → ${rss.toFixed()} MiB; ${waits.length} answers of the other agent, the slowest after ${Math.max(...waits).toFixed()} ms; the flooded one's after ${lastWait.toFixed()} ms; ${lines} lines; rows: ${grown.join(", ")}`,
    );
    assert.ok(pauses.byProcessor < bounds.pauseMs, `the event loop paused for ${pauses.byProcessor} ms`);
    assert.ok(rss - rssBefore < bounds.grownMiB, `the memory grew by ${rss - rssBefore} MiB`);
    assert.ok(Math.max(...waits) < bounds.waitMs, `an answer took ${Math.max(...waits)} ms`);
    assert.ok(lines < bounds.lines, `${lines} lines in the log`);
    for (const [table, rows] of left) {
      assert.ok(rows <= (bounds.rows?.[table] ?? FEW_ROWS), `the flood left ${rows} rows in ${table}`);
    }
  }

  /** The number of unfinished turns. */
  async unfinishedTurns(): Promise<number> {
    const client = new pg.Client({ connectionString: this.deployment.settings.database });
    await client.connect();
    try {
      const { rows } = await client.query<{ count: string }>(
        "select count(*) from turns where state in ('queued', 'running', 'sending')",
      );
      return Number(rows[0]?.count);
    } finally {
      await client.end();
    }
  }

  /** The number of rows in each table. */
  async rows(): Promise<ReadonlyMap<string, number>> {
    const client = new pg.Client({ connectionString: this.deployment.settings.database });
    await client.connect();
    try {
      const { rows: tables } = await client.query<{ name: string }>(
        "select quote_ident(tablename) as name from pg_tables where schemaname = 'public' order by tablename",
      );
      const counts = new Map<string, number>();
      for (const { name } of tables) {
        const { rows } = await client.query<{ count: string }>(`select count(*) from ${name}`);
        counts.set(name, Number(rows[0]?.count));
      }
      return counts;
    } finally {
      await client.end();
    }
  }

  /** Each question of Alice's has one answer, and each answer belongs to one question. */
  #assertAnsweredOnce(): void {
    for (const [roomId, agent] of [
      [this.#withOther, this.other],
      [this.#withDemo, this.demo],
    ] as const) {
      const said = this.alice.messages(roomId);
      const questions = said.filter(({ sender, body }) => sender === this.alice.userId && body.startsWith("question"));
      const answers = said.filter(({ sender }) => sender === agent).map(({ content }) => answeredEvent(content));
      assert.deepEqual(answers.toSorted(), questions.map(({ eventId }) => eventId).toSorted());
    }
  }

  #lines(): number {
    return this.deployment.bridge.logs().filter(({ level }) => level >= INFO).length;
  }

  async stop(): Promise<void> {
    await this.deployment.stop();
    await this.#proxy.stop();
  }
}

/** Does something for each item, so many at once. */
export async function inParallel<T>(
  items: readonly T[],
  many: number,
  act: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: many }, async () => {
      for (const item of left) await act(item);
    }),
  );
}

async function rssMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}
