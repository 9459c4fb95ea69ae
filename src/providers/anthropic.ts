import Anthropic from "@anthropic-ai/sdk";
import type { ThinkingConfigParam } from "@anthropic-ai/sdk/resources/messages";
import type { Effort, Locality } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import { connectionsTo, withFewHeaders } from "./connection.ts";
import { explain } from "./anthropic-errors.ts";
import { messagesFor, toolsFor } from "./anthropic-messages.ts";
import { checkMessageStream, piecesOf } from "./anthropic-stream.ts";
import { checkJson, providerFetch, type BodyCheck } from "./http.ts";
import { Line } from "./line.ts";
import { listedModels } from "./listed-models.ts";
import { ollamaBehind } from "./ollama-behind.ts";
import { RefusedParameters, type Takes } from "./parameters.ts";
import { type ChatChunk, type ChatRequest, type Provider, ProviderError } from "./provider.ts";
import { askOnce, streamAnswer, type Piece, type StreamLimits } from "./stream.ts";
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
 * A provider with Anthropic's protocol, in the version of its client, which has no temperature. All its models see and
 * call tools.
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
    const { model, effort, messages, maxAnswerTokens, tools = [], toolChoice } = request;
    const by = `${name} ${model}`;
    const choice = toolChoice === undefined ? {} : { tool_choice: { type: toolChoice } };
    const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
    const most = effort === undefined || effort === "none" ? MOST_ANSWER_TOKENS : MOST_TOKENS_WITH_THOUGHTS;
    const ask = async function* (ending: AbortSignal, takes: Takes): AsyncGenerator<Piece> {
      const stream = await clientFor(ending, checkMessageStream).messages.create({
        model,
        max_tokens: Math.min(maxAnswerTokens, most),
        messages: messagesFor(request, by),
        stream: true,
        ...(tools.length === 0 || !takes("tools") ? {} : { tools: toolsFor(tools), ...choice }),
        ...(system.length === 0 ? {} : { system: system.join("\n\n") }),
        // Histories repeat, and from the second time on they cost a tenth.
        cache_control: { type: "ephemeral" },
        ...(effort === undefined || !takes("thinking") ? {} : { thinking: thinkingFor(effort) }),
        ...(effort === undefined || effort === "none" || !takes("output_config") ? {} : { output_config: { effort } }),
      });
      yield* piecesOf(stream, by);
    };
    const begin = (ending: AbortSignal): AsyncIterable<Piece> =>
      parameters.asking(model, (takes) => ask(ending, takes));
    return streamAnswer(line, request, options, begin, log.child({ provider: name, model }));
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
    facts: (model) => Promise.resolve(parameters.factsOf(model, { sees: true, tools: true })),
  };
}

function thinkingFor(effort: Effort): ThinkingConfigParam {
  return { type: effort === "none" ? "disabled" : "adaptive" };
}
