/** The homeserver answered with an error of its own (spec "Standard error response"). */
export class MatrixError extends Error {
  override readonly name = "MatrixError";
  /** HTTP status. */
  readonly status: number;
  /** E.g. `M_FORBIDDEN`; `M_UNKNOWN` for any other answer, such as a proxy's 502 page. */
  readonly errcode: string;
  /** Milliseconds the homeserver asks us to wait (429), at most {@link MAX_RETRY_AFTER_MS}. */
  readonly retryAfterMs: number | undefined;
  /** Whether the same request may succeed later without a change: 408, 429 and 5xx. */
  readonly retryable: boolean;
  /** The homeserver's own words, cut; empty when there were none. */
  readonly said: string;

  constructor(
    call: string,
    answer: { status: number; errcode: string; error: string; retryAfterMs: number | undefined },
  ) {
    super(`${call}: ${answer.status} ${answer.errcode}${answer.error === "" ? "" : `: ${answer.error}`}`);
    this.status = answer.status;
    this.errcode = answer.errcode;
    this.retryAfterMs = answer.retryAfterMs;
    this.said = answer.error;
    this.retryable = answer.status === 408 || answer.status === 429 || answer.status >= 500;
  }
}

/**
 * No complete answer came: nothing listens, the connection broke, or the time limit passed. The request may have had
 * its effect.
 */
export class HomeserverUnreachable extends Error {
  override readonly name = "HomeserverUnreachable";
  /** The system's code (`ECONNREFUSED`), or `TIMEOUT`. */
  readonly code: string;
  readonly retryable = true;

  constructor(call: string, code: string, reason: string, options?: { cause?: unknown }) {
    super(`${call}: ${reason}`, options);
    this.code = code;
  }
}

/**
 * The answer reported success, but did not look like a homeserver's: a redirect, a web page, a missing field, too much
 * data.
 */
export class UnexpectedAnswer extends Error {
  override readonly name: string = "UnexpectedAnswer";
  readonly retryable = false;

  constructor(call: string, reason: string, options?: { cause?: unknown }) {
    super(`${call}: ${reason}`, options);
  }
}

/** The decompressed answer exceeds the limit; the rest was not read. */
export class AnswerTooLarge extends UnexpectedAnswer {
  override readonly name = "AnswerTooLarge";
  /** The beginning of the answer. */
  readonly beginning: string;

  constructor(call: string, maxBytes: number, beginning: string) {
    super(call, `the answer is larger than ${maxBytes} bytes`);
    this.beginning = beginning;
  }
}

/** The address is too long to be requested: servers close the connection on such a request, as if they were away. */
export class AddressTooLong extends UnexpectedAnswer {
  override readonly name = "AddressTooLong";

  constructor(call: string, bytes: number) {
    super(call, `the address has ${bytes} bytes, and was not asked for`);
  }
}

/** Everything that a call to the homeserver can throw, apart from the caller's own abort reason. */
export type HomeserverError = MatrixError | HomeserverUnreachable | UnexpectedAnswer;

/** The longest pause that we grant a homeserver. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

/** Whether `error` came from a call to the homeserver. */
export function isHomeserverError(error: unknown): error is HomeserverError {
  return error instanceof MatrixError || error instanceof HomeserverUnreachable || error instanceof UnexpectedAnswer;
}

/**
 * Whether the homeserver itself is away. A slow homeserver may be waiting for another server, so a time limit does not
 * count.
 */
export function isAway(error: unknown): boolean {
  return error instanceof HomeserverUnreachable && error.code !== "TIMEOUT";
}

/** Whether the homeserver refused, and would refuse again in a minute. */
export function isRefusal(error: unknown): boolean {
  return error instanceof MatrixError && !error.retryable && error.status !== 401;
}

/** The pause that the homeserver asked for (429), in ms; 0 when it did not. */
export function askedToWaitMs(error: unknown): number {
  return error instanceof MatrixError ? (error.retryAfterMs ?? 0) : 0;
}

/** The device that we acted as is not on the homeserver any more. */
export class DeviceGone extends Error {
  override readonly name = "DeviceGone";
}

/** Whether the device that we acted as does not exist (MSC4326; older Synapses answer with the unstable name). */
export function isUnknownDevice(error: unknown): boolean {
  return error instanceof DeviceGone || (error instanceof MatrixError && error.errcode.endsWith("M_UNKNOWN_DEVICE"));
}

/** Whether the homeserver does not know the call. */
export function isUnrecognized(error: unknown): boolean {
  return error instanceof MatrixError && error.errcode === "M_UNRECOGNIZED";
}

/** Whether the homeserver asks for a password or the like first (spec "User-interactive authentication"). */
export function isInteractive(error: unknown): boolean {
  // Such an answer names the ways, and no error.
  return error instanceof MatrixError && error.status === 401 && error.errcode === "M_UNKNOWN";
}

/** Whether the homeserver does not know the token of the call. */
export function isUnknownToken(error: unknown): boolean {
  return error instanceof MatrixError && error.errcode === "M_UNKNOWN_TOKEN";
}

/** The answer of a call; undefined when the homeserver answers that it does not exist (404 `M_NOT_FOUND`). */
export async function noneIfNotFound(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof MatrixError && error.status === 404 && error.errcode === "M_NOT_FOUND") return undefined;
    throw error;
  }
}
