import type { ProviderFailure } from "../../../src/language/failures.ts";
import type { ToolDefinition } from "../../../src/providers/tool-call.ts";
import type { ChatUsage, EndReason, ModelFacts } from "../../../src/providers/provider.ts";

/**
 * The output of one kind of model server: the shapes come from its documentation and from people's reports, or were
 * recorded where that is said; the words in them are ours.
 */
export interface RecordedServer {
  /** Its name and version. Where a shape is of another version, the shape says so. */
  readonly server: string;
  readonly protocol: "ollama" | "openai" | "anthropic";
  readonly answers: Readonly<Record<string, RecordedAnswer>>;
  /** Pieces without meaning that may come between any two pieces of an answer. */
  readonly odd: Readonly<Record<string, string>>;
  readonly failures: Readonly<Record<string, RecordedFailure>>;
  readonly lists: Readonly<Record<string, RecordedList>>;
}

/** An answer on the wire, and its expected meaning. */
export interface RecordedAnswer {
  readonly pieces: readonly string[];
  readonly text: string;
  readonly thinking?: string;
  readonly reason: EndReason;
  readonly usage?: ChatUsage;
  /** The calls of {@link OFFERED} in it, each by its name and arguments; absent where the request offers no tools. */
  readonly calls?: readonly (readonly [name: string, arguments: object])[];
}

/** The tools of requests whose recorded answers call any. */
export const OFFERED: readonly ToolDefinition[] = [
  {
    name: "get_weather",
    description: "The weather of a city now",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
  { name: "get_time", description: "The time now", parameters: { type: "object", properties: {} } },
];

/** A failure on the wire, and its expected meaning. */
export interface RecordedFailure {
  /** 200 unless said otherwise. */
  readonly status?: number;
  readonly contentType?: string;
  readonly pieces: readonly string[];
  readonly code: ProviderFailure;
  /** The words before the failure. */
  readonly text?: string;
  /** The window that is learnt from it, in tokens. */
  readonly limitTokens?: number;
}

/** A list of models, and the facts of each that it names. */
export interface RecordedList {
  readonly body: string;
  /** The models that become agents where `discover` is on, by their names. */
  readonly chat: readonly string[];
  /** The other models, which become none. */
  readonly others: readonly string[];
  /** The facts of a model from the list itself. */
  readonly facts?: Readonly<Record<string, ModelFacts>>;
}

/** A server-sent event that holds JSON. */
export function data(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** The end of a stream in OpenAI's protocol. */
export const DONE = "data: [DONE]\n\n";

/** A line of JSON. */
export function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
