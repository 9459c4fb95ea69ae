import Anthropic from "@anthropic-ai/sdk";
import type { MessageParam, RawMessageStreamEvent, ThinkingConfigParam } from "@anthropic-ai/sdk/resources/messages";
import type { Effort, Locality } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import { connectionsTo, withFewHeaders } from "./connection.ts";
import { BUSY, checkJson, providerFetch, type BodyCheck } from "./http.ts";
import { Line } from "./line.ts";
import { listedModels } from "./listed-models.ts";
import { ollamaBehind } from "./ollama-behind.ts";
import { RefusedParameters, refusedParameter, type Takes } from "./parameters.ts";
import { pictureType } from "./pictures.ts";
import { PromptTooLong, promptTooLong } from "./prompt-too-long.ts";
import {
  type ChatChunk,
  type ChatMessage,
  type ChatRequest,
  type EndReason,
  type Provider,
  ProviderError,
} from "./provider.ts";
import { askOnce, streamAnswer, type Piece, type StreamLimits } from "./stream.ts";
import { checkSse } from "./sse.ts";
import { usageOf } from "./usage.ts";
import { isObject } from "../matrix/json.ts";

/** The address of Anthropic, or of a server with its protocol, and the time limits. */
export interface AnthropicOptions extends StreamLimits {
  /** The key under `providers:` in config.yaml. */
  readonly name: string;
  /** The server's address, with the path before `/v1/messages`. */
  readonly url: string;
  readonly locality: Locality;
  readonly apiKey?: string | undefined;
  /** Certificates (PEM) that are trusted in addition to the usual ones. */
  readonly ca?: string | undefined;
  readonly log: Logger;
}

const LIST_MS = 10_000;

/** The client's own time limit would end long thoughts. In milliseconds. */
const NEVER_MS = 2_147_483_647;

/**
 * The answer limits that every model of theirs accepts, in tokens: the first for all, the second for those that think.
 */
const MOST_ANSWER_TOKENS = 8_192;
const MOST_TOKENS_WITH_THOUGHTS = 32_000;

/**
 * A provider with Anthropic's protocol, in the version of its client, which has no temperature. All its models see;
 * tools are never offered, and calls of them ignored.
 */
export function createAnthropicProvider({ name, log, ...options }: AnthropicOptions): Provider {
  const dispatcher = connectionsTo(options.ca);
  const line = new Line();
  const parameters = new RefusedParameters();
  const clientFor = (signal: AbortSignal, check: BodyCheck): Anthropic =>
    new Anthropic({
      baseURL: options.url,
      apiKey: options.apiKey ?? "none",
      authToken: null,
      openTelemetry: false,
      maxRetries: 0,
      logLevel: "off",
      timeout: NEVER_MS,
      fetch: withFewHeaders(providerFetch({ dispatcher, signal, check, explain })),
    });

  function chat(request: ChatRequest): AsyncIterable<ChatChunk> {
    const { model, effort, signal, messages, maxAnswerTokens } = request;
    const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
    const most = effort === undefined || effort === "none" ? MOST_ANSWER_TOKENS : MOST_TOKENS_WITH_THOUGHTS;
    const ask = async function* (ending: AbortSignal, takes: Takes): AsyncGenerator<Piece> {
      const stream = await clientFor(ending, checkMessageStream).messages.create({
        model,
        max_tokens: Math.min(maxAnswerTokens, most),
        messages: messages.flatMap(messageOf),
        stream: true,
        ...(system.length === 0 ? {} : { system: system.join("\n\n") }),
        // Histories repeat, and from the second time on they cost a tenth.
        cache_control: { type: "ephemeral" },
        ...(effort === undefined || !takes("thinking") ? {} : { thinking: thinkingFor(effort) }),
        ...(effort === undefined || effort === "none" || !takes("output_config") ? {} : { output_config: { effort } }),
      });
      yield* piecesOf(stream);
    };
    const begin = (ending: AbortSignal): AsyncIterable<Piece> =>
      parameters.asking(model, (takes) => ask(ending, takes));
    return streamAnswer(line, signal, options, begin, log.child({ provider: name, model }));
  }

  // A server outside the network is asked nothing more, because the messages leave the network anyway.
  const relay =
    options.locality === "local" ? ollamaBehind({ url: options.url, apiKey: options.apiKey, dispatcher }) : undefined;

  return {
    name,
    host: new URL(options.url).host,
    locality: options.locality,
    relay,
    chat,
    models: async () => {
      const page = await askOnce(undefined, LIST_MS, (ending) =>
        clientFor(ending, checkJson).models.list({ limit: 1_000 }),
      );
      if (!Array.isArray(page.data)) throw new ProviderError("malformed", "the answer is no list of models");
      return listedModels(page.data.map((entry: unknown) => ({ name: isObject(entry) ? entry["id"] : undefined })));
    },
    facts: () => Promise.resolve({ sees: true }),
  };
}

function thinkingFor(effort: Effort): ThinkingConfigParam {
  return { type: effort === "none" ? "disabled" : "adaptive" };
}

/** The instruction is separate from the messages, and pictures come before their text. */
function messageOf({ role, content, images = [] }: ChatMessage): MessageParam[] {
  if (role === "system") return [];
  // The server refuses an empty text; a picture's message is never empty.
  const text = { type: "text" as const, text: content.trim() === "" ? "…" : content };
  if (images.length === 0) return [{ role, content: [text] }];
  const pictures = images.map((image) => ({
    type: "image" as const,
    source: {
      type: "base64" as const,
      media_type: pictureType(image) ?? ("image/png" as const),
      data: Buffer.from(image).toString("base64"),
    },
  }));
  return [{ role, content: [...pictures, text] }];
}

async function* piecesOf(stream: AsyncIterable<RawMessageStreamEvent>): AsyncGenerator<Piece> {
  let promptTokens: number | undefined;
  let answerTokens: unknown;
  let reason: EndReason = "stop";
  for await (const event of stream) {
    switch (event.type) {
      case "message_start":
        promptTokens = promptTokensOf(event.message.usage);
        break;
      case "content_block_delta":
        if (event.delta.type === "text_delta") yield { text: event.delta.text };
        else if (event.delta.type === "thinking_delta") yield { thinking: event.delta.thinking };
        else yield {};
        break;
      case "message_delta":
        answerTokens = (event.usage as { output_tokens?: unknown } | null | undefined)?.output_tokens;
        reason = reasonOf(event.delta.stop_reason);
        break;
      case "message_stop": {
        const usage = usageOf(promptTokens, answerTokens);
        yield { end: { reason, ...(usage === undefined ? {} : { usage }) } };
        return;
      }
      case "content_block_start":
      case "content_block_stop":
      default:
        yield {};
    }
  }
}

/** The tokens of the cache count too; other servers with this protocol may count nothing. */
function promptTokensOf(usage: unknown): number | undefined {
  const counts = (usage ?? {}) as Readonly<Record<string, unknown>>;
  const { input_tokens: input, cache_read_input_tokens: read, cache_creation_input_tokens: created } = counts;
  return typeof input === "number" ? input + Number(read ?? 0) + Number(created ?? 0) : undefined;
}

function reasonOf(reason: unknown): EndReason {
  if (reason === "refusal") return "filtered";
  // The answer can be continued after each of these.
  const isCut = reason === "max_tokens" || reason === "model_context_window_exceeded" || reason === "pause_turn";
  return isCut ? "length" : "stop";
}

const checkMessageStream = checkSse({
  check: (piece) => {
    const { type, delta } = piece;
    if (type === "error") throw explain(200, piece) ?? new ProviderError("refused", "an error came");
    if (typeof type !== "string") throw new ProviderError("malformed", "a piece is not part of a message");
    const { type: kind, text, thinking } = (delta ?? {}) as Record<string, unknown>;
    const isBroken =
      (type === "content_block_delta" && kind === "text_delta" && typeof text !== "string") ||
      (type === "content_block_delta" && kind === "thinking_delta" && typeof thinking !== "string") ||
      (type === "content_block_delta" && typeof kind !== "string") ||
      (type === "message_start" && !isObject(piece["message"])) ||
      (type === "message_delta" && !isObject(delta));
    if (isBroken) throw new ProviderError("malformed", "a piece of the message lacks its content");
    return type === "message_stop";
  },
});

/** Errors come as `{ type: "error", error: { type, message } }`; the message may quote the question. */
function explain(status: number, body: unknown): ProviderError | undefined {
  const error = isObject(body) && isObject(body["error"]) ? body["error"] : {};
  const { type: kind, message } = error;
  const type = typeof kind === "string" && /^[a-z_]{1,60}$/.test(kind) ? kind : undefined;
  const words = `HTTP ${status}: ${type ?? "no reason given"}`;
  const tooLong = promptTooLong({ message });
  if (tooLong !== undefined) return tooLong;
  if (status === 413 || type === "request_too_large") return new PromptTooLong(undefined, undefined);
  if (status === 402 || type === "billing_error" || isUnpaid(message)) return new ProviderError("unpaid", words);
  if (status === 404 || type === "not_found_error") return new ProviderError("model_missing", words);
  // Other errors may quote the conversation; errors of this type name only parameters.
  const refused = type === "invalid_request_error" ? refusedParameter({ message }) : undefined;
  if (refused !== undefined) return refused;
  const isBusy = BUSY.has(status) || type === "overloaded_error" || type === "rate_limit_error";
  if (isBusy) return new ProviderError("busy", words);
  if (status === 401 || status === 403) return new ProviderError("refused", `${words} (is the key right?)`);
  return new ProviderError("refused", words);
}

function isUnpaid(message: unknown): boolean {
  return typeof message === "string" && /credit balance is too low|insufficient balance/i.test(message.slice(0, 200));
}
