import { line, type RecordedServer } from "./recorded-server.ts";

const piece = (message: object, more: object = {}): string =>
  line({
    model: "llama3.2:3b",
    created_at: "2026-11-02T09:21:21.196249Z",
    message: { role: "assistant", content: "", ...message },
    done: false,
    ...more,
  });
const end = (reason: string): string =>
  piece(
    {},
    {
      done: true,
      done_reason: reason,
      total_duration: 4_648_158_584,
      load_duration: 4_071_084,
      prompt_eval_count: 26,
      prompt_eval_duration: 439_038_000,
      eval_count: 9,
      eval_duration: 4_196_918_000,
    },
  );
const USAGE = { promptTokens: 26, answerTokens: 9 };
const entry = (name: string, capabilities: readonly string[] | undefined, more: object = {}): object => ({
  name,
  model: name,
  modified_at: "2026-10-17T23:14:07.414671162Z",
  size: 2_019_393_189,
  digest: "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72",
  details: {
    parent_model: "",
    format: "gguf",
    family: "llama",
    families: ["llama"],
    parameter_size: "3.2B",
    quantization_level: "Q4_K_M",
    context_length: 131_072,
    embedding_length: 3_072,
  },
  ...(capabilities === undefined ? {} : { capabilities }),
  ...more,
});
const bert = {
  details: {
    parent_model: "",
    format: "gguf",
    family: "nomic-bert",
    families: ["nomic-bert"],
    parameter_size: "137M",
    quantization_level: "F16",
  },
};

export const ollama: RecordedServer = {
  server: "Ollama 0.5 to 0.20",
  protocol: "ollama",
  answers: {
    "in lines": {
      pieces: [piece({ content: "Grüezi" }), piece({ content: " mitenand" }), end("stop")],
      text: "Grüezi mitenand",
      reason: "stop",
      usage: USAGE,
    },
    "with thoughts apart": {
      pieces: [piece({ thinking: "Okay," }), piece({ thinking: " hi." }), piece({ content: "Hi." }), end("stop")],
      text: "Hi.",
      thinking: "Okay, hi.",
      reason: "stop",
      usage: USAGE,
    },
    // A template that it does not know.
    "with thoughts in the text, of which only the end is marked": {
      pieces: [piece({ content: "The user says hi.\n" }), piece({ content: "</think>\n\nHello!" }), end("stop")],
      text: "Hello!",
      thinking: "The user says hi.\n",
      reason: "stop",
      usage: USAGE,
    },
    "cut at num_predict": {
      pieces: [piece({ content: "One two" }), end("length")],
      text: "One two",
      reason: "length",
      usage: USAGE,
    },
    "that fills the window (shift: false)": {
      pieces: [
        piece({ content: "And" }),
        line({ error: "the request exceeds the available context size (2048 tokens), try increasing it" }),
      ],
      text: "And",
      reason: "length",
    },
    "whose last line has no message": {
      pieces: [piece({ content: "Yes." }), line({ model: "llama3.2:3b", done: true })],
      text: "Yes.",
      reason: "stop",
    },
    "whose prompt was in the cache, and not counted": {
      pieces: [piece({ content: "Yes." }), piece({}, { done: true, done_reason: "stop", eval_count: 3 })],
      text: "Yes.",
      reason: "stop",
    },
    "with a tool's call beside it": {
      pieces: [
        piece({ content: "Looking." }),
        piece({ tool_calls: [{ function: { name: "look", arguments: {} } }] }),
        end("stop"),
      ],
      text: "Looking.",
      reason: "stop",
      usage: USAGE,
    },
    // The id since 0.12.
    "with two calls": {
      pieces: [
        piece({ content: "I look." }),
        piece({
          tool_calls: [
            { id: "call_8n5lbs3s", function: { index: 0, name: "get_weather", arguments: { city: "Bern" } } },
          ],
        }),
        piece({ tool_calls: [{ function: { name: "get_time", arguments: {} } }] }),
        end("stop"),
      ],
      text: "I look.",
      reason: "stop",
      usage: USAGE,
      calls: [
        ["get_weather", { city: "Bern" }],
        ["get_time", {}],
      ],
    },
    "with a call in the last line": {
      pieces: [
        piece({ thinking: "Time." }),
        piece(
          { tool_calls: [{ function: { name: "get_time", arguments: null } }] },
          { done: true, done_reason: "stop" },
        ),
      ],
      text: "",
      thinking: "Time.",
      reason: "stop",
      calls: [["get_time", {}]],
    },
  },
  odd: {
    "content that is null": piece({ content: null }),
    "empty thoughts": piece({ thinking: "" }),
    "a tool's call": piece({ tool_calls: [{ function: { name: "x", arguments: {} } }] }),
    "a blank line": "\n",
  },
  failures: {
    "a model that is not there": {
      status: 404,
      contentType: "application/json",
      pieces: ['{"error":"model \'nope\' not found"}'],
      code: "model_missing",
    },
    "a runner that died in the middle": {
      pieces: [
        piece({ content: "Hello! How" }),
        line({ error: "an error was encountered while running the model: unexpected EOF" }),
      ],
      code: "cut_off",
      text: "Hello! How",
    },
    "a full queue": {
      status: 503,
      contentType: "application/json",
      pieces: ['{"error":"server busy, please try again.  maximum pending requests exceeded"}'],
      code: "busy",
    },
    "too little memory": {
      status: 500,
      contentType: "application/json",
      pieces: ['{"error":"model requires more system memory (5.6 GiB) than is available (3.1 GiB)"}'],
      code: "refused",
    },
    "a prompt that is too long (truncate: false)": {
      status: 400,
      contentType: "application/json",
      pieces: ['{"error":"the input length exceeds the context length"}'],
      code: "too_long",
    },
    "a cloud that wants a sign-in": {
      status: 401,
      contentType: "application/json",
      pieces: ['{"error":"unauthorized"}'],
      code: "refused",
    },
    "an embedding model": {
      status: 400,
      contentType: "application/json",
      pieces: ['{"error":"\\"nomic-embed-text\\" does not support chat"}'],
      code: "refused",
    },
    "an end in the middle of a line": {
      pieces: [piece({ content: "Hel" }), '{"model":"llama3.2:3b","mess'],
      code: "cut_off",
      text: "Hel",
    },
  },
  lists: {
    "with capabilities (0.18)": {
      body: JSON.stringify({
        models: [
          entry("llama3.2:3b", ["completion", "tools"]),
          entry("gemma3:4b", ["completion", "vision"]),
          entry("embeddinggemma:latest", ["embedding"]),
          entry("z-image:latest", ["image"]),
          entry("gpt-oss:120b-cloud", ["completion", "tools", "thinking"], {
            remote_model: "gpt-oss:120b",
            remote_host: "https://ollama.com:443",
          }),
        ],
      }),
      chat: ["llama3.2:3b", "gemma3:4b"],
      others: ["embeddinggemma:latest", "z-image:latest"],
    },
    "without (0.5)": {
      body: JSON.stringify({
        models: [
          entry("llama3.2:3b", undefined),
          entry("nomic-embed-text:latest", undefined, bert),
          entry("qwen3-embedding:4b", undefined),
          entry("deepseek-ocr:3b", undefined),
          entry("dengcao/Qwen3-Reranker-4B:Q5_K_M", undefined),
        ],
      }),
      chat: ["llama3.2:3b"],
      others: ["nomic-embed-text:latest", "qwen3-embedding:4b", "deepseek-ocr:3b", "dengcao/Qwen3-Reranker-4B:Q5_K_M"],
    },
  },
};
