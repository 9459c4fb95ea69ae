import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { silentLogger } from "../../../src/observability/log.ts";
import { createMetrics, type Metrics } from "../../../src/observability/metrics.ts";
import { governed } from "../../../src/providers/governed.ts";
import { observed } from "../../../src/providers/observed.ts";
import { createOpenAiProvider } from "../../../src/providers/openai.ts";
import type { ChatRequest, Provider } from "../../../src/providers/provider.ts";
import { whyUnusable } from "../../../src/providers/usable.ts";
import { eventually } from "../../support/eventually.ts";
import { openAi, startModelServer, type ModelServer } from "../../support/model-server.ts";

describe("a provider with limits", () => {
  let server: ModelServer;
  before(async () => {
    server = await startModelServer();
  });
  after(() => server.close());

  function make(maxConcurrent: number, metrics: Metrics = createMetrics(() => undefined)): Provider {
    const limits = { firstTokenMs: 60_000, idleMs: 60_000, locality: "local", log: silentLogger() } as const;
    const provider = createOpenAiProvider({ name: "p", url: `${server.url}/v1`, ...limits });
    return governed(observed(provider, metrics), { maxConcurrent }, metrics);
  }

  async function ask(provider: Provider, asker: string, more: Partial<ChatRequest> = {}): Promise<string> {
    let text = "";
    const messages = [{ role: "user" as const, content: asker }];
    const limits = { contextTokens: 1_000, maxAnswerTokens: 100, signal: new AbortController().signal };
    for await (const chunk of provider.chat({ model: "m", messages, asker, ...limits, ...more })) {
      if (chunk.kind === "text") text += chunk.text;
    }
    return text;
  }

  const asked = (): string[] =>
    server.requests.map(
      ({ text }) => (JSON.parse(text) as { messages: { content: string }[] }).messages[0]?.content ?? "",
    );

  it("is asked no more at once than its limit, fairly between people", async () => {
    const provider = make(1);
    const stop = new AbortController();
    server.on(openAi.path, { parts: [openAi.begin()], then: "stall" });
    const first = ask(provider, "alice", { signal: stop.signal }).catch(() => "stopped");
    await eventually("the first to be asked", () => asked().length === 1);
    server.on(openAi.path, { parts: openAi.answer("yes") });
    const others = ["alice", "bob", "carol"].map((who) => ask(provider, who));
    assert.equal(asked().length, 1);
    assert.deepEqual(provider.load?.(), { waiting: 3, paused: "no" });
    stop.abort();
    await Promise.all([first, ...others]);
    assert.deepEqual(asked(), ["alice", "bob", "carol", "alice"]);
  });

  it("is left alone for a while when it fails again and again, but not for failures that are not its own", async () => {
    const metrics = createMetrics(() => undefined);
    const provider = make(4, metrics);
    server.on(openAi.path, { status: 400, parts: ["{}"] });
    for (let i = 0; i < 6; i++) await assert.rejects(ask(provider, "alice"), { code: "refused" });
    server.on(openAi.path, { parts: [openAi.begin()], then: "cut" });
    for (let i = 0; i < 5; i++) await assert.rejects(ask(provider, "alice"), { code: "cut_off" });
    const before = server.requests.length;
    await assert.rejects(ask(provider, "alice"), { code: "unreachable", message: /is paused/ });
    assert.equal(server.requests.length, before);
    assert.deepEqual(provider.load?.(), { waiting: 0, paused: "yes" });
    assert.match((await whyUnusable(provider)) ?? "", /is paused/);
    const text = await metrics.text();
    for (const [outcome, count] of Object.entries({ refused: 6, cut_off: 5, paused: 1 })) {
      const line = `matrix_agents_provider_requests_total{provider="p",kind="chat",outcome="${outcome}"} ${count}`;
      assert.ok(text.includes(line), line);
    }
  });
});
