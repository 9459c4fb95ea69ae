import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import type { Database } from "../../../src/database/database.ts";
import { openPostgres } from "../../../src/database/postgres.ts";
import { createHomeserverClient, type HomeserverClient } from "../../../src/homeserver/client.ts";
import { HomeserverReach } from "../../../src/homeserver/reach.ts";
import { RecentPings } from "../../../src/homeserver/recent-pings.ts";
import { startMonitoring, type Monitoring, type WatchedParts } from "../../../src/bridge/monitoring.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { createDemoProvider } from "../../../src/providers/demo.ts";
import { createOllamaProvider } from "../../../src/providers/ollama.ts";
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/free-port.ts";
import { json, startModelServer, type ModelServer } from "../../support/model-server.ts";
import { createDatabase } from "../../support/postgres.ts";
import { sharedPostgresUrl } from "../../support/services.ts";

const PING = "/_matrix/client/v1/appservice/agents/ping";

describe("a bridge that is watched", () => {
  const log = silentLogger();
  const stopping = new AbortController();
  let wire: ModelServer;
  let database: Database;
  let away: Database;
  let client: HomeserverClient;
  let monitoring: Monitoring | undefined;
  let address: string;
  let well: WatchedParts;

  before(async () => {
    wire = await startModelServer();
    wire.on("/_matrix/client/versions", json({ versions: ["v1.11"] }));
    database = openPostgres(await createDatabase(sharedPostgresUrl()), log);
    away = openPostgres(`postgres://nobody:nothing@127.0.0.1:${await freePort()}/none`, log);
    client = createHomeserverClient({ url: wire.url, asToken: "token", log });
  });
  after(async () => {
    await monitoring?.close();
    await Promise.all([database.close(), away.close(), client.close(), wire.close()]);
  });

  beforeEach(async () => {
    await monitoring?.close();
    const port = await freePort();
    address = `http://127.0.0.1:${port}`;
    monitoring = await startMonitoring({
      address: { bind: "127.0.0.1", port },
      stopping: stopping.signal,
      log,
    });
    well = {
      database,
      client,
      processes: { isAlive: true, count: 1 },
      mailbox: {
        backlog: () =>
          Promise.resolve({ items: { ready: 2, awaiting_key: 0, set_aside: 1 }, oldestReadySeconds: 7, malformed: 0 }),
      },
      turns: { openByState: () => Promise.resolve({ queued: 1, running: 0, waiting: 0, sending: 0 }) },
      outbox: { pending: () => Promise.resolve(3) },
      ghosts: { loaded: 2, leased: 2 },
      pauses: { all: [] },
      providers: () => new Map([["demo", createDemoProvider("demo")]]),
      isListening: () => true,
      reach: { lately: () => Promise.resolve({ kind: "answered", durationMs: 5, reachedUs: true }) },
      agentName: (userId) => (userId === "@agent_llama:x" ? "llama" : undefined),
      isStarted: () => true,
    };
  });

  async function ready(parts?: WatchedParts): Promise<{ status: number; wrong: Record<string, string> }> {
    if (parts !== undefined) monitoring?.watch(parts);
    const response = await fetch(`${address}/ready`);
    const { checks } = (await response.json()) as { checks: Record<string, string> };
    const wrong = Object.fromEntries(Object.entries(checks).filter(([, result]) => result !== "ok"));
    return { status: response.status, wrong };
  }

  async function metrics(parts: WatchedParts): Promise<string> {
    monitoring?.watch(parts);
    return (await fetch(`${address}/metrics`)).text();
  }

  it("is alive before it is ready", async () => {
    assert.equal((await fetch(`${address}/health`)).status, 200);
    assert.deepEqual(await ready(), { status: 503, wrong: { process: "it is starting" } });
  });

  it("is ready when all is well", async () => {
    assert.deepEqual(await ready(well), { status: 200, wrong: {} });
  });

  for (const [what, change, check, why] of [
    ["has not started", () => ({ isStarted: () => false }), "process", /waits for the homeserver/],
    ["does not listen", () => ({ isListening: () => false }), "listening", /does not listen/],
    ["gives no sign of life", () => ({ processes: { isAlive: false, count: 1 } }), "lease", /no sign of life/],
    ["has no database", () => ({ database: away }), "database", /ECONNREFUSED/],
    ["was never pinged", () => ({ reach: { lately: () => Promise.resolve(undefined) } }), "reached", /not been asked/],
    ["has no provider", () => ({ providers: () => new Map() }), "providers", /no provider can be asked/],
  ] as const) {
    it(`that ${what} is not ready, and says so`, async () => {
      const { status, wrong } = await ready({ ...well, ...change() });
      assert.equal(status, 503);
      assert.deepEqual(Object.keys(wrong), [check]);
      assert.match(wrong[check] ?? "", why);
    });
  }

  it("whose homeserver is away is not ready", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const gone = createHomeserverClient({ url, asToken: "token", log });
    const { status, wrong } = await ready({ ...well, client: gone });
    assert.equal(status, 503);
    assert.match(wrong["homeserver"] ?? "", /can(no|')t be reached/);
    await gone.close();
  });

  it("that the homeserver does not reach says what is wrong, until a ping succeeds", async () => {
    wire.on(PING, json({ errcode: "M_CONNECTION_FAILED", error: "ConnectionRefusedError: no" }, 502));
    let hasCome = false;
    const pings = new RecentPings();
    pings.has = () => hasCome;
    const reach = new HomeserverReach({
      client,
      appservice: { id: "agents", url: "http://127.0.0.1:9993", file: "registration.yaml" },
      pings,
      isAlone: () => true,
      log,
      signal: stopping.signal,
    });
    await reach.ping();
    const asked = (): number => wire.requests.filter(({ path }) => path === PING).length;
    assert.equal(asked(), 1);
    const { wrong } = await ready({ ...well, reach });
    assert.match(wrong["reached"] ?? "", /ConnectionRefusedError: no.*http:\/\/127\.0\.0\.1:9993/);
    assert.equal(asked(), 1, "a probe each second is no ping each second");
    wire.on(PING, json({ duration_ms: 5 }));
    await reach.ping();
    // Answers are kept for a moment.
    await eventually("the other bridge to be the reason", async () => {
      const { reached = "" } = (await ready({ ...well, reach })).wrong;
      return reached.includes("another bridge with this registration answers");
    });
    hasCome = true;
    await reach.ping();
    await eventually("the bridge to be ready", async () => (await ready({ ...well, reach })).status === 200);
  });

  it("with one provider that can be asked is ready, and otherwise says of each why it can't", async () => {
    const limits = { firstTokenMs: 1_000, idleMs: 1_000, contextTokens: 512, discover: false, maxConcurrent: 1 };
    const url = `http://127.0.0.1:${await freePort()}`;
    const ollama = createOllamaProvider({ name: "ollama", url, locality: "local", ...limits, log });
    const { wrong } = await ready({ ...well, providers: () => new Map([["ollama", ollama]]) });
    assert.match(
      wrong["providers"] ?? "",
      /^no provider can be asked: ollama: http\S+ can't be reached: nothing listens there/,
    );
  });

  it("tells how much mail waits", async () => {
    const before = await metrics(well);
    assert.match(before, /^matrix_agents_mailbox_items\{state="ready"\} 2$/m);
    assert.match(before, /^matrix_agents_mailbox_oldest_ready_seconds 7$/m);
    assert.match(before, /^matrix_agents_sends_pending 3$/m);
    assert.match(before, /^matrix_agents_readings_failed 0$/m);
    assert.match(before, /^matrix_agents_database_connections\{state="used"\} \d+$/m);
  });

  it("whose database is away leaves out the numbers that it would have to read there", async () => {
    const text = await metrics({
      ...well,
      mailbox: { backlog: () => away.query("select 1").then(() => Promise.reject(new Error("it answered"))) },
    });
    assert.match(text, /^matrix_agents_readings_failed 1$/m);
    assert.match(text, /^matrix_agents_ghosts_loaded 2$/m);
    assert.doesNotMatch(text, /^matrix_agents_(mailbox_\w+|malformed_parts|turns_open|sends_pending)\b/m);
  });

  it("names no agent by a user's name, and none before it knows the agents", () => {
    assert.equal(monitoring?.metrics?.agent("@agent_llama:x"), "other");
    monitoring.watch(well);
    const names = ["@agent_llama:x", "@alice:x"].map((userId) => monitoring?.metrics?.agent(userId));
    assert.deepEqual(names, ["llama", "other"]);
  });

  it("that stops is no longer ready", async () => {
    monitoring?.watch(well);
    stopping.abort();
    assert.deepEqual(await ready(), { status: 503, wrong: { process: "it is stopping" } });
  });
});
