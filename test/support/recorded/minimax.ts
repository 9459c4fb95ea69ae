import { data, type RecordedServer } from "./recorded-server.ts";

const REST = {
  created: 1_771_279_826,
  model: "MiniMax-M2.5",
  input_sensitive: false,
  output_sensitive: false,
  input_sensitive_type: 0,
  output_sensitive_type: 0,
  output_sensitive_int: 0,
};
const chunk = (choices: readonly object[] | null, more: object = {}): string =>
  data({
    id: "04ecb5d9b1921ae0fb0e8da9017a5474",
    choices,
    object: "chat.completion.chunk",
    usage: null,
    ...REST,
    ...more,
  });
const piece = (delta: object): string =>
  chunk([{ index: 0, delta: { role: "assistant", name: "MiniMax AI", audio_content: "", ...delta } }]);
/** The whole answer comes again at its end, without a final mark. */
const whole = (content: string, reason = "stop"): string =>
  data({
    id: "04ecb5d9b1921ae0fb0e8da9017a5474",
    choices: [
      {
        finish_reason: reason,
        index: 0,
        message: { content, role: "assistant", name: "MiniMax AI", audio_content: "" },
      },
    ],
    object: "chat.completion",
    usage: {
      total_tokens: 249,
      total_characters: 0,
      prompt_tokens: 26,
      completion_tokens: 223,
      completion_tokens_details: { reasoning_tokens: 214 },
    },
    ...REST,
    base_resp: { status_code: 0, status_msg: "" },
  });
const failed = (code: number, words: string): string =>
  data({
    id: "05",
    choices: null,
    object: "",
    usage: null,
    ...REST,
    base_resp: { status_code: code, status_msg: words },
  });
const USAGE = { promptTokens: 26, answerTokens: 223 };

export const miniMax: RecordedServer = {
  server: "MiniMax, M2.1 to M3",
  protocol: "openai",
  answers: {
    "with thoughts in the text, and the whole again at its end": {
      pieces: [
        piece({ content: "<think>\n用户" }),
        piece({ content: "说你好。\n</think>\n\n" }),
        piece({ content: "晚上好！" }),
        whole("<think>\n用户说你好。\n</think>\n\n晚上好！"),
      ],
      text: "晚上好！",
      thinking: "\n用户说你好。\n",
      reason: "stop",
      usage: USAGE,
    },
    "with thoughts apart (reasoning_split), and an empty role": {
      pieces: [
        chunk([{ index: 0, delta: { role: "", reasoning_content: "", reasoning_details: [] } }]),
        piece({ reasoning_content: "Greet.", reasoning_details: [{ type: "reasoning.text", text: "Greet." }] }),
        piece({ content: "Good evening!" }),
        whole("Good evening!"),
      ],
      text: "Good evening!",
      thinking: "Greet.",
      reason: "stop",
      usage: USAGE,
    },
    "cut at the limit": {
      pieces: [piece({ content: "One" }), whole("One", "length")],
      text: "One",
      reason: "length",
      usage: USAGE,
    },
  },
  odd: {
    "an empty role": chunk([{ index: 0, delta: { role: "" } }], { usage: { total_tokens: 0, total_characters: 0 } }),
    "choices that are null": chunk(null),
    "a good status": data({ base_resp: { status_code: 0, status_msg: "success" } }),
  },
  failures: {
    "no money, with status 200": { pieces: [failed(1008, "insufficient balance")], code: "unpaid" },
    "no money, with status 429": {
      status: 429,
      contentType: "application/json",
      pieces: [
        JSON.stringify({
          error: { http_code: "429", message: "insufficient balance (1008)", type: "insufficient_balance_error" },
          request_id: "05997465cd2ee4bd50b24b216c911b75",
        }),
      ],
      code: "unpaid",
    },
    "too many requests, with status 200": { pieces: [failed(1002, "rate limit exceeded(RPM)")], code: "busy" },
    "a key that is none, with status 200": {
      pieces: [failed(1004, "login fail: Please carry the API secret key")],
      code: "refused",
    },
    "a prompt that is too long, with status 200": {
      pieces: [failed(2013, "invalid params, context window exceeds limit (2013)")],
      code: "too_long",
    },
    "too many tokens in a minute, with status 200": { pieces: [failed(1039, "token limit")], code: "busy" },
    "no money, in one piece": {
      contentType: "application/json",
      pieces: ['{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}'],
      code: "unpaid",
    },
    "rules about what is asked": { pieces: [failed(1026, "input new_sensitive")], code: "declined" },
    "rules about what was said": {
      pieces: [piece({ content: "Some" }), failed(1027, "output new_sensitive")],
      code: "declined",
      text: "Some",
    },
    "a timeout in the middle": {
      pieces: [piece({ content: "Some" }), failed(1001, "request timeout")],
      code: "busy",
      text: "Some",
    },
  },
  lists: {},
};
