import OpenAI, { toFile } from "openai";
import type { ChatCompletionChunk, ChatCompletionMessageParam } from "openai/resources/chat/completions";
import type { Effort, Locality } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import { connectionsTo, withFewHeaders } from "./connection.ts";
import { BUSY, checkJson, checkPicture, providerFetch, type BodyCheck } from "./http.ts";
import { Line } from "./line.ts";
import { listedModels, type ListedModel } from "./listed-models.ts";
import { entryOf, factsInProps, hidesWindow } from "./llama-server.ts";
import { ollamaBehind } from "./ollama-behind.ts";
import { RefusedParameters, refusedParameter, type Parameter } from "./parameters.ts";
import { pictureType } from "./pictures.ts";
import { promptTooLong } from "./prompt-too-long.ts";
import type { ProviderFailure } from "../language/failures.ts";
import {
  type ChatChunk,
  type ChatMessage,
  type ChatRequest,
  type ChatUsage,
  type DrawRequest,
  type EndReason,
  type ModelFacts,
  type Provider,
  ProviderError,
  type TranscribeRequest,
} from "./provider.ts";
import { askOnce, streamAnswer, type Piece, type StreamLimits } from "./stream.ts";
import { checkSse } from "./sse.ts";
import { usageOf } from "./usage.ts";
import { isObject } from "../matrix/json.ts";

/** The address of a server with OpenAI's protocol, and the time limits. */
export interface OpenAiOptions extends StreamLimits {
  /** The key under `providers:` in config.yaml. */
  readonly name: string;
  /** The server's address, with the path before `/chat/completions`: `http://127.0.0.1:8000/v1`. */
  readonly url: string;
  readonly locality: Locality;
  readonly apiKey?: string | undefined;
  /** Certificates (PEM) that are trusted in addition to the usual ones. */
  readonly ca?: string | undefined;
  readonly log: Logger;
}

/** Asks for the picture itself instead of its address. */
const IN_THE_ANSWER = { response_format: "b64_json" } as const;

const LIST_MS = 10_000;
const DRAW_MS = 300_000;
const TRANSCRIBE_MS = 300_000;

/**
 * A provider with OpenAI's protocol, as in vLLM, llama.cpp, LM Studio, LocalAI, OpenRouter and OpenAI itself. Thinking
 * is read from their fields (`reasoning_content`, `reasoning`). Tools are never offered, and calls of them ignored.
 */
export function createOpenAiProvider({ name, log, ...options }: OpenAiOptions): Provider {
  const dispatcher = connectionsTo(options.ca);
  const line = new Line();
  const parameters = new RefusedParameters();
  const isLocal = options.locality === "local";
  const clientFor = (signal: AbortSignal, check: BodyCheck): OpenAI =>
    new OpenAI({
      baseURL: options.url,
      // A private server needs no key, but the client insists on one.
      apiKey: options.apiKey ?? "none",
      organization: null,
      project: null,
      maxRetries: 0,
      logLevel: "off",
      timeout: NEVER_MS,
      fetch: withFewHeaders(providerFetch({ dispatcher, signal, check, explain })),
    });

  function chat(request: ChatRequest): AsyncIterable<ChatChunk> {
    const { model, temperature, effort, signal, messages, maxAnswerTokens } = request;
    const begin = (ending: AbortSignal): AsyncIterable<Piece> =>
      parameters.asking(model, async function* (takes) {
        const stream = await clientFor(ending, checkChatStream).chat.completions.create({
          model,
          messages: messages.map(messageOf),
          stream: true,
          ...(takes("stream_options") ? { stream_options: { include_usage: true } } : {}),
          ...(temperature === undefined || !takes("temperature") ? {} : { temperature }),
          ...(effort === undefined || !takes("reasoning_effort") ? {} : { reasoning_effort: effort }),
          ...(effort === undefined || !isLocal || !takes("chat_template_kwargs") ? {} : thoughtsOf(effort)),
          ...longest(maxAnswerTokens, takes),
        });
        yield* piecesOf(stream);
      });
    return streamAnswer(line, signal, options, begin, log.child({ provider: name, model }));
  }

  async function listedFacts(model: string): Promise<ModelFacts> {
    const entry = entryOf({ ...(await listOf(clientFor)) }, model);
    const facts = factsOf(entry);
    return hidesWindow(entry)
      ? { ...facts, ...factsInProps(await propsOf(clientFor, options.url, log.child({ provider: name }))) }
      : facts;
  }

  // A server outside the network is asked nothing more, because the messages leave the network anyway.
  const relay = isLocal ? ollamaBehind({ url: options.url, apiKey: options.apiKey, dispatcher }) : undefined;

  return {
    name,
    host: new URL(options.url).host,
    locality: options.locality,
    relay,
    chat,
    draw: (request) => drawPicture(clientFor, request),
    models: async () => listedModels((await listOf(clientFor)).data.map(listedOf)),
    facts: async (model) => (await relay?.facts(model)) ?? listedFacts(model),
    transcribe: (request) => transcribe(clientFor, request),
  };
}

/** Makes the client of one request, which ends with the signal. */
type ClientFor = (signal: AbortSignal, check: BodyCheck) => OpenAI;

/** The list of models, with the server's additions. */
async function listOf(clientFor: ClientFor): Promise<{ readonly data: readonly Readonly<Record<string, unknown>>[] }> {
  const told = await askOnce(undefined, LIST_MS, (ending) => clientFor(ending, checkJson).get<unknown>("/models"));
  if (!isObject(told) || !Array.isArray(told["data"])) {
    throw new ProviderError("malformed", "the answer is no list of models");
  }
  return { ...told, data: told["data"].map((entry: unknown) => (isObject(entry) ? entry : {})) };
}

/** llama-server's facts about itself, outside OpenAI's protocol; nothing from other servers. */
async function propsOf(clientFor: ClientFor, address: string, log: Logger): Promise<unknown> {
  const url = `${address.replace(/\/+$/, "").replace(/\/v1$/, "")}/props`;
  try {
    return await askOnce(undefined, LIST_MS, (ending) => clientFor(ending, checkJson).get<unknown>(url));
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    log.debug({ error }, "the model's server gives no facts");
    return undefined;
  }
}

/** Makes a picture. Throws ProviderError. */
async function drawPicture(clientFor: ClientFor, { model, prompt, signal }: DrawRequest): Promise<Uint8Array> {
  const made = await askOnce(signal, DRAW_MS, (ending) =>
    clientFor(ending, checkPicture).images.generate({
      model,
      prompt,
      n: 1,
      // OpenAI's newer models return nothing else, and refuse this parameter.
      ...(model.startsWith("gpt-image") ? {} : IN_THE_ANSWER),
    }),
  );
  const picture = made.data?.[0]?.b64_json;
  // An address would have to be fetched, wherever it leads.
  if (typeof picture !== "string") throw new ProviderError("malformed", "the answer holds no picture");
  const bytes = Buffer.from(picture, "base64");
  if (pictureType(bytes) === undefined) throw new ProviderError("malformed", "the picture is of no known kind");
  return bytes;
}

/** Transcribes a recording. Throws ProviderError. */
async function transcribe(
  clientFor: ClientFor,
  { model, audio, fileName, signal }: TranscribeRequest,
): Promise<string> {
  const file = await toFile(audio, fileName);
  const heard = await askOnce(signal, TRANSCRIBE_MS, (ending) =>
    clientFor(ending, checkJson).audio.transcriptions.create({ model, file, response_format: "json" }),
  );
  const { text } = heard as { text?: unknown };
  if (typeof text !== "string") throw new ProviderError("malformed", "the answer holds no text");
  return text;
}

/** Templates of vLLM and llama-server switch thinking on and off by this parameter, and have no effort. */
function thoughtsOf(effort: Effort): { readonly chat_template_kwargs: { readonly enable_thinking: boolean } } {
  return { chat_template_kwargs: { enable_thinking: effort !== "none" } };
}

/** The longest answer: OpenAI's newer models need the second parameter, and most other servers know only the first. */
function longest(tokens: number, takes: (parameter: Parameter) => boolean): Record<string, number> {
  if (takes("max_tokens")) return { max_tokens: tokens };
  return takes("max_completion_tokens") ? { max_completion_tokens: tokens } : {};
}

/** The client's own time limit would end models that load slowly. In milliseconds. */
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

/** The reason for the end comes in one chunk, the counts in a later one, or never. */
async function* piecesOf(stream: AsyncIterable<ChatCompletionChunk>): AsyncGenerator<Piece> {
  let reason: EndReason = "stop";
  let usage: ChatUsage | undefined;
  for await (const chunk of stream) {
    // Any server may have sent it, so the client's types prove nothing.
    const { choices, usage: counts } = chunk as { choices?: unknown; usage?: unknown };
    const [choice] = (Array.isArray(choices) ? choices : []) as readonly ({
      finish_reason?: unknown;
      delta?: unknown;
    } | null)[];
    const delta = (choice?.delta ?? {}) as Readonly<Record<string, unknown>>;
    reason = reasonOf(choice?.finish_reason) ?? reason;
    const { prompt_tokens: promptTokens, completion_tokens: answerTokens } = (counts ?? {}) as Record<string, unknown>;
    usage = usageOf(promptTokens, answerTokens) ?? usage;
    const { text, thinking } = contentOf(delta["content"]);
    const thoughts = [delta["reasoning_content"], delta["reasoning"]].find(
      (one) => typeof one === "string" && one !== "",
    );
    // A refusal has its own field, in place of an answer.
    const refusal = typeof delta["refusal"] === "string" ? delta["refusal"] : "";
    yield { text: text + refusal, thinking: typeof thoughts === "string" ? thoughts : thinking };
  }
  yield { end: { reason, ...(usage === undefined ? {} : { usage }) } };
}

/** Text, or parts of text and thinking, as in Mistral's reasoning models. */
function contentOf(content: unknown): { text: string; thinking: string } {
  if (typeof content === "string") return { text: content, thinking: "" };
  const told = { text: "", thinking: "" };
  for (const part of Array.isArray(content) ? (content as readonly unknown[]) : []) {
    const { type, text, thinking } = (part ?? {}) as { type?: unknown; text?: unknown; thinking?: unknown };
    if (type === "text" && typeof text === "string") told.text += text;
    if (type === "thinking") told.thinking += typeof thinking === "string" ? thinking : contentOf(thinking).text;
  }
  return told;
}

function reasonOf(reason: unknown): EndReason | undefined {
  if (typeof reason !== "string") return undefined;
  if (reason === "length" || reason === "max_tokens" || reason === "model_length") return "length";
  return reason === "content_filter" ? "filtered" : "stop";
}

const checkChatStream = checkSse({
  endMark: "[DONE]",
  check: (piece) => {
    if (piece["error"] !== undefined && piece["error"] !== null) {
      throw explain(200, piece) ?? new ProviderError("refused", "an error came");
    }
    const ill = illBy(piece["base_resp"]);
    if (ill !== undefined) throw ill;
    if (piece["object"] === "error") throw explain(200, piece) ?? new ProviderError("refused", "an error came");
    const { choices } = piece;
    // The chunk with the counts has none.
    if (choices === undefined || choices === null) return false;
    if (!Array.isArray(choices)) throw new ProviderError("malformed", "a piece is not part of a chat");
    const [choice] = choices as readonly unknown[];
    if (choice === undefined) return false;
    const { delta, finish_reason: reason } = (choice ?? {}) as { delta?: unknown; finish_reason?: unknown };
    const { content } = (delta ?? {}) as { content?: unknown };
    const isText = content === undefined || content === null || typeof content === "string" || Array.isArray(content);
    if (!isText) throw new ProviderError("malformed", "a piece of the chat holds no text");
    if (reason === "error") throw new ProviderError("cut_off", "the server ended it by an error of its own");
    return typeof reason === "string";
  },
});

/**
 * Errors come as `{ error: { message, type, code } }`, `{ error: "…" }`, `{ message, type, code }` or `{ detail: … }`;
 * the message may quote the question.
 */
function explain(status: number, body: unknown): ProviderError | undefined {
  const whole = isObject(body) ? body : {};
  const inner = whole["error"] ?? whole;
  const error = isObject(inner) ? inner : { message: inner };
  const { code, type } = error;
  const { message, param } = saidBy(error);
  const reason = [code, type].find((word) => typeof word === "string" && /^[A-Za-z0-9_.-]{1,60}$/.test(word));
  const words = `HTTP ${status}: ${typeof reason === "string" ? reason : "no reason given"}`;
  // LM Studio sends this with status 200.
  if (typeof message === "string" && /unexpected endpoint/i.test(message.slice(0, 200)))
    return new ProviderError("malformed", "the server does not know this path (is providers.<name>.url right?)");
  const isMissing =
    code === "model_not_found" || (status === 404 && /model/i.test(typeof message === "string" ? message : ""));
  if (isMissing) return new ProviderError("model_missing", words);
  // OpenAI and MiniMax send this with the status of too many requests.
  if (status === 402 || [code, type].some((word) => typeof word === "string" && UNPAID.test(word)))
    return new ProviderError("unpaid", words);
  const failure = refusalOf(error, message, param);
  if (failure !== undefined) return failure;
  // A stream that began well carries the status inside.
  const told = status === 200 ? Number(code) : status;
  if (BUSY.has(told) || code === "rate_limit_exceeded") return new ProviderError("busy", words);
  if (typeof message === "string" && /loading model/i.test(message.slice(0, 200)))
    return new ProviderError("busy", words);
  if (told === 401 || told === 403) return new ProviderError("refused", `${words} (is the key right?)`);
  return new ProviderError("refused", words);
}

/** The message of an error, and the parameter that it concerns: FastAPI sends a list of messages with their places. */
function saidBy(error: Readonly<Record<string, unknown>>): { readonly message: unknown; readonly param: unknown } {
  const message = error["message"] ?? error["detail"];
  const found = isObject(message) ? message["detail"] : message;
  if (!Array.isArray(found)) return { message, param: error["param"] };
  const [first] = found.slice(0, MOST_FOUND).filter(isObject);
  const where: unknown = first?.["loc"];
  return { message: first?.["msg"], param: Array.isArray(where) ? where.at(-1) : undefined };
}

/** The most messages of that list that are examined. */
const MOST_FOUND = 10;

/** A too long prompt, or a refused parameter. vLLM refuses an answer limit for which the prompt leaves no room. */
function refusalOf(
  error: Readonly<Record<string, unknown>>,
  message: unknown,
  param: unknown,
): ProviderError | undefined {
  const tooLong = promptTooLong({ ...error, message });
  const { promptTokens = Infinity, limitTokens = 0 } = tooLong ?? {};
  const isOfAnswer =
    typeof message === "string" && /max_(?:completion_)?tokens.{0,60}too large/.test(message.slice(0, 200));
  if (tooLong !== undefined && !(isOfAnswer && promptTokens < limitTokens)) return tooLong;
  return refusedParameter({ param, message });
}

const UNPAID = /^insufficient_(?:quota|balance|credits)|^402$/;

/** MiniMax's own numbers for failures, which come with HTTP 200; other numbers are refusals. */
const MINIMAX: Readonly<Record<number, ProviderFailure>> = {
  1000: "busy",
  1001: "busy",
  1002: "busy",
  1008: "unpaid",
  1013: "busy",
  1024: "busy",
  1026: "declined",
  1027: "declined",
  1033: "busy",
  1039: "busy",
  1041: "busy",
  2045: "busy",
  2056: "busy",
};

function illBy(told: unknown): ProviderError | undefined {
  if (!isObject(told) || !Number.isSafeInteger(told["status_code"]) || told["status_code"] === 0) return undefined;
  const { status_code: code, status_msg: message } = told;
  const failure = MINIMAX[Number(code)];
  return (
    promptTooLong({ message }) ?? new ProviderError(failure ?? "refused", `the server's status is ${String(code)}`)
  );
}

function listedOf(entry: Readonly<Record<string, unknown>>): ListedModel {
  const { id: name, type, capabilities } = entry;
  const outputs = isObject(entry["architecture"]) ? entry["architecture"]["output_modalities"] : undefined;
  return { name, type, capabilities, outputs };
}

/**
 * The fields in which servers give the longest context; the one of the running model comes first: LM Studio, vLLM,
 * OpenRouter, Mistral, Groq.
 */
const LENGTHS = ["loaded_context_length", "max_model_len", "context_length", "max_context_length", "context_window"];

/**
 * The facts of a model in a server's list: OpenRouter, llama.cpp, vLLM, LM Studio and Mistral each have their own form.
 */
function factsOf(entry: Readonly<Record<string, unknown>>): ModelFacts {
  const architecture = (entry["architecture"] ?? {}) as { input_modalities?: unknown };
  const told: unknown = architecture.input_modalities ?? entry["capabilities"];
  const sees =
    entry["type"] === "vlm" ||
    (isObject(told) && told["vision"] === true) ||
    (Array.isArray(told) && ["image", "multimodal", "vision"].some((one) => told.includes(one)));
  const meta = (entry["meta"] ?? {}) as { n_ctx?: unknown; n_ctx_train?: unknown };
  const lengths = [meta.n_ctx, ...LENGTHS.map((name) => entry[name]), meta.n_ctx_train];
  const length = lengths.find((value) => typeof value === "number" && value > 0);
  return { sees, ...(typeof length === "number" ? { contextTokens: length } : {}) };
}
