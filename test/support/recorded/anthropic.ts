import type { RecordedServer } from "./recorded-server.ts";

const event = (value: { readonly type: string }): string => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
const delta = (index: number, inner: object): string =>
  event({ type: "content_block_delta", index, delta: inner } as { type: string });
const start = (index: number, block: object): string =>
  event({ type: "content_block_start", index, content_block: block } as { type: string });
const stop = (index: number): string => event({ type: "content_block_stop", index } as { type: string });
const begin = (
  usage: object | null = {
    input_tokens: 15,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 4,
    output_tokens: 1,
    service_tier: "standard",
  },
): string =>
  event({
    type: "message_start",
    message: {
      id: "msg_01XFDUDYJgAACzvnptvVoYEL",
      type: "message",
      role: "assistant",
      model: "claude-sonnet-5-5",
      content: [],
      stop_reason: null,
      stop_sequence: null,
      ...(usage === null ? {} : { usage }),
    },
  } as { type: string });
const end = (reason: string, usage: object | null = { output_tokens: 10 }): string[] => [
  event({
    type: "message_delta",
    delta: { stop_reason: reason, stop_sequence: null },
    ...(usage === null ? {} : { usage }),
  } as { type: string }),
  event({ type: "message_stop" }),
];
const ping = event({ type: "ping" });
const TEXT = { type: "text", text: "" };
const USAGE = { promptTokens: 19, answerTokens: 10 };
const refused = (
  status: number,
  type: string,
  message: string,
): { readonly status: number; readonly contentType: string; readonly pieces: readonly string[] } => ({
  status,
  contentType: "application/json",
  pieces: [JSON.stringify({ type: "error", error: { type, message }, request_id: "req_011CSHoEeqs5C35K2UUqR7Fy" })],
});

export const anthropicServer: RecordedServer = {
  server: "Anthropic, anthropic-version 2023-06-01 to 2026-10-21",
  protocol: "anthropic",
  answers: {
    "in pieces": {
      pieces: [
        begin(),
        start(0, TEXT),
        ping,
        delta(0, { type: "text_delta", text: "Olá" }),
        delta(0, { type: "text_delta", text: "! 🌊" }),
        stop(0),
        ...end("end_turn"),
      ],
      text: "Olá! 🌊",
      reason: "stop",
      usage: USAGE,
    },
    "with thoughts, signed, and some that are kept secret": {
      pieces: [
        begin(),
        start(0, { type: "thinking", thinking: "", signature: "" }),
        delta(0, { type: "thinking_delta", thinking: "Consider." }),
        delta(0, { type: "signature_delta", signature: "EqQBCgIYAhIM" }),
        stop(0),
        start(1, { type: "redacted_thinking", data: "EmwKAhgB" }),
        stop(1),
        start(2, TEXT),
        delta(2, { type: "text_delta", text: "Yes." }),
        stop(2),
        ...end("end_turn"),
      ],
      text: "Yes.",
      thinking: "Consider.",
      reason: "stop",
      usage: USAGE,
    },
    "with thoughts, words and two calls, one without input": {
      pieces: [
        begin(),
        start(0, { type: "thinking", thinking: "", signature: "" }),
        delta(0, { type: "thinking_delta", thinking: "Look." }),
        delta(0, { type: "signature_delta", signature: "EqQBCgIYAhIM" }),
        stop(0),
        start(1, TEXT),
        delta(1, { type: "text_delta", text: "One moment." }),
        stop(1),
        start(2, { type: "tool_use", id: "toolu_01T1x1fJ34qAmk2tNTrN7Up6", name: "get_weather", input: {} }),
        delta(2, { type: "input_json_delta", partial_json: "" }),
        delta(2, { type: "input_json_delta", partial_json: '{"city": "Lis' }),
        delta(2, { type: "input_json_delta", partial_json: 'boa"}' }),
        stop(2),
        start(3, { type: "tool_use", id: "toolu_01A09q90qw90lq917835lq9", name: "get_time", input: {} }),
        stop(3),
        ...end("tool_use"),
      ],
      text: "One moment.",
      thinking: "Look.",
      reason: "stop",
      usage: USAGE,
      calls: [
        ["get_weather", { city: "Lisboa" }],
        ["get_time", {}],
      ],
    },
    // Other servers with this protocol send it at once.
    "with a call whose input is whole at its beginning": {
      pieces: [
        begin(null),
        start(0, { type: "tool_use", id: "toolu_1", name: "get_weather", input: { city: "Faro" } }),
        stop(0),
        ...end("tool_use", null),
      ],
      text: "",
      reason: "stop",
      calls: [["get_weather", { city: "Faro" }]],
    },
    "with a call cut at the limit": {
      pieces: [
        begin(),
        start(0, { type: "tool_use", id: "toolu_1", name: "get_weather", input: {} }),
        delta(0, { type: "input_json_delta", partial_json: '{"city": "Lis' }),
        ...end("max_tokens"),
      ],
      text: "",
      reason: "length",
      usage: USAGE,
      calls: [],
    },
    "cut at the limit": {
      pieces: [begin(), start(0, TEXT), delta(0, { type: "text_delta", text: "Once" }), stop(0), ...end("max_tokens")],
      text: "Once",
      reason: "length",
      usage: USAGE,
    },
    "cut by a full window": {
      pieces: [
        begin(),
        start(0, TEXT),
        delta(0, { type: "text_delta", text: "Once" }),
        stop(0),
        ...end("model_context_window_exceeded"),
      ],
      text: "Once",
      reason: "length",
      usage: USAGE,
    },
    "a refusal in the middle": {
      pieces: [begin(), start(0, TEXT), delta(0, { type: "text_delta", text: "First" }), stop(0), ...end("refusal")],
      text: "First",
      reason: "filtered",
      usage: USAGE,
    },
    // Servers that only speak the protocol count nothing.
    "with nothing counted": {
      pieces: [
        begin(null),
        start(0, TEXT),
        delta(0, { type: "text_delta", text: "Ok" }),
        stop(0),
        ...end("end_turn", null),
      ],
      text: "Ok",
      reason: "stop",
    },
  },
  odd: {
    "a ping": ping,
    "an event of a later version": event({ type: "content_block_note" }),
    "a comment": ": keep-alive\n\n",
  },
  failures: {
    "a parameter that is not there any more": {
      ...refused(400, "invalid_request_error", "temperature: Extra inputs are not permitted"),
      code: "refused",
    },
    "a key that is none": { ...refused(401, "authentication_error", "invalid x-api-key"), code: "refused" },
    "no money": {
      ...refused(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
      code: "unpaid",
    },
    "a model that is none": { ...refused(404, "not_found_error", "model: claude-nope"), code: "model_missing" },
    "too many requests": {
      ...refused(429, "rate_limit_error", "This request would exceed your organization's rate limit."),
      code: "busy",
    },
    overloaded: { ...refused(529, "overloaded_error", "Overloaded"), code: "busy" },
    "a prompt that is too long": {
      ...refused(400, "invalid_request_error", "prompt is too long: 212345 tokens > 200000 maximum"),
      code: "too_long",
      limitTokens: 200_000,
    },
    "a request that is too large": {
      ...refused(413, "request_too_large", "Request exceeds the maximum size"),
      code: "too_long",
    },
    "overloaded in the middle": {
      pieces: [
        begin(),
        start(0, TEXT),
        delta(0, { type: "text_delta", text: "He" }),
        event({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } } as { type: string }),
      ],
      code: "busy",
      text: "He",
    },
    "a refusal before a word": {
      pieces: [begin(), ...end("refusal")],
      code: "declined",
    },
  },
  lists: {
    "of its models": {
      body: JSON.stringify({
        data: [
          { type: "model", id: "claude-opus-5-5", display_name: "Claude Opus 5.5", created_at: "2026-08-11T00:00:00Z" },
          {
            type: "model",
            id: "claude-haiku-5-5",
            display_name: "Claude Haiku 5.5",
            created_at: "2026-09-02T00:00:00Z",
          },
        ],
        has_more: false,
        first_id: "claude-opus-5-5",
        last_id: "claude-haiku-5-5",
      }),
      chat: ["claude-opus-5-5", "claude-haiku-5-5"],
      others: [],
    },
  },
};
