import { data, DONE, type RecordedServer } from "./recorded-server.ts";

const chunk = (choices: readonly object[], more: object = {}): string =>
  data({
    id: "chatcmpl-a0e8d16d47a64de58a0a3083e18d432a",
    object: "chat.completion.chunk",
    created: 1_749_994_809,
    model: "Qwen/Qwen3-8B",
    choices,
    ...more,
  });
const piece = (delta: object, more: object = {}): string =>
  chunk([{ index: 0, delta, logprobs: null, finish_reason: null, token_ids: null, ...more }]);
const begin = chunk([{ index: 0, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null }], {
  prompt_token_ids: null,
});
const counted = chunk([], { usage: { prompt_tokens: 15, total_tokens: 57, completion_tokens: 42 } });
const USAGE = { promptTokens: 15, answerTokens: 42 };

export const vllm: RecordedServer = {
  server: "vLLM 0.10 to 0.20",
  protocol: "openai",
  answers: {
    "its last words in one piece with its end": {
      pieces: [
        begin,
        piece({ content: "안녕" }),
        piece({ content: "하세요?" }, { finish_reason: "stop", stop_reason: null }),
        counted,
        DONE,
      ],
      text: "안녕하세요?",
      reason: "stop",
      usage: USAGE,
    },
    "with thoughts apart (--reasoning-parser)": {
      pieces: [
        begin,
        piece({ reasoning_content: "The user greets me." }),
        piece({ reasoning_content: "", content: "\n\n" }),
        piece({ content: "Hello!" }),
        piece({ content: "" }, { finish_reason: "stop", stop_reason: 151_645 }),
        counted,
        DONE,
      ],
      text: "\n\nHello!",
      thinking: "The user greets me.",
      reason: "stop",
      usage: USAGE,
    },
    "with thoughts under their later name (0.12)": {
      pieces: [
        begin,
        piece({ reasoning: "Hm.", reasoning_content: "Hm." }),
        piece({ content: "Yes." }, { finish_reason: "stop" }),
        DONE,
      ],
      text: "Yes.",
      thinking: "Hm.",
      reason: "stop",
    },
    "with thoughts in the text (no parser)": {
      pieces: [
        begin,
        piece({ content: "<think>\nOkay" }),
        piece({ content: ".\n</thi" }),
        piece({ content: "nk>\n\nHi." }),
        piece({}, { finish_reason: "stop" }),
        DONE,
      ],
      text: "Hi.",
      thinking: "\nOkay.\n",
      reason: "stop",
    },
    // vllm-mlx 0.4, and sometimes vLLM 0.10.
    "that ends without saying why": {
      pieces: [begin, piece({ content: "Sunny." }), piece({ content: "" }), DONE],
      text: "Sunny.",
      reason: "stop",
    },
    "cut at the limit": {
      pieces: [
        begin,
        piece({ content: "One, two" }),
        piece({ content: "" }, { finish_reason: "length", stop_reason: null }),
        DONE,
      ],
      text: "One, two",
      reason: "length",
    },
    // --enable-auto-tool-choice, with a model that calls a tool that nobody has offered.
    "with a tool's call beside it": {
      pieces: [
        begin,
        piece({ content: "Let me look." }),
        piece({
          tool_calls: [
            { id: "chatcmpl-tool-040a", type: "function", index: 0, function: { name: "look", arguments: "" } },
          ],
        }),
        piece({ tool_calls: [{ index: 0, function: { arguments: "{}" } }] }),
        piece({}, { finish_reason: "tool_calls" }),
        DONE,
      ],
      text: "Let me look.",
      reason: "stop",
    },
    "with two calls, the second's arguments in pieces": {
      pieces: [
        begin,
        piece({ content: "Let me look." }),
        piece({
          tool_calls: [
            { id: "chatcmpl-tool-040a", type: "function", index: 0, function: { name: "get_time", arguments: "{}" } },
          ],
        }),
        piece({
          tool_calls: [
            { id: "chatcmpl-tool-bc7e", type: "function", index: 1, function: { name: "get_weather", arguments: "" } },
          ],
        }),
        piece({ tool_calls: [{ index: 1, function: { arguments: '{"ci' } }] }),
        piece({ tool_calls: [{ index: 1, function: { arguments: 'ty":"Köln"}' } }] }),
        piece({ content: "" }, { finish_reason: "tool_calls", stop_reason: null }),
        DONE,
      ],
      text: "Let me look.",
      reason: "stop",
      calls: [
        ["get_time", {}],
        ["get_weather", { city: "Köln" }],
      ],
    },
    // 0.18: the last piece of a call and the end in one, and "stop" for the reason.
    "with a call in the last piece": {
      pieces: [
        begin,
        piece({ reasoning: "Weather.", reasoning_content: "Weather." }),
        piece(
          {
            tool_calls: [
              {
                id: "call_1",
                type: "function",
                index: 0,
                function: { name: "get_weather", arguments: '{"city": "Oslo"}' },
              },
            ],
          },
          { finish_reason: "stop" },
        ),
        DONE,
      ],
      text: "",
      thinking: "Weather.",
      reason: "stop",
      calls: [["get_weather", { city: "Oslo" }]],
    },
  },
  odd: {
    "no choices beside what was counted": counted,
    "content that is null": piece({ content: null, tool_calls: [] }),
    "empty thoughts under both names": piece({ reasoning_content: "", reasoning: "" }),
  },
  failures: {
    "a prompt that is too long, before 0.11": {
      status: 400,
      contentType: "application/json",
      pieces: [
        JSON.stringify({
          object: "error",
          message:
            "This model's maximum context length is 2048 tokens. However, you requested 2600 tokens (2500 in the messages, 100 in the completion). Please reduce the length of the messages or completion.",
          type: "BadRequestError",
          param: null,
          code: 400,
        }),
      ],
      code: "too_long",
      limitTokens: 2048,
    },
    "an answer that may be longer than the prompt leaves place for, since 0.11": {
      status: 400,
      contentType: "application/json",
      pieces: [
        JSON.stringify({
          error: {
            message:
              "'max_tokens' or 'max_completion_tokens' is too large: 8192. This model's maximum context length is 8192 tokens and your request has 1210 input tokens (8192 > 8192 - 1210).",
            type: "BadRequestError",
            param: null,
            code: 400,
          },
        }),
      ],
      code: "refused",
    },
    "a prompt that is too long, since 0.11": {
      status: 400,
      contentType: "application/json",
      pieces: [
        JSON.stringify({
          error: {
            message:
              "'max_tokens' or 'max_completion_tokens' is too large: 512. This model's maximum context length is 8192 tokens and your request has 8300 input tokens (512 > 8192 - 8300).",
            type: "BadRequestError",
            param: null,
            code: 400,
          },
        }),
      ],
      code: "too_long",
      limitTokens: 8192,
    },
    "roles that the template refuses": {
      status: 400,
      contentType: "application/json",
      pieces: [
        JSON.stringify({
          object: "error",
          message: "Conversation roles must alternate user/assistant/user/assistant/...",
          type: "BadRequestError",
          param: null,
          code: 400,
        }),
      ],
      code: "refused",
    },
    "a model that it does not serve": {
      status: 404,
      contentType: "application/json",
      pieces: [
        JSON.stringify({
          error: { message: "The model `x` does not exist.", type: "NotFoundError", param: "model", code: 404 },
        }),
      ],
      code: "model_missing",
    },
    "no key": { status: 401, contentType: "application/json", pieces: ['{"error":"Unauthorized"}'], code: "refused" },
    "an engine that died in the middle": {
      pieces: [
        begin,
        piece({ content: "Well" }),
        data({
          error: { message: "EngineCore encountered an issue.", type: "InternalServerError", param: null, code: 500 },
        }),
        DONE,
      ],
      code: "refused",
      text: "Well",
    },
    "a request that it can't read": {
      status: 422,
      contentType: "application/json",
      pieces: ['{"detail":[{"type":"missing","loc":["body","messages"],"msg":"Field required","input":{}}]}'],
      code: "refused",
    },
  },
  lists: {
    "of what it serves": {
      body: JSON.stringify({
        object: "list",
        data: [
          {
            id: "Qwen/Qwen3-8B",
            object: "model",
            created: 1_749_994_000,
            owned_by: "vllm",
            root: "/home/models/qwen3-8b",
            parent: null,
            max_model_len: 40_960,
            permission: [
              { id: "modelperm-1", object: "model_permission", allow_sampling: true, organization: "*", group: null },
            ],
          },
          {
            id: "BAAI/bge-m3",
            object: "model",
            created: 1,
            owned_by: "vllm",
            root: "BAAI/bge-m3",
            parent: null,
            max_model_len: 8_192,
          },
          {
            id: "Qwen/Qwen3-Reranker-4B",
            object: "model",
            created: 1,
            owned_by: "vllm",
            root: "x",
            parent: null,
            max_model_len: 8_192,
          },
        ],
      }),
      chat: ["Qwen/Qwen3-8B"],
      others: ["BAAI/bge-m3", "Qwen/Qwen3-Reranker-4B"],
      facts: { "Qwen/Qwen3-8B": { sees: false, contextTokens: 40_960 } },
    },
  },
};
