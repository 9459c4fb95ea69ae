/** The examined part of a model's name, in characters. */
const LONGEST_MODEL = 400;

/** The longest display name, in characters. */
const LONGEST_NAME = 80;

/**
 * The name of a file of weights, for servers that name a model by its path, such as llama-server: without folders,
 * ending and part number (`/models/gemma-3-00001-of-00002.gguf` → `gemma-3`). Any other name stays the same.
 */
export function withoutPath(model: string): string {
  if (!/\.gguf$/i.test(model)) return model;
  const file = model.slice(Math.max(model.lastIndexOf("/"), model.lastIndexOf("\\")) + 1, -".gguf".length);
  const name = file.replace(/-\d{5}-of-\d{5}$/, "");
  return name === "" ? model : name;
}

/**
 * A model's name as people would write it: `llama3.2:3b` → `Llama 3.2 (3B)`, `hf.co/bartowski/Qwen3-8B-GGUF:Q4_K_M` →
 * `Qwen 3 (8B, Q4_K_M)`. It is one line of at most 80 characters, without control characters and characters that change
 * the direction of text, and never empty. Different models may get the same name.
 */
export function readableModelName(model: string): string {
  const clean = oneLine(withoutPath(model).slice(0, LONGEST_MODEL));
  const file = clean.split(/[/\\]/).findLast((part) => part !== "") ?? "";
  const { rest, marks } = withoutMarks(file.replace(/\.(?:gguf|ggml|safetensors|bin)$/i, "").replace(/:latest$/i, ""));
  const parts: Parts = { words: [], details: [] };
  for (const token of rest.split(/[-_\s:@]+/)) place(token.replace(/^[.,]+|[.,]+$/g, ""), parts);
  const details = [...new Set([...parts.details, ...marks])].join(", ");
  const name = joined(parts.words);
  if (name === "") return bounded(visible(details));
  return bounded(visible(details === "" ? name : `${name} (${details})`));
}

/** A model's own name, cut to a display name's length; a file's without its path. */
export function plainModelName(model: string): string {
  return bounded(visible(oneLine(withoutPath(model).slice(0, LONGEST_MODEL))));
}

/** The parts of a name: its words in order, and the details in brackets behind them. */
interface Parts {
  readonly words: string[];
  readonly details: string[];
}

/** Takes out marks that span several words: quantisations (`q4_K_M`) and dates (`20250929`, `2024-08-06`). */
function withoutMarks(text: string): { readonly rest: string; readonly marks: readonly string[] } {
  const marks: string[] = [];
  const rest = text
    .replace(/(?<![a-z\d])(?:ud-)?i?q\d(?:_[a-z\d]+)*(?![a-z\d])/gi, (mark) => {
      marks.push(mark.toUpperCase());
      return " ";
    })
    .replace(/(?<!\d)(20\d\d)(-?)([01]\d)\2([0-3]\d)(?!\d)/g, (_, year: string, __, month: string, day: string) => {
      marks.push(`${year}-${month}-${day}`);
      return " ";
    });
  return { rest, marks };
}

function place(token: string, { words, details }: Parts): void {
  const lower = token.toLowerCase();
  if (lower === "" || lower === "gguf" || lower === "ggml") return;
  if (/^(?:\d+x)?[ea]?\d+(?:\.\d+)?[bmtk]$|^\d+e$/.test(lower)) details.push(lower.toUpperCase().replace("X", "x"));
  else if (/^\d+bit$/.test(lower)) details.push(lower.replace("bit", "-bit"));
  else if (FORMATS.has(lower)) details.push(lower.toUpperCase());
  // Ollama's tag for a model that runs on its makers' servers.
  else if (lower === "cloud" && words.length > 0) details.push(lower);
  else words.push(...wordsOf(token));
}

/** Splits a family and its version, which are written as one word (`llama3.2`, `qwen2.5vl`) and read as two. */
function wordsOf(token: string): string[] {
  const [, family, version = "", suffix = ""] = /^(\p{L}{2,})(\d+(?:\.\d+)*)([a-z]*)$/u.exec(token) ?? [];
  if (family === undefined) return [written(token)];
  return suffix.length < 2 ? [written(family), version + suffix] : [written(family), version, written(suffix)];
}

/** A word in its own spelling, if it has one. */
function written(word: string): string {
  const known = SPELLINGS.get(word.toLowerCase());
  if (known !== undefined) return known;
  // `o3` and `v0.3` keep their small letters; `r1`, `k2` and `r7b` do not.
  if (/^[^ov\d]\d+[a-z]?$/.test(word)) return word.toUpperCase();
  if (word !== word.toLowerCase() || /^[ov]\d/.test(word)) return word;
  const first = String.fromCodePoint(word.codePointAt(0) ?? 32);
  return first.toUpperCase() + word.slice(first.length);
}

function joined(words: readonly string[]): string {
  return words
    .join(" ")
    .replace(/(?<!\S)(\d) (\d)(?!\S)/g, "$1.$2")
    .replace(/\bGPT (?=\S)/, "GPT-")
    .replace(/\bChatGPT (?=\d)/, "ChatGPT-")
    .replace(/\bDall E\b/, "DALL-E")
    .replace(/\bMiniCPM V\b/, "MiniCPM-V")
    .replace(/\bDeepSeek v(?=\d)/, "DeepSeek V");
}

/**
 * The text without control characters, line breaks, and characters that are invisible or change the direction of text.
 */
function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ")
    .replace(/[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, "")
    .normalize("NFC")
    .replace(/\s+/g, " ")
    .trim();
}

/** A text of marks alone becomes empty. */
function visible(text: string): string {
  return /[\p{L}\p{N}\p{S}]/u.test(text) ? text : "Model";
}

function bounded(name: string): string {
  if (name.length <= LONGEST_NAME) return name;
  return `${name
    .slice(0, LONGEST_NAME - 1)
    .replace(/[\uD800-\uDBFF]$/, "")
    .trimEnd()}…`;
}

/** The formats that weights are stored in. */
// prettier-ignore
const FORMATS = new Set([
  "fp32", "fp16", "f32", "f16", "bf16", "fp8", "fp4", "int8", "int4", "nf4", "mxfp4", "nvfp4", "awq", "gptq", "exl2", "exl3",
  "mlx", "qat", "onnx",
]);

/** Words that need more than a capital letter. */
const SPELLINGS: ReadonlyMap<string, string> = new Map(
  // prettier-ignore
  [
    "AI", "BGE", "ChatGPT", "CodeGemma", "CodeLlama", "CodeQwen", "DBRX", "DeepSeek", "EmbeddingGemma", "EXAONE", "GLM", "GPT",
    "InternLM", "IT", "LLaVA", "LLM", "MedGemma", "MiniCPM", "MiniLM", "MiniMax", "MoE", "OCR", "OLMo", "OpenChat", "OpenHermes", "OSS",
    "QVQ", "QwQ", "RAG", "RWKV", "ShieldGemma", "SmolLM", "SmolVLM", "SQL", "StableLM", "StarCoder", "TinyLlama", "TTS",
    "VL", "VLM", "WizardCoder", "WizardLM", "YaRN",
  ].map((word) => [word.toLowerCase(), word]),
);
