import OpenAI, { toFile } from "openai";
import type { Effort, Locality } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import { connectionsTo, withFewHeaders } from "./connection.ts";
import { checkJson, checkPicture, providerFetch, type BodyCheck } from "./http.ts";
import { Line } from "./line.ts";
import { listedModels, type ListedModel } from "./listed-models.ts";
import { entryOf, factsInProps, isOfLlamaServer, tellsWindow } from "./llama-server.ts";
import { ollamaBehind } from "./ollama-behind.ts";
import { explain } from "./openai-errors.ts";
import { messagesFor, toolsFor } from "./openai-messages.ts";
import { checkChatStream, piecesOf } from "./openai-stream.ts";
import { RefusedParameters, type Parameter } from "./parameters.ts";
import { pictureType } from "./pictures.ts";
import {
  type ChatChunk,
  type ChatRequest,
  type DrawRequest,
  type ModelFacts,
  type Provider,
  ProviderError,
  type TranscribeRequest,
} from "./provider.ts";
import { askOnce, streamAnswer, type Piece, type StreamLimits } from "./stream.ts";
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
 * is read from their fields (`reasoning_content`, `reasoning`).
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
    const { model, temperature, effort, maxAnswerTokens, tools = [], toolChoice } = request;
    const by = `${name} ${model}`;
    const choice = toolChoice === undefined ? {} : { tool_choice: toolChoice };
    const begin = (ending: AbortSignal): AsyncIterable<Piece> =>
      parameters.asking(model, async function* (takes) {
        const stream = await clientFor(ending, checkChatStream).chat.completions.create({
          model,
          messages: messagesFor(request, by),
          stream: true,
          ...(tools.length === 0 || !takes("tools") ? {} : { tools: toolsFor(tools), ...choice }),
          ...(takes("stream_options") ? { stream_options: { include_usage: true } } : {}),
          ...(temperature === undefined || !takes("temperature") ? {} : { temperature }),
          ...(effort === undefined || !takes("reasoning_effort") ? {} : { reasoning_effort: effort }),
          ...(effort === undefined || !isLocal || !takes("chat_template_kwargs") ? {} : thoughtsOf(effort)),
          ...longest(maxAnswerTokens, takes),
        });
        yield* piecesOf(stream, by);
      });
    return streamAnswer(line, request, options, begin, log.child({ provider: name, model }));
  }

  async function listedFacts(model: string): Promise<ModelFacts> {
    const entry = entryOf({ ...(await listOf(clientFor)) }, model);
    const facts = factsOf(entry);
    if (!isOfLlamaServer(entry)) return facts;
    const told = factsInProps(await propsOf(clientFor, options.url, log.child({ provider: name })));
    return tellsWindow(entry) ? { ...told, ...facts } : { ...facts, ...told };
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
    facts: async (model) => parameters.factsOf(model, (await relay?.facts(model)) ?? (await listedFacts(model))),
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
  const tools = toolsIn(entry);
  return {
    sees,
    ...(typeof length === "number" ? { contextTokens: length } : {}),
    ...(tools === undefined ? {} : { tools }),
  };
}

/** Whether a model calls tools, by the list of OpenRouter, Mistral or LM Studio, whose list says it only of models that do. */
function toolsIn({
  supported_parameters: parameters,
  capabilities,
}: Readonly<Record<string, unknown>>): boolean | undefined {
  if (Array.isArray(parameters)) return parameters.includes("tools");
  if (isObject(capabilities) && typeof capabilities["function_calling"] === "boolean")
    return capabilities["function_calling"];
  return Array.isArray(capabilities) && capabilities.includes("tool_use") ? true : undefined;
}
