/** The facts by which a server may show whether a model holds conversations. */
export interface ToldOfModel {
  readonly name: string;
  /** Ollama, llama-server: `["completion", "vision"]`; Mistral: `{ completion_chat: true }`. */
  readonly capabilities?: unknown;
  /** LM Studio: `llm`, `vlm`, `embeddings`; Together: `chat`, `rerank`. */
  readonly type?: unknown;
  /** OpenRouter, llama-server: `["text"]`. */
  readonly outputs?: unknown;
}

const CHATS: ReadonlySet<unknown> = new Set([
  "completion",
  "chat",
  "completion_chat",
  "llm",
  "vlm",
  "language",
  "text",
]);

const DOES_ELSE: ReadonlySet<unknown> = new Set([
  "embeddings",
  "embedding",
  "rerank",
  "reranker",
  "image",
  "moderation",
  "transcribe",
  "tts",
]);

/** Parts of names of models for other purposes, one kind in a line. */
const OTHERS = new RegExp(
  [
    "embed(?!ded)",
    "(?:^|[^a-z])(?:bge|gte|e5|minilm|paraphrase|colbert|jina-(?:clip|code)|voyage|uae|instructor)-",
    "all-minilm",
    "rerank",
    "cross-encoder",
    "ocr(?![a-z])",
    "(?:^|[^a-z])(?:whisper|parakeet|tts|kokoro)(?![a-z])",
    "transcribe",
    "(?:^|[^a-z])(?:dall-e|gpt-image|chatgpt-image|stable-diffusion|sdxl|flux|sora|imagen|veo)(?![a-z])",
    "moderation",
    "(?:^|[^a-z])(?:realtime|babbage|davinci)(?![a-z])",
  ].join("|"),
  "i",
);

/**
 * Whether a listed model holds conversations: by its server's facts, else by its name. A name may mislead, so the
 * admin's `agents:` take precedence.
 */
export function canChat({ name, capabilities, type, outputs }: ToldOfModel): boolean {
  const told = [type, ...namesOf(capabilities), ...namesOf(outputs)];
  if (told.some((one) => CHATS.has(one))) return true;
  return !told.some((one) => DOES_ELSE.has(one)) && !OTHERS.test(name);
}

/** The names in a list, or the names of an object's true fields. */
function namesOf(told: unknown): unknown[] {
  if (Array.isArray(told)) return told;
  if (typeof told !== "object" || told === null) return [];
  return Object.entries(told).flatMap(([name, value]) => (value === true ? [name] : []));
}
