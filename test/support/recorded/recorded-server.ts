import type { ProviderFailure } from "../../../src/language/failures.ts";
import type { ChatUsage, EndReason, ModelFacts } from "../../../src/providers/provider.ts";

/**
 * What one kind of model server sends: the shapes are those of its documentation and of what people reported of it, or recorded
 * where that is said; the words in them are ours.
 */
export interface RecordedServer {
  /** Its name and version. Where a shape is of another version, the shape says so. */
  readonly server: string;
  readonly protocol: "ollama" | "openai" | "anthropic";
  readonly answers: Readonly<Record<string, RecordedAnswer>>;
  /** What may come between any two pieces of an answer, and says nothing. */
  readonly odd: Readonly<Record<string, string>>;
  readonly failures: Readonly<Record<string, RecordedFailure>>;
  readonly lists: Readonly<Record<string, RecordedList>>;
}

/** An answer as it comes over the wire, and what is to be understood of it. */
export interface RecordedAnswer {
  readonly pieces: readonly string[];
  readonly text: string;
  readonly thinking?: string;
  readonly reason: EndReason;
  readonly usage?: ChatUsage;
}

/** A failure as it comes over the wire, and what is to be understood of it. */
export interface RecordedFailure {
  /** 200 unless said otherwise. */
  readonly status?: number;
  readonly contentType?: string;
  readonly pieces: readonly string[];
  readonly code: ProviderFailure;
  /** What was said before it. */
  readonly text?: string;
  /** The window that is learnt of it, in tokens. */
  readonly limitTokens?: number;
}

/** A list of models, and what is told of each that it names. */
export interface RecordedList {
  readonly body: string;
  /** Those of which an agent is made where `discover` is on, by their names. */
  readonly chat: readonly string[];
  /** The others: of these none is made. */
  readonly others: readonly string[];
  /** What the list itself tells of a model. */
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
