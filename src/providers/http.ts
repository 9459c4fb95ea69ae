import { setImmediate } from "node:timers/promises";
import { type Dispatcher, errors, fetch as undiciFetch, type Response as UndiciResponse } from "undici";
import { ProviderError } from "./provider.ts";

/** Turns the bytes of a good response into those the client may see; throws {@link ProviderError} at the first bad one. */
export type BodyCheck = (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/** How a client speaks with its server. */
export interface ProviderHttp {
  readonly dispatcher: Dispatcher;
  /** Ends the request and closes its connection; the client's own signal is not used. */
  readonly signal: AbortSignal;
  readonly check: BodyCheck;
  /** Why a request was refused, by the status and the body as JSON, if it is that; undefined: as the status says. */
  readonly explain: (status: number, body: unknown) => ProviderError | undefined;
}

/** As much of an error's body as is read, in characters. */
const MAX_ERROR_CHARS = 65_536;
/** Longest answer that comes in one piece, in bytes: parsing it holds everybody up. A list of hundreds of models has some. */
const MAX_BODY_BYTES = 4_194_304;
/** Longest answer with a picture in it, in bytes, and the most values beside it. */
const MAX_PICTURE_BYTES = 33_554_432;
const MAX_PICTURE_VALUES = 10_000;
/** Longest line of a stream, in characters. A line holds a token or two. */
const MAX_LINE_CHARS = 1_048_576;
/** So many lines that say nothing may come between two pieces of a stream: servers show by them that they live. */
export const MAX_EMPTY_LINES = 10_000;

/**
 * A `fetch` for the official clients that hands them good responses only, and throws {@link ProviderError} for all
 * others. The clients print input that they can't parse to the console, and with it parts of the conversation; or they
 * repeat a request that failed. Redirects are not followed: the conversation goes to the configured address or nowhere.
 */
export function providerFetch({ dispatcher, signal, check, explain }: ProviderHttp): typeof fetch {
  return async (input, init) => {
    const url = input instanceof Request ? input.url : input.toString();
    const headers = new Headers(init?.headers);
    const body = await bodyOf(init?.body, headers);
    let response: UndiciResponse;
    try {
      response = await undiciFetch(url, {
        dispatcher,
        signal,
        redirect: "manual",
        method: init?.method ?? "GET",
        headers: Object.fromEntries(headers),
        body,
      });
    } catch (error) {
      throw networkFailure(error, new URL(url).origin);
    }
    if (!response.ok) throw await httpFailure(response, explain);
    const contentType = response.headers.get("content-type") ?? "text/plain";
    return new Response(ReadableStream.from(check(receive(response))), { headers: { "content-type": contentType } });
  };
}

/** Passes a body of bounded size through. */
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

/** Passes on an answer in one piece that is JSON, and nothing else. */
export async function* checkJson(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield json(Buffer.concat(await Array.fromAsync(checkSize(body))));
}

/**
 * The same for an answer that is a picture and little else: one long text is parsed in no time, millions of values are
 * not.
 */
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
    // The parser's message quotes what it read.
    throw new ProviderError("malformed", "the answer is not JSON");
  }
  return whole;
}

/**
 * When data comes faster than it can be handled, it is handled for this time without a pause, in ms; then others have a
 * turn.
 */
const LONGEST_STRETCH_MS = 20;

/** The lines of `body` that are not blank. The last is not `whole` when the body ended before its line feed. */
export async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<{ line: string; whole: boolean }> {
  const decoder = new TextDecoder();
  // In the pieces in which it comes, however small: put together each time, it would be copied each time.
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
        if (empty > MAX_EMPTY_LINES) throw new ProviderError("malformed", "nothing comes but blank lines");
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

/** Statuses of a server that has too much to do, or that its proxy does not reach now. */
export const BUSY: ReadonlySet<number> = new Set([429, 502, 503, 504, 529]);

/** Forms are of the platform's own kind, which undici does not take for its own. */
async function bodyOf(body: RequestInit["body"], headers: Headers): Promise<string | Uint8Array | null> {
  if (body === null || body === undefined || typeof body === "string") return body ?? null;
  const form = new Response(body);
  const contentType = form.headers.get("content-type");
  if (contentType !== null) headers.set("content-type", contentType);
  return new Uint8Array(await form.arrayBuffer());
}

async function* receive(response: UndiciResponse): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  try {
    for await (const chunk of response.body) yield chunk as Uint8Array;
  } catch (error) {
    throw new ProviderError("cut_off", `the connection broke in the middle (${networkCode(error)})`, { cause: error });
  }
}

function networkFailure(error: unknown, origin: string): ProviderError {
  if (error instanceof Error && error.cause instanceof errors.HTTPParserError) {
    // Its cause carries what came, so it goes no further.
    return new ProviderError("malformed", `${origin} does not speak HTTP`);
  }
  const code = networkCode(error);
  const options = { cause: error };
  if (["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"].includes(code)) {
    return new ProviderError("cut_off", `${origin} closed the connection before it answered (${code})`, options);
  }
  return new ProviderError("unreachable", `cannot reach ${origin} (${code})`, options);
}

/** The system's or undici's code for why a request failed; fetch hides it in the cause. */
function networkCode(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string") return cause.code;
  }
  return "unknown";
}

async function httpFailure(response: UndiciResponse, explain: ProviderHttp["explain"]): Promise<ProviderError> {
  const { status } = response;
  if (status >= 300 && status < 400) {
    return new ProviderError("refused", `HTTP ${status}: it redirects elsewhere, which is not followed`);
  }
  const body = await errorBody(response);
  const failure = explain(status, body) ?? new ProviderError("refused", `HTTP ${status}: no reason given`);
  // Whatever the server or its proxy says with such a status, the request may succeed the next time.
  if (failure.code === "refused" && BUSY.has(status)) return new ProviderError("busy", failure.message);
  return failure;
}

async function errorBody(response: UndiciResponse): Promise<unknown> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of receive(response)) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > MAX_ERROR_CHARS) return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
