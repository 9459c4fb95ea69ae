import { OperatorError } from "./operator-error.ts";
import { isRetryable } from "./retryable.ts";

/** The most causes that are followed, because causes may form a circle. */
const MAX_CAUSES = 8;

/** The logged part of a message, in characters: it may come from a server, or from a library that quotes its input. */
const LONGEST_MESSAGE = 2_000;

/** The parts of an error that may be logged. */
export interface DescribedError {
  readonly type: string;
  readonly code?: string;
  readonly message: string;
  /** The place where it was made, without its message. */
  readonly stack?: string;
  readonly cause?: DescribedError;
}

/**
 * The parts of an error that may be logged: its kind, code, message and place. Anything that a driver attaches is left
 * out, because it carries rows and parameters. Quoted words are removed from the message, because parsers repeat their
 * input there: JSON.parse, PostgreSQL's types, the crypto engine's deserialiser, and fetch with a header that it
 * refuses.
 */
export function describeError(error: unknown, causes = 0): DescribedError {
  return describe(error, causes, !isRetryable(error));
}

/** @param hasStack without where something else is away: its place in our code says nothing, at any depth. */
function describe(error: unknown, causes: number, hasStack: boolean): DescribedError {
  if (!(error instanceof Error)) return describeThrown(error);
  const code: unknown = "code" in error ? error.code : undefined;
  const stack = hasStack ? framesOf(error) : undefined;
  return {
    type: error.name,
    ...(typeof code === "string" ? { code } : {}),
    // Our own words for the admin quote commands, and hide secrets where they are made.
    message: error instanceof OperatorError ? error.message.slice(0, LONGEST_MESSAGE) : unquoted(error.message),
    ...(stack === undefined ? {} : { stack }),
    ...(error.cause === undefined || causes >= MAX_CAUSES
      ? {}
      : { cause: describe(error.cause, causes + 1, hasStack) }),
  };
}

/** Something else that was thrown: by the crypto engine, which is no JavaScript, or by a library. */
function describeThrown(thrown: unknown): DescribedError {
  if (typeof thrown === "string") return { type: "Error", message: unquoted(thrown) };
  if (typeof thrown !== "object" || thrown === null) return { type: "Error", message: `${typeof thrown} was thrown` };
  const { name, message } = thrown as { readonly name?: unknown; readonly message?: unknown };
  // Only an error has both; any other object may be data.
  return typeof name === "string" && typeof message === "string"
    ? { type: unquoted(name), message: unquoted(message) }
    : { type: "Error", message: "an object that is no error was thrown" };
}

/** The same for a terminal. */
export function printError(error: unknown): string {
  const { type, message, stack } = describeError(error);
  return [`${type}: ${message}`, ...(stack === undefined ? [] : [stack])].join("\n");
}

/** The beginning of a text without its parts in double quotes or backquotes; an open quote reaches to the end. */
export function unquoted(text: string): string {
  return text.slice(0, LONGEST_MESSAGE).replaceAll(/(["`])[^]*?(?:\1|$)/g, "$1…$1");
}

/** The stack begins with the message, which may have several lines. */
function framesOf({ stack }: Error): string | undefined {
  const frames = stack?.split("\n").filter((line) => /^ {4}at /.test(line));
  return frames === undefined || frames.length === 0 ? undefined : frames.join("\n");
}
