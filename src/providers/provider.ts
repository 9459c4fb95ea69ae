import type { ProviderFailure } from "../language/failures.ts";
import type { Effort, Locality } from "../config/config.ts";
import type { ToolCall, ToolDefinition, ToolRound } from "./tool-call.ts";

/** One message of the conversation as a model sees it. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
  /** Pictures, as whole files, for models that can see. */
  readonly images?: readonly Uint8Array[];
}

/** A question to a model. */
export interface ChatRequest {
  /** The provider's own name of the model, e.g. `llama3.2:3b`. */
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** The tools that the model may call; absent where there are none. A model that takes none is asked without them. */
  readonly tools?: readonly ToolDefinition[];
  /** `none`: it should answer without another call. Servers want to see the tools of earlier rounds all the same. */
  readonly toolChoice?: "none";
  /** What the model has already called since these messages, and the results; each has a call. */
  readonly rounds?: readonly ToolRound[];
  /** Context window in tokens (`num_ctx`); the prompt has been cut to fit it. */
  readonly contextTokens: number;
  readonly temperature?: number;
  /** The amount of thinking; undefined leaves it to the model. It is left out for a model that refuses it. */
  readonly effort?: Effort;
  /** The longest answer, in tokens, including thinking. */
  readonly maxAnswerTokens: number;
  /** The time that the model stays loaded afterwards, in the provider's own form (`5m`, `-1`). */
  readonly keepAlive?: string;
  /** The user id of the person who waits for the answer; undefined when nobody does. */
  readonly asker?: string;
  /** Ends the request and the generation behind it. */
  readonly signal: AbortSignal;
}

/**
 * A piece of an answer. Exactly one `done` ends a good stream; a stream that ends without it was cut off and throws.
 */
export type ChatChunk =
  | { readonly kind: "text"; readonly text: string }
  /** The model's own thoughts; no part of the answer. */
  | { readonly kind: "thinking"; readonly text: string }
  /** All text so far was the model's thinking. */
  | { readonly kind: "recant" }
  | Done;

/** The end of an answer: words, calls, or both. */
export interface Done {
  readonly kind: "done";
  readonly reason: EndReason;
  readonly usage?: ChatUsage;
  /** The tools that the model wants to use, bounded in number; absent where it wants none. */
  readonly calls?: readonly ToolCall[];
  /** See {@link ToolRound}. */
  readonly kept?: string;
}

/** The end of an answer: its natural end, a limit, the server's content rules, or a repetition. */
export type EndReason = "stop" | "length" | "filtered" | "repeating";

/** Tokens by the provider's count. */
export interface ChatUsage {
  readonly promptTokens: number;
  readonly answerTokens: number;
}

/** A model that the provider can run now. */
export interface InstalledModel {
  readonly name: string;
  /** Whether it holds conversations; other models make embeddings, rank texts, or handle pictures and sound. */
  readonly canChat: boolean;
}

/** The known facts about a model. */
export interface ModelFacts {
  /** Whether it accepts pictures. */
  readonly sees: boolean;
  /** The longest context that it can run with, if the provider says so. */
  readonly contextTokens?: number;
  /** Whether it can call tools; undefined where the provider does not say. */
  readonly tools?: boolean;
  /** The host to which the provider passes its requests on, if any. */
  readonly remoteHost?: string;
}

/** Tells whether a provider passes requests on, and the host. */
export interface Relay {
  /**
   * The present facts of a model; undefined where the server does not say where its models run. Throws {@link
   * ProviderError} when it can't be asked.
   */
  facts(model: string): Promise<ModelFacts | undefined>;
  /** Whether the server says where its models run. Throws {@link ProviderError} when it can't be asked. */
  saysWhere(): Promise<boolean>;
}

/** A request for a picture. */
export interface DrawRequest {
  readonly model: string;
  readonly prompt: string;
  readonly signal: AbortSignal;
}

/** A recording to transcribe. */
export interface TranscribeRequest {
  readonly model: string;
  readonly audio: Uint8Array;
  /** Its ending states the kind of recording. */
  readonly fileName: string;
  readonly signal: AbortSignal;
}

/** The progress of an installation. */
export interface PullProgress {
  /** The provider's own word for its present step. */
  readonly status: string;
  /** The part of the present download, in bytes; undefined where the server does not say. */
  readonly completed?: number;
  readonly total?: number;
}

/** The load of a provider. */
export interface ProviderLoad {
  /** The requests that wait for a place. */
  readonly waiting: number;
  /** Whether it is paused after repeated failures; `trying`: one request tests it. */
  readonly paused: "no" | "trying" | "yes";
}

/** A source of answers. Providers hold no conversation state. */
export interface Provider {
  /** The key under `providers:` in config.yaml. */
  readonly name: string;
  /** Its host, for people to read. */
  readonly host: string;
  readonly locality: Locality;
  /** Absent where the provider passes nothing on, or is outside the network anyway. */
  readonly relay?: Relay | undefined;
  /**
   * Streams an answer. Throws {@link ProviderError}, at the first chunk or later; nothing is retried here.
   * Returning early from the iteration aborts the request.
   */
  chat(request: ChatRequest): AsyncIterable<ChatChunk>;
  /** The provider's facts about a model. Throws {@link ProviderError}. */
  facts(model: string): Promise<ModelFacts>;
  /** Makes a picture; absent where the provider makes none. Throws {@link ProviderError}. */
  draw?(request: DrawRequest): Promise<Uint8Array>;
  /** Installs a model; absent where the provider can't. Ends when the model is there. Throws {@link ProviderError}. */
  pull?(model: string, signal: AbortSignal): AsyncIterable<PullProgress>;
  /** Transcribes a recording; absent where the provider can't. Throws {@link ProviderError}. */
  transcribe?(request: TranscribeRequest): Promise<string>;
  /** Its load; absent where nothing limits it. */
  load?(): ProviderLoad;
  /** The models installed now that run there. Throws {@link ProviderError}. */
  models(): Promise<readonly InstalledModel[]>;
}

/** A provider that installs models. */
export type Installer = Provider & Required<Pick<Provider, "pull">>;

/** Whether a provider installs models. */
export function canInstall(provider: Provider): provider is Installer {
  return provider.pull !== undefined;
}

/** A provider's failure. `message` is for the log and holds no text of the conversation. */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
  readonly code: ProviderFailure;

  constructor(code: ProviderFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
