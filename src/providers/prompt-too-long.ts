import { ProviderError } from "./provider.ts";

/** The prompt does not fit into the model's window. */
export class PromptTooLong extends ProviderError {
  /** The window, in tokens, if the server names it. */
  readonly limitTokens: number | undefined;
  /** The server's count of the prompt, if it gives one. */
  readonly promptTokens: number | undefined;

  constructor(limitTokens: number | undefined, promptTokens: number | undefined) {
    super("too_long", `the prompt has ${promptTokens ?? "too many"} tokens, and the window ${limitTokens ?? "fewer"}`);
    this.limitTokens = limitTokens;
    this.promptTokens = promptTokens;
  }
}

/** The part of an error's words that is examined, in characters. */
const LONGEST_WORDS = 2_000;

const CODES: ReadonlySet<unknown> = new Set(["context_length_exceeded", "exceed_context_size_error"]);

/** The servers' words for it, with the servers beside. */
const WORDS: readonly RegExp[] = [
  /maximum context length/i, // OpenAI, vLLM, OpenRouter, DeepSeek, Mistral
  /exceeds? (?:the )?(?:available|maximum|max|model's)? ?context (?:size|length|window|limit)/i, // llama-server, Ollama, Anthropic
  /exceed context (?:window|limit)/i, // llama-cpp-python, Anthropic
  /context size has been exceeded|context window exceeds limit/i, // llama-server in the middle, LM Studio; MiniMax
  /prompt (?:is )?too long/i, // Anthropic, Ollama
  /context the overflows|loaded with context length of only|context length (?:is )?(?:exceeded|overflow)/i, // LM Studio
  /greater than the context length/i, // LM Studio
  /exceeds the maximum number of tokens/i, // Gemini
  /inputs?`? (?:must have less than|tokens) /i, // TGI
];

const LIMITS: readonly RegExp[] = [
  /maximum context length (?:is|of) (\d{3,9})/i,
  /context (?:size|length|window|limit)\s?\(?(?:of |of only |is )?(\d{3,9})/i,
  /with (\d{3,9}) maximum context/i,
  /> (\d{3,9})(?: maximum)?/,
  /tokens allowed \((\d{3,9})\)/i,
  /less than (\d{3,9}) tokens/i,
  /must be <= (\d{3,9})/i,
];

const PROMPTS: readonly RegExp[] = [
  /\((\d{2,9}) in the messages/i,
  /resulted in (\d{2,9}) tokens/i,
  /has (\d{2,9}) input tokens/i,
  /prompt is too long: (\d{2,9})/i,
  /prompt contains (\d{2,9})/i,
  /input token count \((\d{2,9})\)/i,
  /requested tokens \((\d{2,9})\)/i,
  /request \((\d{2,9}) tokens\)/i,
];

/** The error for a too long prompt, if a server's error means that; otherwise undefined. */
export function promptTooLong(error: {
  readonly code?: unknown;
  readonly type?: unknown;
  readonly message?: unknown;
  readonly n_ctx?: unknown;
  readonly n_prompt_tokens?: unknown;
}): PromptTooLong | undefined {
  const words = typeof error.message === "string" ? error.message.slice(0, LONGEST_WORDS) : "";
  const isSaid = CODES.has(error.code) || CODES.has(error.type) || WORDS.some((pattern) => pattern.test(words));
  if (!isSaid) return undefined;
  return new PromptTooLong(
    countOf(error.n_ctx) ?? found(LIMITS, words),
    countOf(error.n_prompt_tokens) ?? found(PROMPTS, words),
  );
}

function found(patterns: readonly RegExp[], words: string): number | undefined {
  for (const pattern of patterns) {
    const count = pattern.exec(words)?.[1];
    if (count !== undefined) return Number(count);
  }
  return undefined;
}

function countOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
