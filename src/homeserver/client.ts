import { Agent, type Dispatcher, request as send } from "undici";
import { limitTime } from "../concurrency/time-limit.ts";
import { trusting } from "../egress/trusted.ts";
import { ACCEPTED_ENCODINGS, unpacked, UnknownEncoding } from "../egress/unpacked.ts";
import type { Logger } from "../observability/log.ts";
import { reasonOfNetworkError } from "../observability/network-fault.ts";
import type { Metrics } from "../observability/metrics.ts";
import { sightingOf, type CallEnd } from "./absence.ts";
import { endpointOf } from "./endpoint.ts";
import {
  AddressTooLong,
  AnswerTooLarge,
  HomeserverUnreachable,
  MatrixError,
  MAX_RETRY_AFTER_MS,
  UnexpectedAnswer,
} from "./errors.ts";
import { parseList } from "./list-answer.ts";
import { retrying } from "./retry.ts";

/** The user a call is made as, and its device where that matters (MSC4326). */
export interface Actor {
  readonly userId: string;
  readonly deviceId?: string | undefined;
  /** The device's own token, where the homeserver knows no parameter for the device. It stands for both ids. */
  readonly accessToken?: string | undefined;
}

/** The time limit and the retries of a call. */
export interface CallOptions {
  /** Ends the call and the waits between attempts; the call then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Time limit of one attempt, 30 s by default. */
  readonly timeoutMs?: number | undefined;
  /**
   * `never` (the default) makes one attempt. `transient` repeats after network errors, 5xx and 429 (after the time that
   * the server asks for), never after another 4xx. Only for calls that may be repeated: reads, or writes with a
   * transaction id.
   */
  readonly retry?: "never" | "transient" | undefined;
  /** The limit for all attempts of `transient` together. By default only `signal` ends them. */
  readonly retryForMs?: number | undefined;
}

/** One call. */
export interface HomeserverRequest extends CallOptions {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Built by the `path` template of path.ts. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>> | undefined;
  /** An object is sent as JSON; a string is already JSON. */
  readonly body?: object | string | Uint8Array | undefined;
  /** `application/json` by default. */
  readonly contentType?: string | undefined;
  /** The limit of an answer after decompression. A larger one throws AnswerTooLarge. */
  readonly maxBytes?: number | undefined;
  /** For calls that answer a list: whether an entry is needed. Other entries are dropped as they are parsed. */
  readonly entries?: ((entry: unknown) => boolean) | undefined;
  /** Absent: the appservice's own sender. */
  readonly as?: Actor | undefined;
}

/** Calls the homeserver's client-server API with the appservice's token. */
export interface HomeserverClient {
  /** Makes a call and parses the answer. Throws HomeserverError, or the abort reason of the request's signal. */
  request(request: HomeserverRequest): Promise<unknown>;
  /** The same, but returns the answer's JSON text unchanged. */
  requestText(request: HomeserverRequest): Promise<string>;
  /** The same, but returns the bytes of an answer that is no JSON. */
  requestBytes(request: HomeserverRequest): Promise<Uint8Array>;
  /** Closes all connections; running calls throw HomeserverUnreachable. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** The state of a very large room is tens of megabytes; no call of ours needs a larger answer. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;

/** The longest path with its query, in bytes: Synapse hangs up at 16,384 without an answer. */
const LONGEST_ADDRESS = 8_192;
/** The part of a too long path that its error shows, in characters. */
const SAID_OF_ADDRESS = 100;

/**
 * Our own client, because matrix-bot-sdk still names the device by a parameter that Synapse has dropped. The token goes
 * only into the Authorization header, redirects are never followed, and neither bodies nor tokens are logged.
 *
 * @param options.url the homeserver's base URL, as the bridge reaches it.
 * @param options.ca Certificates (PEM) that are trusted beside the usual ones.
 */
// eslint-disable-next-line max-lines-per-function -- its functions share one client's knowledge of its homeserver
export function createHomeserverClient(options: {
  readonly url: string;
  readonly ca?: string | undefined;
  readonly asToken: string;
  readonly log: Logger;
  /** Called with the failure when the homeserver, which was there before, can't be reached. */
  readonly onAbsence?: (error: unknown) => void;
  /** Called when the homeserver answers again after it could not be reached. */
  readonly onReturn?: () => void;
  readonly metrics?: Metrics | undefined;
  /** Bytes, after decompression; for tests. */
  readonly maxAnswerBytes?: number;
}): HomeserverClient {
  const base = options.url.replace(/\/+$/, "");
  const maxAnswerBytes = options.maxAnswerBytes ?? MAX_ANSWER_BYTES;
  // The time limits are ours, for each call; keep-alive stays below the 60 s after which Synapse hangs up.
  const agent = new Agent({
    keepAliveTimeout: 20_000,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: 10_000, ...trusting(options.ca) },
  });

  let isAway = false;
  let lastThere = -Infinity;
  const note = (request: HomeserverRequest, end: CallEnd, error?: unknown): void => {
    const now = performance.now();
    const sighting = sightingOf(request.path, end, now - lastThere);
    if (sighting === "unclear") return;
    if (sighting === "there") lastThere = now;
    const wasAway = isAway;
    isAway = sighting === "away";
    if (wasAway && !isAway) options.onReturn?.();
    if (!wasAway && isAway && lastThere !== -Infinity) options.onAbsence?.(error);
  };

  async function attempt(request: HomeserverRequest, call: string): Promise<Buffer> {
    request.signal?.throwIfAborted();
    const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const limit = limitTime(timeoutMs, request.signal);
    const started = performance.now();
    let status: number | undefined;
    let outcome = "aborted";
    try {
      // `fetch` takes four times the processor time.
      const response = await send(`${base}${request.path}${queryString(request)}`, {
        method: request.method,
        headers: {
          authorization: `Bearer ${request.as?.accessToken ?? options.asToken}`,
          accept: "application/json",
          "accept-encoding": ACCEPTED_ENCODINGS,
          ...(request.body === undefined ? {} : { "content-type": request.contentType ?? "application/json" }),
        },
        body: encodeBody(request.body),
        signal: limit.signal,
        dispatcher: agent,
      });
      status = response.statusCode;
      if (status < 400) note(request, { kind: "answered", status, errcode: undefined });
      const bytes = unpacked(response.body, response.headers["content-encoding"]);
      const answer = await readBounded(bytes, Math.min(request.maxBytes ?? Infinity, maxAnswerBytes), call);
      outcome = outcomeOf(status);
      if (status >= 200 && status < 300) return answer;
      if (status < 400) {
        throw new UnexpectedAnswer(call, `answered ${status}, a redirect, which is not followed; check homeserver.url`);
      }
      const { errcode, error } = matrixError(call, response, answer.toString());
      note(request, { kind: "answered", status, errcode }, error);
      throw error;
    } catch (thrown) {
      const error = thrown instanceof UnknownEncoding ? new UnexpectedAnswer(call, thrown.message) : thrown;
      if (error instanceof UnexpectedAnswer) outcome = "unexpected";
      if (error instanceof MatrixError || error instanceof UnexpectedAnswer) throw error;
      request.signal?.throwIfAborted();
      outcome = "unreachable";
      const unanswered = limit.isOver()
        ? new HomeserverUnreachable(call, "TIMEOUT", `no answer within ${timeoutMs} ms`, { cause: error })
        : unreachable(call, error);
      note(request, { kind: "unanswered", code: unanswered.code }, unanswered);
      throw unanswered;
    } finally {
      limit.end();
      const ms = Math.round(performance.now() - started);
      options.metrics?.homeserverRequests.observe({ endpoint: kindOf(request), outcome }, ms / 1000);
      options.log.debug(
        {
          method: request.method,
          path: request.path,
          status,
          ms,
          ghost: request.as?.userId,
        },
        "homeserver call",
      );
    }
  }

  async function perform<T>(
    request: HomeserverRequest,
    read: (answer: Buffer, call: string) => T | Promise<T>,
  ): Promise<T> {
    const call = callOf(request);
    const once = async (): Promise<T> => read(await attempt(request, call), call);
    if (request.retry !== "transient") return once();
    return retrying(once, {
      signal: request.signal,
      deadline: performance.now() + (request.retryForMs ?? Infinity),
      onRetry: (error, waitMs, attempts) => {
        options.metrics?.homeserverRetries.inc({ endpoint: kindOf(request) });
        options.log.warn({ error, waitMs, attempts, ghost: request.as?.userId }, "call is repeated");
      },
    });
  }

  return {
    request: (request) =>
      perform<unknown>(request, (answer, call) =>
        request.entries === undefined
          ? parseJson(answer.toString(), call)
          : parseEntries(answer, request.entries, call),
      ),
    requestText: (request) =>
      perform(request, (answer, call) => {
        const text = answer.toString();
        parseJson(text, call);
        return text;
      }),
    requestBytes: (request) => perform(request, (answer) => answer),
    close: () => agent.destroy(),
  };
}

/** A call's name. Throws AddressTooLong. */
function callOf(request: HomeserverRequest): string {
  const { method, path } = request;
  // Both are ASCII.
  const bytes = path.length + queryString(request).length;
  if (bytes > LONGEST_ADDRESS) throw new AddressTooLong(`${method} ${path.slice(0, SAID_OF_ADDRESS)}`, bytes);
  return `${method} ${path}`;
}

function kindOf({ path, query }: HomeserverRequest): string {
  return endpointOf(path, (query?.["timeout"] ?? "0") !== "0");
}

/** The kind of a status, for metrics. */
function outcomeOf(status: number): string {
  if (status >= 500) return "server_error";
  if (status === 429) return "rate_limited";
  return status >= 400 ? "client_error" : "ok";
}

function queryString(request: HomeserverRequest): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) query.set(name, value);
  if (request.as !== undefined && request.as.accessToken === undefined) {
    query.set("user_id", request.as.userId);
    if (request.as.deviceId !== undefined) query.set("device_id", request.as.deviceId);
  }
  return query.size === 0 ? "" : `?${query.toString()}`;
}

function encodeBody(body: HomeserverRequest["body"]): string | Uint8Array | null {
  if (body === undefined) return null;
  return typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
}

async function readBounded(body: AsyncIterable<Uint8Array>, maxBytes: number, call: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    // Leaving the loop cancels the rest.
    chunks.push(chunk);
    if (size > maxBytes) throw new AnswerTooLarge(call, maxBytes, beginningOf(chunks));
  }
  return Buffer.concat(chunks);
}

/** The part of a too large answer that is kept, in bytes. */
const BEGINNING_BYTES = 4_096;

function beginningOf(chunks: readonly Uint8Array[]): string {
  let missing = BEGINNING_BYTES;
  const parts: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (missing <= 0) break;
    parts.push(chunk.subarray(0, missing));
    missing -= chunk.byteLength;
  }
  return Buffer.concat(parts).toString();
}

function parseJson(text: string, call: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notJson(call);
  }
}

async function parseEntries(answer: Buffer, keep: (entry: unknown) => boolean, call: string): Promise<unknown[]> {
  try {
    return await parseList(answer, keep);
  } catch (error) {
    throw error instanceof SyntaxError ? notJson(call) : error;
  }
}

/** The parser's own message would quote the text. */
function notJson(call: string): UnexpectedAnswer {
  return new UnexpectedAnswer(call, "the answer is not JSON; check that homeserver.url leads to the homeserver itself");
}

/** The error of an answer, and the code that it gave itself. */
function matrixError(
  call: string,
  { statusCode: status, headers }: Pick<Dispatcher.ResponseData, "statusCode" | "headers">,
  text: string,
): { readonly errcode: string | undefined; readonly error: MatrixError } {
  const body = standardError(text);
  const errcode = typeof body.errcode === "string" ? body.errcode : undefined;
  const retryAfter = headers["retry-after"];
  const error = new MatrixError(call, {
    status,
    errcode: errcode ?? "M_UNKNOWN",
    error: typeof body.error === "string" ? body.error.slice(0, 500) : "",
    retryAfterMs: retryAfterMs(body.retry_after_ms, Array.isArray(retryAfter) ? retryAfter[0] : retryAfter),
  });
  return { errcode, error };
}

function standardError(text: string): { errcode?: unknown; error?: unknown; retry_after_ms?: unknown } {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : {};
  } catch {
    return {};
  }
}

/** The header (seconds or a date) is the spec's form since 1.10, the field the older one. */
function retryAfterMs(field: unknown, header: string | undefined): number | undefined {
  const wished =
    header === undefined || header.trim() === ""
      ? field
      : Number.isFinite(Number(header))
        ? Number(header) * 1000
        : Date.parse(header) - Date.now();
  if (typeof wished !== "number" || Number.isNaN(wished)) return undefined;
  return Math.min(Math.max(0, Math.ceil(wished)), MAX_RETRY_AFTER_MS);
}

function unreachable(call: string, error: unknown): HomeserverUnreachable {
  // Some errors wrap the cause; two addresses that both refuse give an AggregateError without a message.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "NETWORK";
  const detail = reasonOfNetworkError(error) ?? code;
  return new HomeserverUnreachable(call, code, `the homeserver can't be reached: ${detail}`, { cause: error });
}
