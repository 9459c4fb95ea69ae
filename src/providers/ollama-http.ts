import { type Dispatcher, errors, fetch as undiciFetch, type Response as UndiciResponse } from "undici";

import { ProviderError } from "./provider.ts";

/** Turns the bytes of a good response into those the client may see; throws {@link ProviderError} at the first bad one. */
export type BodyCheck = (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/** Longest line of a chat stream, in characters. A line holds a token or two. */
const MAX_LINE_CHARS = 1_048_576;
/** Longest answer that comes in one piece (`/api/tags`), in bytes. */
const MAX_BODY_BYTES = 16_777_216;
/** As much of an error's body as is read, in characters. */
const MAX_ERROR_CHARS = 65_536;

/**
 * A `fetch` for the `ollama` client that hands it good responses only, and throws {@link ProviderError} for all others.
 * The client itself prints what it can't parse to the console, and with it parts of the conversation.
 *
 * Redirects are not followed: the conversation goes to the configured address or nowhere.
 *
 * @param signal ends the request and closes its connection; the client's own signal is not used.
 */
export function ollamaFetch(dispatcher: Dispatcher, signal: AbortSignal, check: BodyCheck): typeof fetch {
  return async (input, init) => {
    const url = input instanceof Request ? input.url : input.toString();
    let response: UndiciResponse;
    try {
      response = await undiciFetch(url, {
        dispatcher,
        signal,
        redirect: "manual",
        method: init?.method ?? "GET",
        headers: Object.fromEntries(new Headers(init?.headers)),
        body: typeof init?.body === "string" ? init.body : null,
      });
    } catch (error) {
      throw networkFailure(error, new URL(url).origin);
    }
    if (!response.ok) throw await httpFailure(response);
    return new Response(ReadableStream.from(check(receive(response))), { headers: { "content-type": "text/plain" } });
  };
}

/** Checks a chat stream: lines of JSON, each a piece of the answer, the last with `done: true`. */
export async function* checkChatStream(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let seen = 0;
  let done = false;
  for await (const { line, whole } of lines(body)) {
    const chunk = parseChatLine(line, whole, seen > 0);
    seen += 1;
    done ||= chunk.done;
    yield encoder.encode(`${line}\n`);
  }
  if (!done) throw new ProviderError("cut_off", `the stream ended after ${seen} lines without its end mark`);
}

/** Passes a body of bounded size through. */
export async function* checkSize(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw new ProviderError("malformed", `the answer is over ${MAX_BODY_BYTES} bytes`);
    yield chunk;
  }
}

/** The lines of `body` that are not blank. The last is not `whole` when the body ended before its line feed. */
async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<{ line: string; whole: boolean }> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    if (rest.length > MAX_LINE_CHARS)
      throw new ProviderError("malformed", `a line is over ${MAX_LINE_CHARS} characters`);
    for (const line of parts) if (line.trim() !== "") yield { line, whole: true };
  }
  rest += decoder.decode();
  if (rest.trim() !== "") yield { line: rest, whole: false };
}

function parseChatLine(line: string, whole: boolean, started: boolean): { done: boolean } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // The parser's message quotes the line, which is conversation; so it is no cause of ours.
    if (!whole && (started || line.trimStart().startsWith("{"))) {
      throw new ProviderError("cut_off", "the stream ended in the middle of a line");
    }
    throw new ProviderError("malformed", "the answer is not JSON");
  }
  const error = errorText(value);
  if (error !== undefined) throw new ProviderError("refused", `the model server stopped: ${knownReason(error)}`);
  if (!isObject(value) || typeof value["done"] !== "boolean" || !isObject(value["message"])) {
    throw new ProviderError("malformed", "a line is not a piece of a chat");
  }
  const { content, thinking } = value["message"];
  if (typeof content !== "string" || (thinking !== undefined && typeof thinking !== "string")) {
    throw new ProviderError("malformed", "a piece of the chat holds no text");
  }
  return { done: value["done"] };
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

async function httpFailure(response: UndiciResponse): Promise<ProviderError> {
  const { status } = response;
  if (status >= 300 && status < 400) {
    return new ProviderError("refused", `HTTP ${status}: it redirects elsewhere, which is not followed`);
  }
  const error = errorText(await errorBody(response));
  if (status === 404 && error !== undefined && /\bmodel\b.*\bnot found\b/.test(error)) {
    return new ProviderError("model_missing", "HTTP 404: the model is not installed");
  }
  return new ProviderError(
    "refused",
    `HTTP ${status}: ${error === undefined ? "no reason given" : knownReason(error)}`,
  );
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

function errorText(value: unknown): string | undefined {
  return isObject(value) && typeof value["error"] === "string" ? value["error"] : undefined;
}

/** Errors of Ollama that name no part of a conversation. Others may quote one (`error parsing tool call: raw='…'`). */
const KNOWN_REASONS = [
  /model requires more system memory(?: \([\w. ]+\) than is available \([\w. ]+\))?/,
  /(?:CUDA error: )?out of memory/,
  /does not support (?:chat|thinking|tools)/,
  /server busy, please try again/,
  /exceeds? (?:the )?(?:available|maximum) context (?:length|size)/,
  /(?:llama )?runner process (?:has terminated|no longer running)/,
  /timed out waiting for llama runner to start/,
  /unable to load model/,
  /unauthorized/,
];

function knownReason(error: string): string {
  for (const pattern of KNOWN_REASONS) {
    const found = pattern.exec(error);
    if (found !== null) return found[0];
  }
  return "see the model server's own log";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
