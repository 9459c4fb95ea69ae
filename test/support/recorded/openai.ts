import { data, DONE, type RecordedServer } from "./recorded-server.ts";

const chunk = (choices: readonly object[], more: object = {}): string =>
  data({
    id: "chatcmpl-CkA1xT7dM0bWq2sYv9LhUe4RzPn6G",
    object: "chat.completion.chunk",
    created: 1_764_403_200,
    model: "gpt-5.2-mini-2026-03-17",
    service_tier: "default",
    system_fingerprint: "fp_7f2c51ab90",
    choices,
    usage: null,
    // Padding against guesses by length; each piece has some.
    obfuscation: "q3Zt0e",
    ...more,
  });
const piece = (delta: object, reason: string | null = null): string =>
  chunk([{ index: 0, delta, logprobs: null, finish_reason: reason }]);
const counted = chunk([], {
  usage: {
    prompt_tokens: 19,
    completion_tokens: 10,
    total_tokens: 29,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0 },
  },
});
const begin = piece({ role: "assistant", content: "", refusal: null });
const refused = (
  status: number,
  error: object,
): { readonly status: number; readonly contentType: string; readonly pieces: readonly string[] } => ({
  status,
  contentType: "application/json",
  pieces: [JSON.stringify({ error }, null, 2)],
});

export const openAiServer: RecordedServer = {
  server: "OpenAI, chat completions, 2026-03",
  protocol: "openai",
  answers: {
    "in pieces": {
      pieces: [begin, piece({ content: "Grüß" }), piece({ content: " Gott 👋🏽" }), piece({}, "stop"), counted, DONE],
      text: "Grüß Gott 👋🏽",
      reason: "stop",
      usage: { promptTokens: 19, answerTokens: 10 },
    },
    "cut at the limit": {
      pieces: [begin, piece({ content: "Once upon" }), piece({}, "length"), DONE],
      text: "Once upon",
      reason: "length",
    },
    "a refusal in its own place": {
      pieces: [begin, piece({ refusal: "I can’t help" }), piece({ refusal: " with that." }), piece({}, "stop"), DONE],
      text: "I can’t help with that.",
      reason: "stop",
    },
    "stopped by rules in the middle": {
      pieces: [begin, piece({ content: "First," }), piece({}, "content_filter"), DONE],
      text: "First,",
      reason: "filtered",
    },
    // Azure: the question is judged first, in a piece without a choice.
    "judged before it begins": {
      pieces: [
        data({
          choices: [],
          created: 0,
          id: "",
          model: "",
          object: "",
          prompt_filter_results: [
            { prompt_index: 0, content_filter_results: { hate: { filtered: false, severity: "safe" } } },
          ],
        }),
        begin,
        piece({ content: "Yes." }),
        data({
          choices: [{ index: 0, delta: {}, finish_reason: "stop", content_filter_results: {} }],
          object: "chat.completion.chunk",
        }),
        DONE,
      ],
      text: "Yes.",
      reason: "stop",
    },
    "with two calls at once": {
      pieces: [
        begin,
        piece({
          tool_calls: [
            { index: 0, id: "call_DdmO9pD3xa", type: "function", function: { name: "get_weather", arguments: "" } },
          ],
        }),
        piece({ tool_calls: [{ index: 0, function: { arguments: '{"' } }] }),
        piece({ tool_calls: [{ index: 0, function: { arguments: 'city":"Ol' } }] }),
        piece({
          tool_calls: [
            { index: 1, id: "call_b8Wq2sYv9L", type: "function", function: { name: "get_weather", arguments: "" } },
          ],
        }),
        piece({ tool_calls: [{ index: 1, function: { arguments: '{"city":"Pau"}' } }] }),
        // Calls may be interleaved.
        piece({ tool_calls: [{ index: 0, function: { arguments: 'oron"}' } }] }),
        piece({}, "tool_calls"),
        counted,
        DONE,
      ],
      text: "",
      reason: "stop",
      usage: { promptTokens: 19, answerTokens: 10 },
      calls: [
        ["get_weather", { city: "Oloron" }],
        ["get_weather", { city: "Pau" }],
      ],
    },
  },
  odd: {
    "what was counted": counted,
    "padding alone": chunk([], { obfuscation: "x" }),
    "an empty delta": piece({}),
  },
  failures: {
    "a key that is none": {
      ...refused(401, {
        message:
          "Incorrect API key provided: sk-no. You can find your API key at https://platform.openai.com/account/api-keys.",
        type: "invalid_request_error",
        param: null,
        code: "invalid_api_key",
      }),
      code: "refused",
    },
    "too many requests": {
      ...refused(429, {
        message:
          "Rate limit reached for gpt-5.2-mini on tokens per min (TPM): Limit 200000, Used 199000, Requested 2500.",
        type: "tokens",
        param: null,
        code: "rate_limit_exceeded",
      }),
      code: "busy",
    },
    "no money left, with the same status": {
      ...refused(429, {
        message: "You exceeded your current quota, please check your plan and billing details.",
        type: "insufficient_quota",
        param: null,
        code: "insufficient_quota",
      }),
      code: "unpaid",
    },
    "a model that is none": {
      ...refused(404, {
        message: "The model `gpt-9` does not exist or you do not have access to it.",
        type: "invalid_request_error",
        param: null,
        code: "model_not_found",
      }),
      code: "model_missing",
    },
    "a prompt that is too long": {
      ...refused(400, {
        message:
          "This model's maximum context length is 8192 tokens. However, your messages resulted in 9123 tokens. Please reduce the length of the messages.",
        type: "invalid_request_error",
        param: "messages",
        code: "context_length_exceeded",
      }),
      code: "too_long",
      limitTokens: 8192,
    },
    "trouble in the middle": {
      pieces: [
        begin,
        piece({ content: "Let me " }),
        data({
          error: {
            message: "The server had an error processing your request.",
            type: "server_error",
            param: null,
            code: null,
          },
        }),
      ],
      code: "refused",
      text: "Let me ",
    },
    "an end without its mark": { pieces: [begin, piece({ content: "Half" })], code: "cut_off", text: "Half" },
  },
  lists: {
    "of all kinds": {
      body: JSON.stringify({
        object: "list",
        data: [
          "gpt-5.2-mini",
          "gpt-4o-2024-08-06",
          "o4-mini",
          "chatgpt-4o-latest",
          "text-embedding-3-small",
          "text-embedding-ada-002",
          "whisper-1",
          "gpt-4o-transcribe",
          "tts-1-hd",
          "gpt-4o-mini-tts",
          "dall-e-3",
          "gpt-image-1",
          "omni-moderation-latest",
          "gpt-realtime",
          "sora-2",
          "babbage-002",
        ].map((id) => ({ id, object: "model", created: 1_715_367_049, owned_by: "system" })),
      }),
      chat: ["gpt-5.2-mini", "gpt-4o-2024-08-06", "o4-mini", "chatgpt-4o-latest"],
      others: [
        "text-embedding-3-small",
        "text-embedding-ada-002",
        "whisper-1",
        "gpt-4o-transcribe",
        "tts-1-hd",
        "gpt-4o-mini-tts",
        "dall-e-3",
        "gpt-image-1",
        "omni-moderation-latest",
        "gpt-realtime",
        "sora-2",
        "babbage-002",
      ],
    },
  },
};
