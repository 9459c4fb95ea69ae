import { setImmediate } from "node:timers/promises";
import { type Dispatcher, errors, request } from "undici";
import { ACCEPTED_ENCODINGS, unpacked, UnknownEncoding } from "../egress/unpacked.ts";
import { reasonOfNetworkCode } from "../observability/network-fault.ts";
import { ProviderError } from "./provider.ts";

/**
 * Checks the bytes of a good response before the client sees them; throws {@link ProviderError} at the first bad one.
 */
export type BodyCheck = (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/** The connection between a client and its server. */
export interface ProviderHttp {
  readonly dispatcher: Dispatcher;
  /** Ends the request and closes its connection; the client's own signal is not used. */
  readonly signal: AbortSignal;
  readonly check: BodyCheck;
  /**
   * The reason for a refusal, by the status and the body (as JSON if possible); undefined: the status alone decides.
   */
  readonly explain: (status: number, body: unknown) => ProviderError | undefined;
}

/** The part of an error's body that is read, in characters. */
const MAX_ERROR_CHARS = 65_536;
/**
 * The longest answer in one piece, in bytes: parsing it blocks everything else. A list of hundreds of models needs some
 * of it.
 */
const MAX_BODY_BYTES = 4_194_304;
/** The longest answer with a picture, in bytes, and the most values beside it. */
const MAX_PICTURE_BYTES = 33_554_432;
const MAX_PICTURE_VALUES = 10_000;
/** The longest line of a stream, in characters. A line holds a token or two. */
const MAX_LINE_CHARS = 1_048_576;
/** The most empty lines between two pieces of a stream: servers send them to show that they live. */
export const MAX_EMPTY_LINES = 10_000;

/**
 * A `fetch` for the official clients that passes only good responses to them, and throws {@link ProviderError} for all
 * others. The clients print unparsable input, and with it parts of the conversation, to the console, or they repeat a
 * failed request. Redirects are not followed: the conversation goes to the configured address or nowhere.
 */
export function providerFetch({ dispatcher, signal, check, explain }: ProviderHttp): typeof fetch {
  return async (input, init) => {
    const url = input instanceof Request ? input.url : input.toString();
    const headers = new Headers(init?.headers);
    const body = await bodyOf(init?.body, headers);
    let response: Dispatcher.ResponseData;
    try {
      // Unlike `fetch`, it takes little processor time.
      response = await request(url, {
        dispatcher,
        signal,
        method: init?.method ?? "GET",
        headers: { ...Object.fromEntries(headers), "accept-encoding": ACCEPTED_ENCODINGS },
        body,
      });
    } catch (error) {
      throw networkFailure(error, new URL(url).origin);
    }
    const { statusCode: status } = response;
    const answer = receive(response);
    if (status < 200 || status >= 300) {
      const failure = await httpFailure(status, answer, explain);
      response.body.destroy();
      throw failure;
    }
    const contentType = [response.headers["content-type"]].flat()[0] ?? "text/plain";
    return new Response(ReadableStream.from(check(answer)), { headers: { "content-type": contentType } });
  };
}

/** Passes a body of limited size through. */
export async function* checkSize(
  body: AsyncIterable<Uint8Array>,
  maxBytes = MAX_BODY_BYTES,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new ProviderError("malformed", `the answer is over ${maxBytes} bytes`);
    yield chunk;
  }
}

/** Passes only an answer in one piece of JSON. */
export async function* checkJson(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield json(Buffer.concat(await Array.fromAsync(checkSize(body))));
}

/** The same for an answer that is mainly a picture: one long text is parsed quickly, millions of values are not. */
export async function* checkPicture(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const whole = Buffer.concat(await Array.fromAsync(checkSize(body, MAX_PICTURE_BYTES)));
  let values = 0;
  for (const sign of [",", "[", "{"]) {
    for (let at = whole.indexOf(sign); at !== -1; at = whole.indexOf(sign, at + 1)) {
      if (++values > MAX_PICTURE_VALUES) throw new ProviderError("malformed", "the answer is no picture");
    }
  }
  yield json(whole);
}

function json(whole: Buffer): Buffer {
  try {
    JSON.parse(whole.toString("utf8"));
  } catch {
    // The parser's message quotes its input.
    throw new ProviderError("malformed", "the answer is not JSON");
  }
  return whole;
}

/** The time for which fast data is handled without a pause, in ms; then other work gets a turn. */
const LONGEST_STRETCH_MS = 20;

/** The lines of `body` that are not blank. The last one is not `whole` when the body ended before its line feed. */
export async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<{ line: string; whole: boolean }> {
  const decoder = new TextDecoder();
  // Kept in pieces, however small: joining them each time would copy them each time.
  let begun: string[] = [];
  let length = 0;
  let empty = 0;
  let lastTurn = performance.now();
  for await (const bytes of body) {
    for (const [index, part] of decoder.decode(bytes, { stream: true }).split("\n").entries()) {
      if (index > 0) {
        const line = begun.join("");
        [begun, length] = [[], 0];
        if (performance.now() - lastTurn > LONGEST_STRETCH_MS) {
          await setImmediate();
          lastTurn = performance.now();
        }
        empty = line.trim() === "" ? empty + 1 : 0;
        if (empty > MAX_EMPTY_LINES) throw new ProviderError("malformed", "only blank lines come");
        if (empty === 0) yield { line, whole: true };
      }
      begun.push(part);
      length += part.length;
      if (length > MAX_LINE_CHARS) throw new ProviderError("malformed", `a line is over ${MAX_LINE_CHARS} characters`);
    }
  }
  const rest = begun.join("") + decoder.decode();
  if (rest.trim() !== "") yield { line: rest, whole: false };
}

/** Statuses of an overloaded server, or of a proxy that can't reach it. */
export const BUSY: ReadonlySet<number> = new Set([429, 502, 503, 504, 529]);

/** The platform's forms, which undici does not accept as its own. */
async function bodyOf(body: RequestInit["body"], headers: Headers): Promise<string | Uint8Array | null> {
  if (body === null || body === undefined || typeof body === "string") return body ?? null;
  const form = new Response(body);
  const contentType = form.headers.get("content-type");
  if (contentType !== null) headers.set("content-type", contentType);
  return new Uint8Array(await form.arrayBuffer());
}

/** The bytes of an answer. Throws {@link ProviderError} where nobody can read them; so does reading them. */
function receive({ body, headers }: Dispatcher.ResponseData): AsyncGenerator<Uint8Array> {
  try {
    return received(unpacked(body, headers["content-encoding"]));
  } catch (error) {
    throw error instanceof UnknownEncoding ? new ProviderError("malformed", error.message) : error;
  }
}

async function* received(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw new ProviderError("cut_off", `the connection broke in the middle (${networkCode(error)})`, { cause: error });
  }
}

function networkFailure(error: unknown, origin: string): ProviderError {
  if (error instanceof errors.HTTPParserError) {
    // The error carries the input, so it is dropped.
    return new ProviderError("malformed", `${origin} does not speak HTTP`);
  }
  const code = networkCode(error);
  const options = { cause: error };
  if (["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"].includes(code)) {
    return new ProviderError("cut_off", `${origin} closed the connection before it answered (${code})`, options);
  }
  return new ProviderError("unreachable", `${origin} can't be reached: ${reasonOfNetworkCode(code) ?? code}`, options);
}

/** The system's or undici's code for a failed request. */
function networkCode(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string") return cause.code;
  }
  return "unknown";
}

async function httpFailure(
  status: number,
  answer: AsyncGenerator<Uint8Array>,
  explain: ProviderHttp["explain"],
): Promise<ProviderError> {
  if (status >= 300 && status < 400) {
    return new ProviderError("refused", `HTTP ${status}: it redirects elsewhere, which is not followed`);
  }
  const body = await errorBody(answer);
  const failure = explain(status, body) ?? new ProviderError("refused", `HTTP ${status}: no reason given`);
  // With such a status the request may succeed the next time, whatever the words are.
  if (failure.code === "refused" && BUSY.has(status)) return new ProviderError("busy", failure.message);
  return failure;
}

async function errorBody(answer: AsyncIterable<Uint8Array>): Promise<unknown> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of answer) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > MAX_ERROR_CHARS) return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
