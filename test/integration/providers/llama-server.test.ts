import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "../../../src/observability/log.ts";
import { createOpenAiProvider } from "../../../src/providers/openai.ts";
import { PromptTooLong } from "../../../src/providers/prompt-too-long.ts";
import { type ChatChunk, type ModelFacts, type Provider, ProviderError } from "../../../src/providers/provider.ts";
import * as recorded from "../../support/recorded/llama-server-bytes.ts";
import { startReplayServer } from "../../support/replay-server.ts";

const MODEL = "/models/SmolLM2-135M-Instruct.Q4_1.gguf";
const LISTS = { "/v1/models": recorded.models, "/props": recorded.props };

function provider(url: string, path = "/v1"): Provider {
  return createOpenAiProvider({
    name: "p",
    url: `${url}${path}`,
    firstTokenMs: 60_000,
    idleMs: 60_000,
    locality: "local",
    log: silentLogger(),
  });
}

/** The result of a question with this answer, its end included. */
async function asked(answer: string): Promise<{ readonly text: string; readonly end: unknown }> {
  await using server = await startReplayServer({ "/v1/chat/completions": answer }, recorded.unknownPath);
  const chunks: ChatChunk[] = [];
  let error: unknown;
  try {
    for await (const chunk of provider(server.url).chat({
      model: MODEL,
      messages: [{ role: "user", content: "Hello" }],
      contextTokens: 512,
      maxAnswerTokens: 128,
      signal: new AbortController().signal,
    })) {
      chunks.push(chunk);
    }
  } catch (thrown) {
    error = thrown;
  }
  const text = chunks.map((chunk) => (chunk.kind === "text" ? chunk.text : "")).join("");
  return { text, end: error ?? chunks.at(-1) };
}

/** The list of models as it was recorded, changed. */
function listOf(change: (list: Record<"models" | "data", Record<string, unknown>[]>) => void): string {
  const list = JSON.parse(bodyOf(recorded.models)) as Record<"models" | "data", Record<string, unknown>[]>;
  change(list);
  return response(list);
}

function bodyOf(whole: string): string {
  return whole.slice(whole.indexOf("\r\n\r\n") + 4);
}

function response(body: object): string {
  const text = JSON.stringify(body);
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`;
}

describe(recorded.server, () => {
  it("lists its model by the path under which it is asked, with the window that it runs with", async () => {
    await using server = await startReplayServer(LISTS, recorded.unknownPath);
    const asking = provider(server.url);
    assert.deepEqual(await asking.models(), [{ name: MODEL, canChat: true }]);
    // Only /props tells of tools: this model's template has none.
    assert.deepEqual(await asking.facts(MODEL), { sees: false, contextTokens: 512, tools: false });
  });

  const untold = listOf(({ data: [entry = {}] }) => {
    entry["meta"] = { n_ctx_train: 8192 };
    delete entry["architecture"];
  });
  const props = JSON.parse(bodyOf(recorded.props)) as Record<string, unknown>;
  for (const [what, answers, facts] of [
    [
      "the window from /props",
      { "/v1/models": untold, "/props": recorded.props },
      { sees: false, contextTokens: 512, tools: false },
    ],
    [
      "the window of its training when there is no other",
      { "/v1/models": untold },
      { sees: false, contextTokens: 8192 },
    ],
    [
      "the window of its training where /props has none, like a router's",
      { "/v1/models": untold, "/props": response({ default_generation_settings: { n_ctx: 0 }, role: "router" }) },
      { sees: false, contextTokens: 8192 },
    ],
    [
      "from /props that it sees",
      { "/v1/models": untold, "/props": response({ ...props, modalities: { vision: true, audio: false } }) },
      { sees: true, contextTokens: 512, tools: false },
    ],
    [
      "nothing of tools, where /props does not",
      { "/v1/models": untold, "/props": response({ ...props, chat_template_caps: { supports_tools: "yes" } }) },
      { sees: false, contextTokens: 512 },
    ],
    [
      "from beside the list that it sees",
      {
        "/v1/models": listOf(({ models: [beside = {}], data: [entry = {}] }) => {
          beside["capabilities"] = ["completion", "multimodal"];
          delete entry["architecture"];
        }),
      },
      { sees: true, contextTokens: 512 },
    ],
    [
      "nothing from invalid entries",
      { "/v1/models": response({ models: [null, 7], data: [null, {}] }) },
      { sees: false },
    ],
    [
      "nothing from an invalid /props",
      { "/v1/models": untold, "/props": response([null]) },
      { sees: false, contextTokens: 8192 },
    ],
  ] satisfies [string, Record<string, string>, ModelFacts][]) {
    it(`of an older version tells ${what}`, async () => {
      await using server = await startReplayServer(answers, recorded.unknownPath);
      for (const path of ["/v1", "/v1/"]) assert.deepEqual(await provider(server.url, path).facts(MODEL), facts);
    });
  }

  it("ends an answer properly", async () => {
    const { text, end } = await asked(recorded.endedByStop);
    assert.equal(text, "Yes indeed.");
    assert.deepEqual(end, { kind: "done", reason: "stop", usage: { promptTokens: 33, answerTokens: 4 } });
  });

  for (const [what, answer] of [
    ["comes to max_tokens", recorded.endedByLength],
    ["fills its window", recorded.endedByFullContext],
  ] as const) {
    it(`says that an answer is cut off that ${what}`, async () => {
      const { text, end } = await asked(answer);
      assert.notEqual(text, "");
      assert.equal((end as { reason?: unknown }).reason, "length");
    });
  }

  it("refuses a prompt that is too long, and says by how much", async () => {
    const { end } = await asked(recorded.tooLong);
    assert.ok(end instanceof PromptTooLong);
    assert.deepEqual([end.limitTokens, end.promptTokens], [512, 732]);
  });

  for (const [what, answer, code] of [
    ["a picture that it can't see", recorded.pictureRefused, "refused"],
    ["two of its own messages at the end", recorded.rolesRefused, "refused"],
    ["a request without its key", recorded.wrongKey, "refused"],
    ["a request while it loads", recorded.loading, "busy"],
  ] as const) {
    it(`refuses ${what}: ${code}`, async () => {
      const { text, end } = await asked(answer);
      assert.equal(text, "");
      assert.ok(end instanceof ProviderError);
      assert.equal(end.code, code);
    });
  }

  it("is cut off when it was killed, and its words so far stay", async () => {
    const { text, end } = await asked(recorded.killed);
    assert.match(text, /\w/);
    assert.ok(end instanceof ProviderError);
    assert.equal(end.code, "cut_off");
  });

  it("is no Ollama", async () => {
    await using server = await startReplayServer(LISTS, recorded.unknownPath);
    assert.equal(await provider(server.url).relay?.saysWhere(), false);
  });
});
