import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { promptTooLong } from "../../../src/providers/prompt-too-long.ts";

/** The servers' refusals, by their names: the error, the window, and the prompt's tokens where they are given. */
const SAID: Readonly<Record<string, readonly [object, number?, number?]>> = {
  "llama-server": [
    {
      code: 400,
      message:
        "the request exceeds the available context size. try increasing the context size or enable context shift",
      type: "exceed_context_size_error",
      n_prompt_tokens: 2579,
      n_ctx: 2048,
    },
    2048,
    2579,
  ],
  "llama-server with numbers": [
    { message: "request (2579 tokens) exceeds the available context size (2048 tokens), try increasing it" },
    2048,
    2579,
  ],
  OpenAI: [
    {
      message:
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9123 tokens. Please reduce the length of the messages.",
      type: "invalid_request_error",
      param: "messages",
      code: "context_length_exceeded",
    },
    8192,
    9123,
  ],
  vLLM: [
    {
      message:
        "This model's maximum context length is 2048 tokens. However, you requested 2600 tokens (2500 in the messages, 100 in the completion). Please reduce the length of the messages or completion.",
      type: "BadRequestError",
      code: 400,
    },
    2048,
    2500,
  ],
  "vLLM of later": [
    {
      message:
        "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 2048 tokens and your request has 150 input tokens (4096 > 2048 - 150).",
      type: "BadRequestError",
      code: 400,
    },
    2048,
    150,
  ],
  Anthropic: [
    { type: "invalid_request_error", message: "prompt is too long: 212345 tokens > 200000 maximum" },
    200000,
    212345,
  ],
  "Anthropic with the answer": [
    {
      message:
        "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000, decrease input length or `max_tokens` and try again",
    },
    200000,
  ],
  "Ollama without truncation": [{ message: "the input length exceeds the context length" }],
  "Ollama of later": [{ message: "prompt too long; exceeded max context length by 512 tokens" }],
  "LM Studio": [
    {
      message:
        "Trying to keep the first 5215 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough.",
    },
    4096,
  ],
  Mistral: [
    {
      message: "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    },
    32768,
    40000,
  ],
  OpenRouter: [
    {
      message:
        "This endpoint's maximum context length is 8192 tokens. However, you requested about 9000 tokens (8900 of text input).",
      code: 400,
    },
    8192,
  ],
  Gemini: [
    { message: "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)." },
    1048576,
    1200000,
  ],
  TGI: [{ message: "Input validation error: `inputs` must have less than 4095 tokens. Given: 5000" }, 4095],
  "llama-cpp-python": [{ message: "Requested tokens (5000) exceed context window of 4096" }, 4096, 5000],
};

describe("the refusal of a prompt that is too long", () => {
  for (const [server, [error, limit, prompt]] of Object.entries(SAID)) {
    it(`is read in the form of ${server}`, () => {
      const read = promptTooLong(error);
      assert.equal(read?.code, "too_long");
      assert.deepEqual([read.limitTokens, read.promptTokens], [limit, prompt]);
    });
  }

  it("is not read from other errors", () => {
    for (const message of [
      "out of memory",
      "Rate limit reached: Limit 6000, Requested 9000",
      "model not found",
      "",
      undefined,
      3,
      {},
    ]) {
      assert.equal(promptTooLong({ message }), undefined, JSON.stringify(message));
    }
  });

  it("has no window from a number that can't be one", () => {
    for (const n_ctx of [0, -1, 1.5, NaN, Infinity, "2048", null]) {
      assert.equal(promptTooLong({ type: "exceed_context_size_error", n_ctx })?.limitTokens, undefined, String(n_ctx));
    }
  });
});
