import Anthropic from "@anthropic-ai/sdk";
import type { MessageParam, RawMessageStreamEvent } from "@anthropic-ai/sdk/resources/messages";
import type { Locality } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import { connectionsTo, withFewHeaders } from "./connection.ts";
import { checkJson, providerFetch, type BodyCheck } from "./http.ts";
import { pictureType } from "./pictures.ts";
import { type ChatChunk, type ChatMessage, type ChatRequest, type Provider, ProviderError } from "./provider.ts";
import { askOnce, streamAnswer, type Piece, type StreamLimits } from "./stream.ts";
import { checkSse } from "./sse.ts";

/** How to reach Anthropic, or a server that speaks its protocol, and how long to wait for it. */
export interface AnthropicOptions extends StreamLimits {
  /** The key under `providers:` in config.yaml. */
  readonly name: string;
  /** Its address, with the path before `/v1/messages`. */
  readonly url: string;
  readonly locality: Locality;
  readonly apiKey?: string | undefined;
  /** Certificates (PEM) that are trusted beside the usual ones. */
  readonly ca?: string | undefined;
  readonly log: Logger;
}

const LIST_MS = 10_000;

/** The client's own time limit would end long thoughts. In milliseconds. */
const NEVER_MS = 2_147_483_647;

/** A provider that speaks Anthropic's protocol. All its models see; tools are never offered, and calls of them ignored. */
export function createAnthropicProvider({ name, log, ...options }: AnthropicOptions): Provider {
  const dispatcher = connectionsTo(options.ca);
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
    const { model, temperature, signal, messages, maxAnswerTokens } = request;
    const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
    const begin = async function* (ending: AbortSignal): AsyncGenerator<Piece> {
      const stream = await clientFor(ending, checkMessageStream).messages.create({
        model,
        max_tokens: maxAnswerTokens,
        messages: messages.flatMap(messageOf),
        stream: true,
        ...(system.length === 0 ? {} : { system: system.join("\n\n") }),
        // Theirs goes from 0 to 1.
        ...(temperature === undefined ? {} : { temperature: Math.min(temperature, 1) }),
      });
      yield* piecesOf(stream);
    };
    return streamAnswer(signal, options, begin, log.child({ provider: name, model }));
  }

  return {
    name,
    host: new URL(options.url).host,
    locality: options.locality,
    relays: false,
    chat,
    models: async () => {
      const page = await askOnce(undefined, LIST_MS, (ending) =>
        clientFor(ending, checkJson).models.list({ limit: 1_000 }),
      );
      if (!Array.isArray(page.data)) throw new ProviderError("malformed", "the list of models is none");
      return page.data.map(({ id }: { id: unknown }) => {
        if (typeof id !== "string") throw new ProviderError("malformed", "a model in the list has no name");
        return { name: id };
      });
    },
    facts: () => Promise.resolve({ sees: true }),
  };
}

/** The instruction stands beside the messages, and pictures before what is said of them. */
function messageOf({ role, content, images = [] }: ChatMessage): MessageParam[] {
  if (role === "system") return [];
  // An empty one is refused, as one of nothing but a picture's name never is.
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
  let answerTokens = 0;
  let reason: "stop" | "length" = "stop";
  for await (const event of stream) {
    switch (event.type) {
      case "message_start": {
        const { usage } = event.message;
        promptTokens =
          usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);
        break;
      }
      case "content_block_delta":
        if (event.delta.type === "text_delta") yield { text: event.delta.text };
        else if (event.delta.type === "thinking_delta") yield { thinking: event.delta.thinking };
        else yield {};
        break;
      case "message_delta":
        answerTokens = event.usage.output_tokens;
        if (event.delta.stop_reason === "max_tokens") reason = "length";
        break;
      case "message_stop":
        yield { end: { reason, ...(promptTokens === undefined ? {} : { usage: { promptTokens, answerTokens } }) } };
        return;
      case "content_block_start":
      case "content_block_stop":
      default:
        yield {};
    }
  }
}

const checkMessageStream = checkSse({
  check: (piece) => {
    const { type, delta, message, usage } = piece;
    if (type === "error") throw explain(200, piece) ?? new ProviderError("refused", "an error came");
    if (typeof type !== "string") throw new ProviderError("malformed", "a piece is none of a message");
    const { type: kind, text, thinking } = (delta ?? {}) as Record<string, unknown>;
    const isBroken =
      (type === "content_block_delta" && kind === "text_delta" && typeof text !== "string") ||
      (type === "content_block_delta" && kind === "thinking_delta" && typeof thinking !== "string") ||
      (type === "content_block_delta" && typeof kind !== "string") ||
      (type === "message_start" && typeof (message as { usage?: unknown } | undefined)?.usage !== "object") ||
      (type === "message_delta" && typeof usage !== "object");
    if (isBroken) throw new ProviderError("malformed", "a piece of the message holds not what it says");
    return type === "message_stop";
  },
});

/** Errors come as `{ type: "error", error: { type, message } }`; the message may quote what was asked. */
function explain(status: number, body: unknown): ProviderError | undefined {
  const error = (body as { error?: { type?: unknown } } | undefined)?.error;
  const type = typeof error?.type === "string" && /^[a-z_]{1,60}$/.test(error.type) ? error.type : undefined;
  const words = `HTTP ${status}: ${type ?? "no reason given"}`;
  if (status === 404 || type === "not_found_error") return new ProviderError("model_missing", words);
  const isBusy = status === 429 || status === 529 || type === "overloaded_error" || type === "rate_limit_error";
  if (isBusy) return new ProviderError("busy", words);
  if (status === 401 || status === 403) return new ProviderError("refused", `${words} (is the key right?)`);
  return new ProviderError("refused", words);
}
