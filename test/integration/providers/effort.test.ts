import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import type { Effort, Locality } from "../../../src/config/config.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { createAnthropicProvider } from "../../../src/providers/anthropic.ts";
import { createOllamaProvider } from "../../../src/providers/ollama.ts";
import { createOpenAiProvider } from "../../../src/providers/openai.ts";
import type { Provider } from "../../../src/providers/provider.ts";
import { anthropic, json, openAi, startModelServer, type ModelServer, type Reply } from "../../support/model-server.ts";

const COMMON = { name: "p", firstTokenMs: 10_000, idleMs: 10_000, log: silentLogger() } as const;
const OLLAMA = '{"message":{"role":"assistant","content":"Yes."},"done":true}\n';

describe("how much a model may think", () => {
  let server: ModelServer;
  before(async () => {
    server = await startModelServer();
  });
  after(() => server.close());
  beforeEach(() => {
    server.requests.length = 0;
  });

  const openai = (locality: Locality): Provider =>
    createOpenAiProvider({ ...COMMON, url: `${server.url}/v1`, apiKey: "k", locality });
  const claude = (): Provider =>
    createAnthropicProvider({ ...COMMON, url: server.url, apiKey: "k", locality: "cloud" });
  const ollama = (): Provider => createOllamaProvider({ ...COMMON, url: server.url, locality: "local" });

  /** What was asked, without what does not matter here; each of the requests. */
  async function asked(
    provider: Provider,
    path: string,
    reply: Reply | (() => Reply),
    effort?: Effort,
  ): Promise<object[]> {
    server.on(path, reply);
    const { signal } = new AbortController();
    const request = { model: "m", messages: [{ role: "user", content: "hi" }], contextTokens: 65_536, signal } as const;
    const thinking = effort === undefined ? {} : { effort };
    await Array.fromAsync(provider.chat({ ...request, ...thinking, maxAnswerTokens: 60_000 }));
    return server.requests.map(({ text }) => {
      const body = JSON.parse(text) as Record<string, unknown>;
      const names = ["think", "reasoning_effort", "chat_template_kwargs", "thinking", "output_config"];
      return Object.fromEntries(names.filter((name) => name in body).map((name) => [name, body[name]]));
    });
  }

  const good = { parts: openAi.answer("Yes.") };
  const goodClaude = { parts: anthropic.answer("Yes.") };
  const goodOllama = { parts: [OLLAMA] };

  it("is its own matter where nobody says so", async () => {
    assert.deepEqual(await asked(openai("local"), openAi.path, good), [{}]);
    server.requests.length = 0;
    assert.deepEqual(await asked(claude(), anthropic.path, goodClaude), [{}]);
    server.requests.length = 0;
    assert.deepEqual(await asked(ollama(), "/api/chat", goodOllama), [{}]);
  });

  it("is said as each provider has it", async () => {
    const CASES: readonly (readonly [Provider, string, Reply, Effort, object])[] = [
      [ollama(), "/api/chat", goodOllama, "none", { think: false }],
      [ollama(), "/api/chat", goodOllama, "high", { think: "high" }],
      [openai("cloud"), openAi.path, good, "low", { reasoning_effort: "low" }],
      [
        openai("local"),
        openAi.path,
        good,
        "none",
        { reasoning_effort: "none", chat_template_kwargs: { enable_thinking: false } },
      ],
      [claude(), anthropic.path, goodClaude, "none", { thinking: { type: "disabled" } }],
      [
        claude(),
        anthropic.path,
        goodClaude,
        "medium",
        { thinking: { type: "adaptive" }, output_config: { effort: "medium" } },
      ],
    ];
    for (const [provider, path, reply, effort, expected] of CASES) {
      server.requests.length = 0;
      assert.deepEqual(await asked(provider, path, reply, effort), [expected]);
    }
  });

  it("is left out for a model that does not take it, and the question answered", async () => {
    const refusing = (refusals: readonly Reply[], reply: Reply): (() => Reply) => {
      const left = [...refusals];
      return () => left.shift() ?? reply;
    };
    const refused = (message: string): Reply => json({ error: { message, type: "invalid_request_error" } }, 400);
    const unknown = [
      refused("Unrecognized request argument supplied: reasoning_effort"),
      refused("Unrecognized request argument supplied: chat_template_kwargs"),
    ];
    const local = openai("local");
    const bodies = await asked(local, openAi.path, refusing(unknown, good), "low");
    assert.deepEqual([bodies.length, bodies.at(-1)], [3, {}]);
    server.requests.length = 0;
    assert.deepEqual(await asked(local, openAi.path, good, "low"), [{}], "from then on");
    server.requests.length = 0;
    const old = [
      "adaptive thinking is not supported on this model",
      "This model does not support the effort parameter.",
    ];
    const claudeRefusals = old.map((message) => json(anthropic.error(message, "invalid_request_error"), 400));
    const claudes = await asked(claude(), anthropic.path, refusing(claudeRefusals, goodClaude), "high");
    assert.deepEqual([claudes.length, claudes.at(-1)], [3, {}]);
    server.requests.length = 0;
    const blind = json({ error: '"m" does not support thinking' }, 400);
    const ollamas = await asked(ollama(), "/api/chat", refusing([blind], goodOllama), "high");
    assert.deepEqual(ollamas, [{ think: "high" }, {}]);
  });
});
