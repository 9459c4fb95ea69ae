import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { silentLogger } from "../../../src/observability/log.ts";
import { createAnthropicProvider } from "../../../src/providers/anthropic.ts";
import { createOllamaProvider } from "../../../src/providers/ollama.ts";
import { createOpenAiProvider } from "../../../src/providers/openai.ts";
import { ProviderError, type ChatChunk, type Provider } from "../../../src/providers/provider.ts";
import { anthropic, json, openAi, startModelServer, type ModelServer, type Reply } from "../../support/model-server.ts";

const COMMON = { name: "p", locality: "local", firstTokenMs: 10_000, idleMs: 10_000, log: silentLogger() } as const;

const line = (piece: object): string => `${JSON.stringify(piece)}\n`;
const ollama = {
  text: (content: string): string => line({ model: "m", message: { role: "assistant", content }, done: false }),
  end: line({
    model: "m",
    message: { role: "assistant", content: "" },
    done: true,
    done_reason: "stop",
    prompt_eval_count: 19,
    eval_count: 10,
  }),
};

/**
 * Each protocol: a good answer in pieces, pieces without meaning that may come anywhere, and the ways in which it may
 * end.
 */
const PROTOCOLS: Readonly<
  Record<
    string,
    {
      readonly path: string;
      readonly make: (url: string) => Provider;
      readonly good: readonly string[];
      readonly odd: Readonly<Record<string, string>>;
      readonly ends: Readonly<Record<string, { readonly pieces: readonly string[]; readonly reason: string }>>;
      readonly words: readonly string[];
    }
  >
> = {
  openai: {
    path: "/v1/chat/completions",
    make: (url) => createOpenAiProvider({ ...COMMON, url: `${url}/v1`, apiKey: "k" }),
    words: [openAi.begin(), openAi.text("Hel"), openAi.text("lo!")],
    good: openAi.answer("Hel", "lo!"),
    odd: {
      "no choices beside what was counted": 'data: {"usage":{"prompt_tokens":19,"completion_tokens":10}}\n\n',
      "choices that are null": 'data: {"choices":null,"usage":null}\n\n',
      "no choice": 'data: {"choices":[]}\n\n',
      "no delta": 'data: {"choices":[{"index":0}]}\n\n',
      "a delta that is null": 'data: {"choices":[{"index":0,"delta":null}]}\n\n',
      "content that is null": openAi.piece({ content: null }),
      "an error that is null": 'data: {"error":null,"choices":[]}\n\n',
      "empty thoughts": openAi.piece({ reasoning_content: "", reasoning: "", content: "" }),
      "parts without any": openAi.piece({ content: [] }),
      "data that is null": "data: null\n\n",
      "empty data": "data:\n\n",
      "a comment": ": OPENROUTER PROCESSING\n\n",
      "an event's name": "event: ping\n\n",
      "counts that are none": 'data: {"choices":[],"usage":{"prompt_tokens":1.5,"completion_tokens":-1}}\n\n',
    },
    ends: {
      length: { pieces: openAi.end("length"), reason: "length" },
      "Mistral's word for it": { pieces: openAi.end("model_length"), reason: "length" },
      rules: { pieces: openAi.end("content_filter"), reason: "filtered" },
      "without what was counted": {
        pieces: [openAi.piece({}, { finish_reason: "stop" }), "data: [DONE]\n\n"],
        reason: "stop",
      },
    },
  },
  anthropic: {
    path: "/v1/messages",
    make: (url) => createAnthropicProvider({ ...COMMON, url, apiKey: "k" }),
    words: [anthropic.begin(), anthropic.text("Hel"), anthropic.text("lo!")],
    good: anthropic.answer("Hel", "lo!"),
    odd: {
      "a ping": anthropic.event({ type: "ping" }),
      "an event of a later version": anthropic.event({ type: "something_new" }),
      "a delta of a later version": anthropic.delta({ type: "signature_delta", signature: "abc" }),
      "empty text": anthropic.text(""),
      "empty data": "data:\n\n",
      "data that is null": "data: null\n\n",
      "a comment": ": alive\n\n",
    },
    ends: {
      length: { pieces: anthropic.end("max_tokens"), reason: "length" },
      "a full window": { pieces: anthropic.end("model_context_window_exceeded"), reason: "length" },
      "a pause": { pieces: anthropic.end("pause_turn"), reason: "length" },
      rules: { pieces: anthropic.end("refusal"), reason: "filtered" },
      "without what was counted": {
        pieces: [
          anthropic.event({ type: "message_delta", delta: { stop_reason: "end_turn" } } as { type: string }),
          anthropic.event({ type: "message_stop" }),
        ],
        reason: "stop",
      },
    },
  },
  ollama: {
    path: "/api/chat",
    make: (url) => createOllamaProvider({ ...COMMON, url }),
    words: [ollama.text("Hel"), ollama.text("lo!")],
    good: [ollama.text("Hel"), ollama.text("lo!"), ollama.end],
    odd: {
      "content that is null": line({ message: { role: "assistant", content: null }, done: false }),
      "no content": line({ message: { role: "assistant" }, done: false }),
      "thoughts that are null": line({ message: { role: "assistant", content: "", thinking: null }, done: false }),
      "a blank line": "\n",
    },
    ends: {
      length: { pieces: [line({ message: { content: "" }, done: true, done_reason: "length" })], reason: "length" },
      "no message": { pieces: [line({ done: true })], reason: "stop" },
      "counts that are none": {
        pieces: [line({ done: true, prompt_eval_count: -1, eval_count: 1e12 })],
        reason: "stop",
      },
    },
  },
};

describe("a good answer of a model's server", () => {
  let server: ModelServer;
  before(async () => {
    server = await startModelServer();
  });
  after(() => server.close());

  for (const [name, { path, make, good, odd, ends, words }] of Object.entries(PROTOCOLS)) {
    async function told(
      parts: readonly (string | Uint8Array)[],
    ): Promise<{ text: string; end: ChatChunk | undefined }> {
      server.on(path, { parts } satisfies Reply);
      const signal = new AbortController().signal;
      const request = { model: "m", messages: [{ role: "user", content: "hi" }], contextTokens: 512 } as const;
      const chunks = await Array.fromAsync(make(server.url).chat({ ...request, maxAnswerTokens: 64, signal }));
      return { text: chunks.map((chunk) => (chunk.kind === "text" ? chunk.text : "")).join(""), end: chunks.at(-1) };
    }

    for (const [what, piece] of Object.entries(odd)) {
      it(`is the same by ${name}, with this in between at any place: ${what}`, async () => {
        for (let at = 0; at < good.length; at++) {
          const { text, end } = await told([...good.slice(0, at), piece, ...good.slice(at)]);
          assert.deepEqual([text, end?.kind], ["Hello!", "done"], `at ${at}`);
        }
      });
    }

    for (const [what, { pieces, reason }] of Object.entries(ends)) {
      it(`ends by ${name} as it is said: ${what}`, async () => {
        const { text, end } = await told([...words, ...pieces]);
        assert.equal(text, "Hello!");
        assert.ok(end?.kind === "done");
        assert.equal(end.reason, reason);
        if (end.usage !== undefined) assert.deepEqual(Object.values(end.usage).every(Number.isSafeInteger), true);
      });
    }
  }

  it("may hold thoughts in parts, as Mistral's do, and a refusal in a field of its own", async () => {
    const provider = PROTOCOLS["openai"]?.make(server.url);
    const signal = new AbortController().signal;
    const request = { model: "m", messages: [{ role: "user", content: "hi" }], contextTokens: 512 } as const;
    const thought = { type: "thinking", thinking: [{ type: "text", text: "Hm." }] };
    const parts = [
      openAi.piece({ content: [thought, { type: "text", text: "I " }] }),
      openAi.piece({ refusal: "can't." }),
    ];
    server.on("/v1/chat/completions", { parts: [...parts, ...openAi.end()] });
    const chunks = await Array.fromAsync(provider?.chat({ ...request, maxAnswerTokens: 64, signal }) ?? []);
    const of = (kind: "text" | "thinking"): string =>
      chunks.map((chunk) => (chunk.kind === kind ? chunk.text : "")).join("");
    assert.deepEqual([of("thinking"), of("text")], ["Hm.", "I can't."]);
  });

  it("is distinguished by a code from each failure, from mere thinking and from a filtered answer", async () => {
    const provider = PROTOCOLS["openai"]?.make(server.url);
    const signal = new AbortController().signal;
    const request = { model: "m", messages: [{ role: "user", content: "hi" }], contextTokens: 512 } as const;
    const failures: readonly (readonly [string, Reply])[] = [
      ["thought_only", { parts: [openAi.piece({ reasoning: "Hm" }), ...openAi.end("length")] }],
      ["empty", { parts: [openAi.piece({ reasoning: "Hm" }), ...openAi.end("stop")] }],
      ["declined", { parts: [openAi.begin(), ...openAi.end("content_filter")] }],
      ["cut_off", { parts: [openAi.text("Hel"), ...openAi.end("error")] }],
      ["malformed", { parts: [openAi.piece({ content: 3 })] }],
      ["malformed", { parts: ['data: {"choices":{}}\n\n'] }],
      ["busy", { parts: ['data: {"error":{"code":503,"message":"overloaded"}}\n\n'] }],
      ["busy", json({ error: { message: "Loading model", type: "unavailable_error", code: 503 } }, 503)],
      ["busy", { status: 502, headers: { "content-type": "text/html" }, parts: ["<html>Bad Gateway</html>"] }],
      ["refused", json({ detail: "no" }, 422)],
      ["refused", json({ error: "Unexpected" }, 400)],
      [
        "too_long",
        json(
          {
            error:
              "Trying to keep the first 5215 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens",
          },
          400,
        ),
      ],
      [
        "too_long",
        json(
          {
            object: "error",
            message: "This model's maximum context length is 2048 tokens.",
            type: "BadRequestError",
            code: 400,
          },
          400,
        ),
      ],
      [
        "too_long",
        {
          parts: [
            'data: {"error":{"code":400,"type":"exceed_context_size_error","message":"x","n_prompt_tokens":2579,"n_ctx":2048}}\n\n',
          ],
        },
      ],
    ];
    for (const [code, reply] of failures) {
      server.on("/v1/chat/completions", reply);
      const asked = Array.fromAsync(provider?.chat({ ...request, maxAnswerTokens: 64, signal }) ?? []);
      await assert.rejects(
        asked,
        (error: unknown) => error instanceof ProviderError && error.code === code,
        `${code}: ${JSON.stringify(reply).slice(0, 200)}`,
      );
    }
  });
});
