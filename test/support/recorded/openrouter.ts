import { data, DONE, type RecordedServer } from "./recorded-server.ts";

const chunk = (choices: readonly object[], more: object = {}): string =>
  data({
    id: "gen-1764403200-Qm4bVt8sLz",
    provider: "Mistral",
    model: "mistralai/mistral-small-3.2-24b-instruct",
    object: "chat.completion.chunk",
    created: 1_764_403_200,
    choices,
    ...more,
  });
const piece = (delta: object, reason: string | null = null, native: string | null = reason): string =>
  chunk([
    {
      index: 0,
      delta: { role: "assistant", ...delta },
      finish_reason: reason,
      native_finish_reason: native,
      logprobs: null,
    },
  ]);
const ALIVE = ": OPENROUTER PROCESSING\n\n";
const counted = chunk(
  [
    {
      index: 0,
      delta: { role: "assistant", content: "" },
      finish_reason: null,
      native_finish_reason: null,
      logprobs: null,
    },
  ],
  {
    usage: {
      prompt_tokens: 30,
      completion_tokens: 8,
      total_tokens: 38,
      cost: 0.000_012,
      is_byok: false,
      cost_details: {},
    },
  },
);

export const openRouter: RecordedServer = {
  server: "OpenRouter, 2026-08",
  protocol: "openai",
  answers: {
    "after signs that it lives": {
      pieces: [
        ALIVE,
        ALIVE,
        piece({ content: "Bon" }),
        ALIVE,
        piece({ content: "jour" }),
        piece({ content: "" }, "stop"),
        counted,
        DONE,
      ],
      text: "Bonjour",
      reason: "stop",
      usage: { promptTokens: 30, answerTokens: 8 },
    },
    "with thoughts twice, as words and as details": {
      pieces: [
        piece({
          content: "",
          reasoning: "Think.",
          reasoning_details: [{ type: "reasoning.text", text: "Think.", format: "unknown", index: 0 }],
        }),
        piece({ content: "Done.", reasoning: null, reasoning_details: [] }),
        piece({ content: "" }, "stop", "end_turn"),
        DONE,
      ],
      text: "Done.",
      thinking: "Think.",
      reason: "stop",
    },
    "cut at the limit": {
      pieces: [piece({ content: "And so" }), piece({ content: "" }, "length", "MAX_TOKENS"), DONE],
      text: "And so",
      reason: "length",
    },
    "with a call after encrypted thoughts": {
      pieces: [
        ALIVE,
        piece({
          content: "",
          reasoning: null,
          reasoning_details: [{ type: "reasoning.encrypted", data: "gAAAA", index: 0 }],
        }),
        piece({
          content: null,
          tool_calls: [
            { index: 0, id: "tool_0_get_time", type: "function", function: { name: "get_time", arguments: "" } },
          ],
        }),
        piece({ content: "" }, "tool_calls", "STOP"),
        DONE,
      ],
      text: "",
      reason: "stop",
      calls: [["get_time", {}]],
    },
  },
  odd: {
    "a sign that it lives": ALIVE,
    "counts with a choice": counted,
    "encrypted thoughts": piece({
      content: "",
      reasoning: null,
      reasoning_details: [{ type: "reasoning.encrypted", data: "gAAAA", index: 0 }],
    }),
  },
  failures: {
    "no credits": {
      status: 402,
      contentType: "application/json",
      pieces: [
        JSON.stringify({
          error: {
            message:
              "This request requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only afford 61586.",
            code: 402,
            metadata: { provider_name: null },
          },
          user_id: "user_1",
        }),
      ],
      code: "unpaid",
    },
    "a provider behind it that is too busy": {
      status: 429,
      contentType: "application/json",
      pieces: [
        JSON.stringify({
          error: {
            message: "Provider returned error",
            code: 429,
            metadata: { raw: "temporarily rate-limited upstream. Please retry shortly.", provider_name: "Chutes" },
          },
        }),
      ],
      code: "busy",
    },
    "the same in the middle of a stream": {
      pieces: [
        ALIVE,
        piece({ content: "Well, " }),
        data({
          id: "gen-1",
          object: "chat.completion.chunk",
          error: { code: 502, message: "Provider disconnected unexpectedly" },
          choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }],
        }),
      ],
      code: "busy",
      text: "Well, ",
    },
    "a prompt that is too long": {
      status: 400,
      contentType: "application/json",
      pieces: [
        JSON.stringify({
          error: {
            message:
              "This endpoint's maximum context length is 32768 tokens. However, you requested about 41000 tokens (40000 of text input, 1000 in the output). Please reduce the length of either one.",
            code: 400,
          },
        }),
      ],
      code: "too_long",
      limitTokens: 32_768,
    },
    rules: {
      status: 403,
      contentType: "application/json",
      pieces: [
        JSON.stringify({
          error: { message: "Input flagged", code: 403, metadata: { reasons: ["violence"], flagged_input: "…" } },
        }),
      ],
      code: "refused",
    },
  },
  lists: {
    "with what goes in and comes out": {
      body: JSON.stringify({
        data: [
          {
            id: "mistralai/mistral-small-3.2-24b-instruct",
            canonical_slug: "mistralai/mistral-small-3.2-24b-instruct-2506",
            name: "Mistral: Mistral Small 3.2 24B",
            created: 1_750_443_016,
            context_length: 131_072,
            architecture: {
              modality: "text+image->text",
              input_modalities: ["image", "text"],
              output_modalities: ["text"],
              tokenizer: "Mistral",
            },
            top_provider: { context_length: 131_072, max_completion_tokens: null, is_moderated: false },
            supported_parameters: ["max_tokens", "temperature"],
          },
          {
            id: "some/painter",
            context_length: 32_768,
            architecture: { input_modalities: ["text"], output_modalities: ["image"] },
          },
          {
            id: "some/embedder",
            context_length: 8_192,
            architecture: { input_modalities: ["text"], output_modalities: ["embeddings"] },
          },
        ],
      }),
      chat: ["mistralai/mistral-small-3.2-24b-instruct"],
      others: ["some/painter", "some/embedder"],
      facts: { "mistralai/mistral-small-3.2-24b-instruct": { sees: true, contextTokens: 131_072, tools: false } },
    },
  },
};
