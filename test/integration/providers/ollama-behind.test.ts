import assert from "node:assert/strict";
import { after, before, describe, it, mock } from "node:test";
import { silentLogger } from "../../../src/observability/log.ts";
import { createAnthropicProvider } from "../../../src/providers/anthropic.ts";
import { cloudByName } from "../../../src/providers/ollama-cloud.ts";
import { createOpenAiProvider } from "../../../src/providers/openai.ts";
import type { ProviderFailure } from "../../../src/language/failures.ts";
import { ProviderError, type Provider } from "../../../src/providers/provider.ts";
import { json, startModelServer, type ModelServer, type Reply } from "../../support/model-server.ts";
import { startOllamaServer, type OllamaServer } from "../../support/ollama-server.ts";

function reachedAs(url: string, more: { locality?: "local" | "cloud"; apiKey?: string } = {}): Provider {
  return createOpenAiProvider({
    name: "p",
    url,
    locality: "local",
    firstTokenMs: 10_000,
    idleMs: 10_000,
    log: silentLogger(),
    ...more,
  });
}

const isFailure =
  (code: ProviderFailure) =>
  (error: unknown): boolean =>
    error instanceof ProviderError && error.code === code;

describe("an Ollama behind OpenAI's protocol", () => {
  let ollama: OllamaServer;
  before(async () => {
    ollama = await startOllamaServer();
    for (const model of ["llama3.2:3b", "gpt-oss:120b-cloud"]) ollama.install(model);
  });
  after(() => ollama.close());

  for (const path of ["/v1", "/v1/", ""]) {
    it(`is asked where its models run, at "${path}"`, async () => {
      const { relay } = reachedAs(`${ollama.url}${path}`);
      assert.equal(await relay?.saysWhere(), true);
      assert.equal((await relay?.facts("gpt-oss:120b-cloud"))?.remoteHost, "ollama.com");
      assert.deepEqual(await relay?.facts("llama3.2:3b"), { sees: false, tools: true, contextTokens: 131_072 });
    });
  }

  it("is asked about a model each time, and about itself once in a while", async () => {
    const { relay } = reachedAs(`${ollama.url}/v1`);
    const before = ollama.requests.length;
    for (let time = 0; time < 3; time += 1) await relay?.facts("llama3.2:3b");
    const asked = ollama.requests.slice(before).map(({ path }) => path);
    assert.deepEqual(asked, ["/api/version", "/api/show", "/api/show", "/api/show"]);
  });

  it("tells facts of a model that OpenAI's list does not hold", async () => {
    assert.deepEqual(await reachedAs(`${ollama.url}/v1`).facts("llama3.2:3b"), {
      sees: false,
      tools: true,
      contextTokens: 131_072,
    });
  });

  it("is not asked for a model of its cloud, because it would pass that on", async () => {
    const before = ollama.requests.length;
    const { relay } = reachedAs(`${ollama.url}/v1`);
    assert.equal((await relay?.facts("gpt-oss:120b-cloud"))?.remoteHost, "ollama.com");
    // Nor for one that it does not have: it still passes requests for it on.
    assert.equal((await relay?.facts("kimi-k2:cloud"))?.remoteHost, "ollama.com");
    assert.equal(ollama.requests.length, before);
  });

  it("does not have a model that it does not know", async () => {
    const { relay } = reachedAs(`${ollama.url}/v1`);
    await assert.rejects(async () => relay?.facts("nothing"), isFailure("model_missing"));
    assert.equal(await relay?.saysWhere(), true);
  });
});

describe("an Ollama behind Anthropic's protocol", () => {
  it("is asked where its models run, and nothing outside the network is", async () => {
    await using ollama = await startOllamaServer();
    ollama.install("llama3.2:3b");
    const common = { name: "p", url: ollama.url, firstTokenMs: 10_000, idleMs: 10_000, log: silentLogger() };
    const { relay } = createAnthropicProvider({ ...common, locality: "local" });
    assert.equal((await relay?.facts("kimi-k2:cloud"))?.remoteHost, "ollama.com");
    assert.deepEqual(await relay?.facts("llama3.2:3b"), { sees: false, tools: true, contextTokens: 131_072 });
    assert.equal(createAnthropicProvider({ ...common, locality: "cloud" }).relay, undefined);
  });
});

describe("the name of a model of Ollama's cloud", () => {
  for (const name of [
    ...[
      "gpt-oss:120b-cloud",
      "kimi-k2:cloud",
      "KIMI-K2:Cloud",
      "x-cloud",
      "cloud",
      "registry.example:5000/a/b:7b-cloud",
    ],
    ...[
      "gpt-oss: cloud",
      "gpt-oss:\u3000cloud",
      "gpt-oss:120b-cloud\u0085",
      `gpt-oss:cloud${" ".repeat(70)}`,
      " kimi:cloud\n",
    ],
  ]) {
    it(`is recognised, however it is written: ${JSON.stringify(name)}`, () =>
      assert.equal(cloudByName(name), "ollama.com"));
  }
  for (const name of ["llama3.2:3b", "cloudy:7b", "my-cloud:latest", "x:cloud-7b", "", ":", "soundcloud"]) {
    it(`can't be ${JSON.stringify(name)}`, () => assert.equal(cloudByName(name), undefined));
  }
});

describe("a server that speaks OpenAI's protocol", () => {
  let server: ModelServer;
  before(async () => {
    server = await startModelServer();
  });
  after(() => server.close());

  const reply = (version: Reply, show: Reply = json({ error: "not this" }, 500)): void => {
    server.on("/api/version", version);
    server.on("/api/show", show);
  };
  const OLLAMA = json({ version: "0.31.1" });
  const page: Reply = { headers: { "content-type": "text/html" }, parts: ["<html>Welcome</html>"] };

  const NO_OLLAMA: Readonly<Record<string, Reply>> = {
    "knows no such request": json({ detail: "Not Found" }, 404),
    "refuses the method": json({}, 405),
    "wants a key of another kind": json({ error: "unauthorized" }, 401),
    "answers everything with good words": json({ error: "Unexpected endpoint or method. (GET /api/version)" }),
    "answers with a version that is no text": json({ version: 3 }),
    "answers with null": json(null),
    "answers with a list": json([1, 2]),
    "answers with a page": page,
    "sends elsewhere": { status: 302, headers: { location: "http://127.0.0.1:9/" }, parts: [] },
    "answers without end": { parts: ["x".repeat(5_000_000)] },
  };
  for (const [what, version] of Object.entries(NO_OLLAMA)) {
    it(`that ${what} does not say where its models run`, async () => {
      reply(version, json({ remote_host: "https://ollama.com:443" }));
      const { relay } = reachedAs(`${server.url}/v1`);
      assert.equal(await relay?.saysWhere(), false);
      assert.equal(await relay?.facts("some-model"), undefined);
    });
  }

  const SILENT: Readonly<Record<string, [Reply, ProviderFailure]>> = {
    "is too busy": [json({ error: "slow down" }, 429), "busy"],
    "still loads": [json({ error: { message: "Loading model", code: 503 } }, 503), "busy"],
    "has a fault of its own at it": [json({ error: { message: "boom" } }, 500), "busy"],
    "is slow to be asked": [json({}, 408), "busy"],
    "is behind a gateway that does not reach it": [json({}, 502), "busy"],
    "breaks off": [{ parts: ['{"ver'], then: "cut" }, "cut_off"],
  };
  for (const [what, [version, failure]] of Object.entries(SILENT)) {
    it(`that ${what} is not taken for one that passes nothing on`, async () => {
      reply(version);
      const { relay } = reachedAs(`${server.url}/v1`);
      await assert.rejects(async () => relay?.facts("some-model"), isFailure(failure));
      // It is asked again, once it can answer.
      reply(OLLAMA, json({ remote_host: "https://ollama.com:443" }));
      assert.equal((await relay?.facts("some-model"))?.remoteHost, "ollama.com");
    });
  }

  it("that can't be reached is not taken for one that passes nothing on", async () => {
    const { relay } = reachedAs("http://127.0.0.1:9/v1");
    await assert.rejects(async () => relay?.facts("some-model"), isFailure("unreachable"));
  });

  for (const status of [404, 405, 501]) {
    it(`that has a version, and answers ${status} where an Ollama shows its models, is no Ollama`, async () => {
      reply(OLLAMA, json({ detail: "Not Found" }, status));
      const { relay } = reachedAs(`${server.url}/v1`);
      assert.equal(await relay?.facts("some-model"), undefined);
      assert.equal(await relay?.saysWhere(), false);
    });
  }

  it("that has shown a model is an Ollama, whatever it says afterwards", async () => {
    reply(OLLAMA, json({ capabilities: ["completion"] }));
    const { relay } = reachedAs(`${server.url}/v1`);
    assert.deepEqual(await relay?.facts("some-model"), { sees: false, tools: false });
    reply(OLLAMA, json({ detail: "Not Found" }, 404));
    await assert.rejects(async () => relay?.facts("some-model"), ProviderError);
    reply(json({}, 403));
    const now = performance.now();
    const clock = mock.method(performance, "now", () => now + 301_000);
    try {
      await assert.rejects(async () => relay?.facts("some-model"), ProviderError);
      assert.equal(await relay?.saysWhere(), true);
    } finally {
      clock.mock.restore();
    }
  });

  it("that is no Ollama has no local cloud model, whatever the model's name", async () => {
    reply(json({ detail: "Not Found" }, 404));
    assert.equal((await reachedAs(`${server.url}/v1`).relay?.facts("gpt-oss:120b-cloud"))?.remoteHost, "ollama.com");
  });

  for (const status of [400, 401, 500, 503]) {
    it(`that is an Ollama, and answers ${status} when it is asked about a model, is sent nothing`, async () => {
      reply(OLLAMA, json({ error: "no" }, status));
      const { relay } = reachedAs(`${server.url}/v1`);
      await assert.rejects(async () => relay?.facts("some-model"), ProviderError);
    });
  }

  for (const model of ["gpt-oss:120b-cloud", "kimi-k2:cloud", "Qwen3-Coder:480B-CLOUD"]) {
    it(`that looks like an Ollama and tells no place for ${model} counts as its cloud`, async () => {
      reply(OLLAMA, json({ capabilities: ["completion"] }));
      assert.equal((await reachedAs(`${server.url}/v1`).relay?.facts(model))?.remoteHost, "ollama.com");
    });
  }

  it("is asked with its key, and without anybody's words", async () => {
    reply(OLLAMA, json({ capabilities: [] }));
    const before = server.requests.length;
    await reachedAs(`${server.url}/v1`, { apiKey: "sk-secret" }).relay?.facts("some-model");
    const asked = server.requests.slice(before);
    assert.deepEqual(
      asked.map(({ method, path, text }) => [method, path, text]),
      [
        ["GET", "/api/version", ""],
        ["POST", "/api/show", '{"model":"some-model"}'],
      ],
    );
    for (const { headers } of asked) assert.equal(headers.authorization, "Bearer sk-secret");
  });

  it("is asked again about itself after five minutes", async () => {
    reply(json({ detail: "Not Found" }, 404));
    const { relay } = reachedAs(`${server.url}/v1`);
    assert.equal(await relay?.saysWhere(), false);
    reply(OLLAMA);
    assert.equal(await relay?.saysWhere(), false);
    const now = performance.now();
    const clock = mock.method(performance, "now", () => now + 301_000);
    try {
      assert.equal(await relay?.saysWhere(), true);
    } finally {
      clock.mock.restore();
    }
  });

  it("is not asked about itself outside the network", () => {
    assert.equal(reachedAs(`${server.url}/v1`, { locality: "cloud" }).relay, undefined);
  });
});
