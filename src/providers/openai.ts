import OpenAI, { toFile } from "openai";
import type { ChatCompletionChunk, ChatCompletionMessageParam } from "openai/resources/chat/completions";
import type { Locality } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import { connectionsTo, withFewHeaders } from "./connection.ts";
import { checkJson, providerFetch, type BodyCheck } from "./http.ts";
import { pictureType } from "./pictures.ts";
import {
  type ChatChunk,
  type ChatMessage,
  type ChatRequest,
  type DrawRequest,
  type ModelFacts,
  type Provider,
  ProviderError,
} from "./provider.ts";
import { askOnce, streamAnswer, type Piece, type StreamLimits } from "./stream.ts";
import { checkSse } from "./sse.ts";

/** How to reach a server that speaks OpenAI's protocol, and how long to wait for it. */
export interface OpenAiOptions extends StreamLimits {
  /** The key under `providers:` in config.yaml. */
  readonly name: string;
  /** Its address, with the path before `/chat/completions`: `http://127.0.0.1:8000/v1`. */
  readonly url: string;
  readonly locality: Locality;
  readonly apiKey?: string | undefined;
  /** Certificates (PEM) that are trusted beside the usual ones. */
  readonly ca?: string | undefined;
  readonly log: Logger;
}

/** Asks for a picture itself, rather than for an address of it. */
const IN_THE_ANSWER = { response_format: "b64_json" } as const;

const LIST_MS = 10_000;
const DRAW_MS = 300_000;
const TRANSCRIBE_MS = 300_000;

/**
 * A provider that speaks OpenAI's protocol, as vLLM, llama.cpp, LM Studio, LocalAI, OpenRouter and OpenAI itself do. Thinking
 * is taken from where these put it (`reasoning_content`, `reasoning`). Tools are never offered, and calls of them ignored.
 */
export function createOpenAiProvider({ name, log, ...options }: OpenAiOptions): Provider {
  const dispatcher = connectionsTo(options.ca);
  const clientFor = (signal: AbortSignal, check: BodyCheck): OpenAI =>
    new OpenAI({
      baseURL: options.url,
      // Servers of one's own ask for none; the client insists on something.
      apiKey: options.apiKey ?? "none",
      organization: null,
      project: null,
      maxRetries: 0,
      logLevel: "off",
      timeout: NEVER_MS,
      fetch: withFewHeaders(providerFetch({ dispatcher, signal, check, explain })),
    });

  function chat(request: ChatRequest): AsyncIterable<ChatChunk> {
    const { model, temperature, signal, messages } = request;
    const begin = async function* (ending: AbortSignal): AsyncGenerator<Piece> {
      const stream = await clientFor(ending, checkChatStream).chat.completions.create({
        model,
        messages: messages.map(messageOf),
        stream: true,
        stream_options: { include_usage: true },
        ...(temperature === undefined ? {} : { temperature }),
      });
      yield* piecesOf(stream);
    };
    return streamAnswer(signal, options, begin, log.child({ provider: name, model }));
  }

  async function draw({ model, prompt, signal }: DrawRequest): Promise<Uint8Array> {
    const made = await askOnce(signal, DRAW_MS, (ending) =>
      clientFor(ending, checkJson).images.generate({
        model,
        prompt,
        n: 1,
        // The newer ones of OpenAI give nothing else, and refuse to be asked for it.
        ...(model.startsWith("gpt-image") ? {} : IN_THE_ANSWER),
      }),
    );
    const picture = made.data?.[0]?.b64_json;
    // An address instead would have to be fetched, from wherever it leads.
    if (typeof picture !== "string") throw new ProviderError("malformed", "the answer holds no picture");
    const bytes = Buffer.from(picture, "base64");
    if (pictureType(bytes) === undefined) throw new ProviderError("malformed", "the picture is of no known kind");
    return bytes;
  }

  async function list(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const page = await askOnce(undefined, LIST_MS, (ending) => clientFor(ending, checkJson).models.list());
    if (!Array.isArray(page.data)) throw new ProviderError("malformed", "the list of models is none");
    return page.data as unknown as Readonly<Record<string, unknown>>[];
  }

  return {
    name,
    host: new URL(options.url).host,
    locality: options.locality,
    relays: false,
    chat,
    draw,
    models: async () =>
      (await list()).map(({ id }) => {
        if (typeof id !== "string") throw new ProviderError("malformed", "a model in the list has no name");
        return { name: id };
      }),
    facts: async (model) => factsOf((await list()).find(({ id }) => id === model) ?? {}),
    transcribe: async ({ model, audio, fileName, signal }) => {
      const file = await toFile(audio, fileName);
      const heard = await askOnce(signal, TRANSCRIBE_MS, (ending) =>
        clientFor(ending, checkJson).audio.transcriptions.create({ model, file, response_format: "json" }),
      );
      const { text } = heard as { text?: unknown };
      if (typeof text !== "string") throw new ProviderError("malformed", "the answer holds no text");
      return text;
    },
  };
}

/** The client's own time limit would end models that load for long. In milliseconds. */
const NEVER_MS = 2_147_483_647;

function messageOf({ role, content, images = [] }: ChatMessage): ChatCompletionMessageParam {
  if (role !== "user" || images.length === 0) return { role, content };
  const pictures = images.map((image) => {
    const data = Buffer.from(image).toString("base64");
    const url = `data:${pictureType(image) ?? "image/png"};base64,${data}`;
    return { type: "image_url" as const, image_url: { url } };
  });
  return { role, content: [{ type: "text", text: content }, ...pictures] };
}

/** The reason of the end comes in one chunk, what was counted in another one after it, or in none. */
async function* piecesOf(stream: AsyncIterable<ChatCompletionChunk>): AsyncGenerator<Piece> {
  let reason: "stop" | "length" = "stop";
  let usage: { promptTokens: number; answerTokens: number } | undefined;
  for await (const chunk of stream) {
    // Any server may have sent it, whatever the client's types say.
    const [choice] = (chunk.choices as typeof chunk.choices | null | undefined) ?? [];
    const delta = (choice?.delta ?? {}) as Readonly<Record<string, unknown>>;
    const thinking = delta["reasoning_content"] ?? delta["reasoning"];
    if (choice?.finish_reason === "length") reason = "length";
    const { prompt_tokens: promptTokens, completion_tokens: answerTokens } = chunk.usage ?? {};
    if (typeof promptTokens === "number" && typeof answerTokens === "number") usage = { promptTokens, answerTokens };
    yield {
      ...(typeof delta["content"] === "string" ? { text: delta["content"] } : {}),
      ...(typeof thinking === "string" ? { thinking } : {}),
    };
  }
  yield { end: { reason, ...(usage === undefined ? {} : { usage }) } };
}

const checkChatStream = checkSse({
  endMark: "[DONE]",
  check: (piece) => {
    if (piece["error"] !== undefined) throw explain(200, piece) ?? new ProviderError("refused", "an error came");
    const { choices } = piece;
    if (!Array.isArray(choices)) throw new ProviderError("malformed", "a piece is none of a chat");
    const [choice] = choices as readonly unknown[];
    if (choice === undefined) return false;
    const { delta, finish_reason: reason } = (choice ?? {}) as { delta?: unknown; finish_reason?: unknown };
    const { content } = (delta ?? {}) as { content?: unknown };
    if (content !== undefined && content !== null && typeof content !== "string") {
      throw new ProviderError("malformed", "a piece of the chat holds no text");
    }
    return typeof reason === "string";
  },
});

/** Errors come as `{ error: { message, type, code } }`; the message may quote what was asked. */
function explain(status: number, body: unknown): ProviderError | undefined {
  const error = (body as { error?: unknown } | undefined)?.error;
  const { code, type, message } = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
  const reason = [code, type].find((word) => typeof word === "string" && /^[a-z0-9_.-]{1,60}$/.test(word));
  const words = `HTTP ${status}: ${typeof reason === "string" ? reason : "no reason given"}`;
  const isMissing =
    code === "model_not_found" || (status === 404 && /model/i.test(typeof message === "string" ? message : ""));
  if (isMissing) return new ProviderError("model_missing", words);
  if (status === 429 || status === 503 || status === 529) return new ProviderError("busy", words);
  if (status === 401 || status === 403) return new ProviderError("refused", `${words} (is the key right?)`);
  return new ProviderError("refused", words);
}

/** What servers tell of a model in their list: OpenRouter, llama.cpp, vLLM and LM Studio each in their own way. */
function factsOf(entry: Readonly<Record<string, unknown>>): ModelFacts {
  const architecture = (entry["architecture"] ?? {}) as { input_modalities?: unknown };
  const modalities: unknown = architecture.input_modalities ?? entry["capabilities"];
  const sees = Array.isArray(modalities) && ["image", "multimodal", "vision"].some((one) => modalities.includes(one));
  const meta = (entry["meta"] ?? {}) as { n_ctx?: unknown; n_ctx_train?: unknown };
  const lengths = [entry["max_model_len"], entry["context_length"], entry["max_context_length"], meta.n_ctx];
  const length = [...lengths, meta.n_ctx_train].find((value) => typeof value === "number" && value > 0);
  return { sees, ...(typeof length === "number" ? { contextTokens: length } : {}) };
}
