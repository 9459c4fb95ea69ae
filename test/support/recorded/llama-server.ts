import * as bytes from "./llama-server-bytes.ts";
import { data, DONE, type RecordedFailure, type RecordedServer } from "./recorded-server.ts";

/** The body of a whole HTTP response, in the chunks in which it was sent. */
function bodyOf(response: string): string[] {
  const start = response.indexOf("\r\n\r\n") + 4;
  if (!/^transfer-encoding: chunked/im.test(response.slice(0, start))) return [response.slice(start)];
  const chunks: string[] = [];
  for (let at = start; ;) {
    const end = response.indexOf("\r\n", at);
    const length = Number.parseInt(response.slice(at, end), 16);
    // The sent bytes are ASCII: as many characters as bytes. An answer that broke off has no last chunk.
    if (end === -1 || !(length > 0)) return chunks;
    chunks.push(response.slice(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
}

function failure(
  response: string,
  code: RecordedFailure["code"],
  more: Partial<RecordedFailure> = {},
): RecordedFailure {
  const status = Number(response.split(" ", 2)[1]);
  return { status, contentType: "application/json", pieces: bodyOf(response), code, ...more };
}

const chunk = (choices: readonly object[], more: object = {}): string =>
  data({
    choices,
    created: 1_781_492_231,
    id: "chatcmpl-q",
    model: "gemma.gguf",
    object: "chat.completion.chunk",
    ...more,
  });
const piece = (delta: object, reason: string | null = null): string =>
  chunk([{ finish_reason: reason, index: 0, delta }], { timings: { cache_n: 7, prompt_n: 10, predicted_n: 78 } });

/** Only the shortest of the recorded answers: each is cut at every byte. */
export const llamaServer: RecordedServer = {
  server: bytes.server,
  protocol: "openai",
  answers: {
    "that came to its end": {
      pieces: bodyOf(bytes.endedByStop),
      text: "Yes indeed.",
      reason: "stop",
      usage: { promptTokens: 33, answerTokens: 4 },
    },
    // Recorded, with a template that takes tools.
    "with a call": {
      pieces: [
        'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1796053687,"id":"chatcmpl-B9W39BWqXnbxaLEUKCbDmA9LOfGzQ3GB","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n\n',
        'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"tool_calls":[{"index":0,"id":"RKDt4LvBqtmYlshxhqOQWRePTN4sjvhZ","type":"function","function":{"name":"get_weather","arguments":"{"}}]}}],"created":1796053687,"id":"chatcmpl-B9W39BWqXnbxaLEUKCbDmA9LOfGzQ3GB","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n\n',
        'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\\""}}]}}],"created":1796053688,"id":"chatcmpl-B9W39BWqXnbxaLEUKCbDmA9LOfGzQ3GB","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n\n',
        'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"city"}}]}}],"created":1796053688,"id":"chatcmpl-B9W39BWqXnbxaLEUKCbDmA9LOfGzQ3GB","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n\n',
        'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\\":"}}]}}],"created":1796053688,"id":"chatcmpl-B9W39BWqXnbxaLEUKCbDmA9LOfGzQ3GB","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n\n',
        'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":" \\""}}]}}],"created":1796053688,"id":"chatcmpl-B9W39BWqXnbxaLEUKCbDmA9LOfGzQ3GB","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n\n',
        'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"Os"}}]}}],"created":1796053688,"id":"chatcmpl-B9W39BWqXnbxaLEUKCbDmA9LOfGzQ3GB","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n\n',
        'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"lo"}}]}}],"created":1796053688,"id":"chatcmpl-B9W39BWqXnbxaLEUKCbDmA9LOfGzQ3GB","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n\n',
        'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\\""}}]}}],"created":1796053688,"id":"chatcmpl-B9W39BWqXnbxaLEUKCbDmA9LOfGzQ3GB","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n\n',
        'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}}],"created":1796053688,"id":"chatcmpl-B9W39BWqXnbxaLEUKCbDmA9LOfGzQ3GB","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n\n',
        'data: {"choices":[{"finish_reason":"tool_calls","index":0,"delta":{}}],"created":1796053688,"id":"chatcmpl-B9W39BWqXnbxaLEUKCbDmA9LOfGzQ3GB","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n\n',
        'data: {"choices":[],"created":1796053688,"id":"chatcmpl-B9W39BWqXnbxaLEUKCbDmA9LOfGzQ3GB","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk","usage":{"completion_tokens":32,"prompt_tokens":319,"total_tokens":351,"prompt_tokens_details":{"cached_tokens":0}},"timings":{"cache_n":0,"prompt_n":319,"prompt_ms":3038.878,"prompt_per_token_ms":9.526263322884013,"prompt_per_second":104.97295383361885,"predicted_n":32,"predicted_ms":758.046,"predicted_per_token_ms":24.45309677419355,"predicted_per_second":40.894615894022266}}\n\n',
        "data: [DONE]\n\n",
      ],
      text: "",
      reason: "stop",
      usage: { promptTokens: 319, answerTokens: 32 },
      calls: [["get_weather", { city: "Oslo" }]],
    },
    // b9554, with a model that thinks.
    "with thoughts apart": {
      pieces: [
        piece({ role: "assistant", content: null }),
        piece({ reasoning_content: "Play" }),
        piece({ reasoning_content: "ful." }),
        piece({ content: "Hi!" }),
        piece({}, "stop"),
        DONE,
      ],
      text: "Hi!",
      thinking: "Playful.",
      reason: "stop",
    },
    // b9554, where several share one window.
    "that fills the window in the middle": {
      pieces: [
        piece({ role: "assistant", content: null }),
        piece({ content: "So" }),
        data({ error: { code: 500, message: "Context size has been exceeded.", type: "server_error" } }),
      ],
      text: "So",
      reason: "length",
    },
  },
  odd: {
    "how far the prompt has been read": chunk(
      [{ finish_reason: null, index: 0, delta: { role: "assistant", content: null } }],
      {
        prompt_progress: { total: 237, cache: 0, processed: 128, time_ms: 181 },
      },
    ),
    "what was counted": chunk([], { usage: { completion_tokens: 4, prompt_tokens: 33, total_tokens: 37 } }),
  },
  failures: {
    "a prompt that is too long": failure(bytes.tooLong, "too_long", { limitTokens: 512 }),
    "a picture that it can't see": failure(bytes.pictureRefused, "refused"),
    "roles that its template refuses": failure(bytes.rolesRefused, "refused"),
    "that it loads its model": failure(bytes.loading, "busy"),
    "a key that is none": failure(bytes.wrongKey, "refused"),
  },
  lists: {
    "of the one that it runs": {
      body: bodyOf(bytes.models).join(""),
      chat: ["/models/SmolLM2-135M-Instruct.Q4_1.gguf"],
      others: [],
      facts: { "/models/SmolLM2-135M-Instruct.Q4_1.gguf": { sees: false, contextTokens: 512 } },
    },
  },
};
