import { data, DONE, type RecordedServer } from "./recorded-server.ts";

const chunk = (choices: readonly object[], more: object = {}): string =>
  data({
    id: "chatcmpl-qr1x6u0gk2lhz9w4o3tdvn",
    object: "chat.completion.chunk",
    created: 1_772_950_000,
    model: "qwen/qwen3.5-9b",
    system_fingerprint: "qwen/qwen3.5-9b",
    choices,
    ...more,
  });
const piece = (delta: object, reason: string | null = null): string =>
  chunk([{ index: 0, delta, logprobs: null, finish_reason: reason }]);
const begin = piece({ role: "assistant", content: "" });
const TOO_LONG =
  "Trying to keep the first 15857 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input";

export const lmStudio: RecordedServer = {
  server: "LM Studio 0.3.13 to 0.4.21",
  protocol: "openai",
  answers: {
    "each piece with the role": {
      pieces: [
        piece({ role: "assistant", content: "Good" }),
        piece({ role: "assistant", content: " morning" }),
        piece({}, "stop"),
        chunk([], { usage: { prompt_tokens: 24, completion_tokens: 3, total_tokens: 27 } }),
        DONE,
      ],
      text: "Good morning",
      reason: "stop",
      usage: { promptTokens: 24, answerTokens: 3 },
    },
    "with thoughts apart": {
      pieces: [begin, piece({ reasoning_content: "Short." }), piece({ content: "Hi." }), piece({}, "stop"), DONE],
      text: "Hi.",
      thinking: "Short.",
      reason: "stop",
    },
    "harmony's channels in the text, where it does not take them apart": {
      pieces: [
        begin,
        piece({ content: "<|channel|>analysis<|message|>We greet" }),
        piece({ content: ".<|end|><|start|>assistant<|channel|>final<|mess" }),
        piece({ content: "age|>Hello there" }),
        piece({}, "stop"),
        DONE,
      ],
      text: "Hello there",
      thinking: "We greet.",
      reason: "stop",
    },
    "that fills the window": {
      pieces: [begin, piece({ content: "So" }), data({ error: { message: "Context size has been exceeded." } })],
      text: "So",
      reason: "length",
    },
    "cut at the limit": {
      pieces: [begin, piece({ content: "Long" }), piece({}, "length"), DONE],
      text: "Long",
      reason: "length",
    },
    "with a call, and one of nothing after it": {
      pieces: [
        piece({ role: "assistant", content: "", tool_calls: [] }),
        piece({
          role: "assistant",
          tool_calls: [
            { index: 0, id: "193629320", type: "function", function: { name: "get_weather", arguments: "" } },
          ],
        }),
        piece({
          role: "assistant",
          tool_calls: [{ index: 0, type: "function", function: { name: "", arguments: '{"city":"Oslo"}' } }],
        }),
        piece({ role: "assistant", tool_calls: [{ index: 1, id: "", type: "function" }] }),
        piece({}, "tool_calls"),
        DONE,
      ],
      text: "",
      reason: "stop",
      calls: [["get_weather", { city: "Oslo" }]],
    },
  },
  odd: {
    "an empty delta": piece({}),
    "counts alone": chunk([], { usage: { prompt_tokens: 1, completion_tokens: 0 }, stats: {} }),
  },
  failures: {
    "a prompt that is too long": {
      status: 400,
      contentType: "application/json",
      pieces: [JSON.stringify({ error: TOO_LONG })],
      code: "too_long",
      limitTokens: 4096,
    },
    // 0.4: the status is already 200.
    "the same in a stream": {
      pieces: [
        `event: error\ndata: ${JSON.stringify({ error: { message: TOO_LONG } })}\n\n`,
        data({ error: { message: TOO_LONG } }),
      ],
      code: "too_long",
      limitTokens: 4096,
    },
    "nothing said at all, where the prompt was too long for GGUF": {
      pieces: [
        begin,
        piece({}, "stop"),
        chunk([], { usage: { prompt_tokens: 36_000, completion_tokens: 0, total_tokens: 36_000 } }),
        DONE,
      ],
      code: "empty",
    },
    "a model that crashed": {
      status: 400,
      contentType: "application/json",
      pieces: [
        JSON.stringify({
          error: "The model has crashed without additional information. (Exit code: 18446744072635812000)",
        }),
      ],
      code: "refused",
    },
    "a path that it does not know": {
      pieces: ['{"error":"Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway"}'],
      contentType: "application/json",
      code: "malformed",
    },
  },
  lists: {
    "by OpenAI's protocol": {
      body: JSON.stringify({
        data: [
          "qwen/qwen3.5-9b",
          "google/gemma-3-4b",
          "text-embedding-nomic-embed-text-v1.5",
          "allenai/olmocr-2-7b",
        ].map((id) => ({
          id,
          object: "model",
          owned_by: "organization_owner",
        })),
        object: "list",
      }),
      chat: ["qwen/qwen3.5-9b", "google/gemma-3-4b"],
      others: ["text-embedding-nomic-embed-text-v1.5", "allenai/olmocr-2-7b"],
    },
    // At /api/v0, which some people set as the address.
    "by its own": {
      body: JSON.stringify({
        object: "list",
        data: [
          {
            id: "qwen2-vl-7b-instruct",
            object: "model",
            type: "vlm",
            publisher: "mlx-community",
            state: "not-loaded",
            max_context_length: 32_768,
          },
          {
            id: "meta-llama-3.1-8b-instruct",
            object: "model",
            type: "llm",
            state: "loaded",
            max_context_length: 131_072,
            loaded_context_length: 4_096,
          },
          { id: "plain-name", object: "model", type: "embeddings", state: "not-loaded", max_context_length: 2_048 },
        ],
      }),
      chat: ["qwen2-vl-7b-instruct", "meta-llama-3.1-8b-instruct"],
      others: ["plain-name"],
      facts: {
        "qwen2-vl-7b-instruct": { sees: true, contextTokens: 32_768 },
        "meta-llama-3.1-8b-instruct": { sees: false, contextTokens: 4_096 },
      },
    },
  },
};
