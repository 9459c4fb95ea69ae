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

describe("the amount of a model's thinking", () => {
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

  /** The question without irrelevant fields, for each of the requests. */
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

  it("is left to the model where nobody sets it", async () => {
    assert.deepEqual(await asked(openai("local"), openAi.path, good), [{}]);
    server.requests.length = 0;
    assert.deepEqual(await asked(claude(), anthropic.path, goodClaude), [{}]);
    server.requests.length = 0;
    assert.deepEqual(await asked(ollama(), "/api/chat", goodOllama), [{}]);
  });

  it("is set in each provider's own form", async () => {
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

  it("is left out for a model that refuses it, and the question is answered", async () => {
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

  it("is left out by the server's own name for it, where the server behind the protocol has one", async () => {
    const refusing = (message: object, reply: Reply): (() => Reply) => {
      let isFirst = true;
      return () => {
        const said = isFirst;
        isFirst = false;
        return said ? json(message, 400) : reply;
      };
    };
    const ollamas = { error: { message: '"m" does not support thinking', type: "invalid_request_error" } };
    const behind = await asked(openai("cloud"), openAi.path, refusing(ollamas, good), "high");
    assert.deepEqual(behind, [{ reasoning_effort: "high" }, {}]);
    server.requests.length = 0;
    const fastApi = {
      object: "error",
      message: {
        detail: [{ type: "extra_forbidden", loc: ["body", "reasoning_effort"], msg: "Extra inputs are not permitted" }],
      },
    };
    assert.deepEqual((await asked(openai("cloud"), openAi.path, refusing(fastApi, good), "high")).at(-1), {});
    server.requests.length = 0;
    const plain = {
      detail: [{ type: "extra_forbidden", loc: ["body", "reasoning_effort"], msg: "Extra inputs are not permitted" }],
    };
    assert.deepEqual((await asked(openai("cloud"), openAi.path, refusing(plain, good), "high")).at(-1), {});
  });
});

describe("a server's refusal", () => {
  let server: ModelServer;
  before(async () => {
    server = await startModelServer();
  });
  after(() => server.close());
  beforeEach(() => {
    server.requests.length = 0;
  });
  const request = {
    model: "m",
    messages: [{ role: "user", content: "hi" }],
    contextTokens: 8_192,
    maxAnswerTokens: 8_000,
    effort: "high",
    signal: new AbortController().signal,
  } as const;

  it("of an answer that may be longer than the context makes the bridge ask again without a bound, and teaches it nothing", async () => {
    const refusal =
      "'max_tokens' or 'max_completion_tokens' is too large: 8149. This model's maximum context length is 8192 tokens and your request has 61 input tokens (8149 > 8192 - 61).";
    server.on(openAi.path, ({ text }) =>
      text.includes("max_tokens")
        ? json({ error: { message: refusal, code: 400 } }, 400)
        : { parts: openAi.answer("Yes.") },
    );
    const provider = createOpenAiProvider({ ...COMMON, url: `${server.url}/v1`, locality: "cloud" });
    for (const count of [2, 4]) {
      const chunks = await Array.fromAsync(provider.chat(request));
      assert.equal(chunks.at(-1)?.kind, "done");
      assert.equal(server.requests.length, count);
    }
  });

  it("is not read for words of an answer that it quotes, or for a model's name", async () => {
    const ollama = createOllamaProvider({ ...COMMON, url: server.url, locality: "local" });
    const quoting = (raw: string): string =>
      `${JSON.stringify({ error: `error parsing tool call: raw='${raw}', err=unexpected end of JSON input` })}\n`;
    for (const raw of ['{"note":"I think', "the temperature", "maximum context length is 600"]) {
      server.requests.length = 0;
      const begun = '{"message":{"role":"assistant","content":"Paris is "},"done":false}\n';
      server.on("/api/chat", { parts: [begun, quoting(raw)] });
      await assert.rejects(Array.fromAsync(ollama.chat(request)), { code: "refused" }, raw);
      server.on("/api/chat", { status: 500, parts: [quoting(raw)] });
      await assert.rejects(Array.fromAsync(ollama.chat(request)), { code: "refused" }, raw);
      assert.equal(server.requests.length, 2, "asked once each time");
    }
    const provider = createOpenAiProvider({ ...COMMON, url: `${server.url}/v1`, locality: "cloud" });
    server.on(openAi.path, json({ error: { message: "unknown model: kimi-k2-thinking" } }, 404));
    await assert.rejects(Array.fromAsync(provider.chat(request)), { code: "model_missing" });
    server.on(
      openAi.path,
      json({ error: { message: "not allowed: fewer max_tokens, or more credits", code: 402 } }, 402),
    );
    await assert.rejects(Array.fromAsync(provider.chat(request)), { code: "unpaid" });
  });
});
