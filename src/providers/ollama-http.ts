import type { Dispatcher } from "undici";
import { BUSY, lines, providerFetch, type BodyCheck } from "./http.ts";
import { refusedParameter } from "./parameters.ts";
import { promptTooLong } from "./prompt-too-long.ts";
import { ProviderError } from "./provider.ts";
import { isObject } from "../matrix/json.ts";

/** A `fetch` for the `ollama` client; see {@link providerFetch}. */
export function ollamaFetch(dispatcher: Dispatcher, signal: AbortSignal, check: BodyCheck): typeof fetch {
  return providerFetch({ dispatcher, signal, check, explain });
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

/** Checks the stream of a pull: lines of JSON, the last with the status `success`. */
export async function* checkPull(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let isDone = false;
  for await (const { line } of lines(body)) {
    let step: unknown;
    try {
      step = JSON.parse(line);
    } catch {
      throw new ProviderError("malformed", "the answer is not JSON");
    }
    const error = errorText(step);
    if (error !== undefined && /not found|does not exist/i.test(error)) {
      throw new ProviderError("model_missing", "there is no such model to fetch");
    }
    if (error !== undefined) throw new ProviderError("refused", `the model server failed: ${pullReason(error)}`);
    isDone = isObject(step) && step["status"] === "success";
    yield encoder.encode(`${line}\n`);
  }
  if (!isDone) throw new ProviderError("cut_off", "the server ended before the model was there");
}

function parseChatLine(line: string, whole: boolean, started: boolean): { done: boolean } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // The parser's message quotes the line, which is conversation, so it is not kept as a cause.
    if (!whole && (started || line.trimStart().startsWith("{"))) {
      throw new ProviderError("cut_off", "the stream ended in the middle of a line");
    }
    throw new ProviderError("malformed", "the answer is not JSON");
  }
  const error = errorText(value);
  if (error !== undefined) throw failureOf(200, error, "the model server stopped");
  if (!isObject(value) || typeof value["done"] !== "boolean") {
    throw new ProviderError("malformed", "a line is not a piece of a chat");
  }
  const { message } = value;
  // Some servers leave it out of the last line.
  if (message === undefined && value["done"]) return { done: true };
  if (!isObject(message)) throw new ProviderError("malformed", "a line is not a piece of a chat");
  const { content, thinking } = message;
  if (!isTextOrNone(content) || !isTextOrNone(thinking)) {
    throw new ProviderError("malformed", "a piece of the chat holds no text");
  }
  return { done: value["done"] };
}

/** The statuses for an unknown request. */
export const UNKNOWN_REQUEST: ReadonlySet<number> = new Set([404, 405, 501]);

/** The server does not know the request. */
export class UnknownRequest extends ProviderError {
  constructor(status: number) {
    super("refused", `HTTP ${status}: the server does not know this request`);
  }
}

/** Ollama's reason for a refusal; undefined where the answer has none. */
export function explain(status: number, body: unknown): ProviderError | undefined {
  const error = errorText(body);
  if (status === 404 && error !== undefined && /\bmodel\b.*\bnot found\b/.test(error)) {
    return new ProviderError("model_missing", "HTTP 404: the model is not installed");
  }
  if (UNKNOWN_REQUEST.has(status)) return new UnknownRequest(status);
  return error === undefined ? undefined : failureOf(status, error, `HTTP ${status}`);
}

/** A runner that ended; the next request starts it again. */
const RUNNER_ENDED = /unexpected EOF|runner process (?:has terminated|no longer running)|connection reset by peer/i;

/** The server may recover in a moment. */
const NOT_NOW = /server busy|loading model|try again|timed out waiting for llama runner/i;

/** The meaning of an Ollama error. Its words may quote the conversation, so they are dropped. */
function failureOf(status: number, error: string, where: string): ProviderError {
  const words = `${where}: ${knownReason(error)}`;
  // An answer quoted in it must not be interpreted.
  if (/error parsing tool call|failed to parse/i.test(error.slice(0, 200))) return new ProviderError("refused", words);
  const failure = promptTooLong({ message: error }) ?? refusedParameter({ message: error });
  if (failure !== undefined) return failure;
  if (RUNNER_ENDED.test(error)) return new ProviderError("cut_off", words);
  return new ProviderError(BUSY.has(status) || NOT_NOW.test(error) ? "busy" : "refused", words);
}

function isTextOrNone(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || typeof value === "string";
}

function errorText(value: unknown): string | undefined {
  return isObject(value) && typeof value["error"] === "string" ? value["error"] : undefined;
}

/** Ollama errors without any part of a conversation. Others may quote one (`error parsing tool call: raw='…'`). */
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
  /unexpected EOF/,
  /loading model/,
];

/** The reasons for a failed installation in Ollama's words, which name only addresses of registries and files. */
const PULL_REASONS = [
  /no such host/,
  /invalid model name/,
  /no space left on device/,
  /disk quota exceeded/,
  /permission denied/,
  /connection refused/,
  /network is unreachable/,
  /i\/o timeout|TLS handshake timeout|context deadline exceeded/,
  /server misbehaving/,
  /x509: [a-z ]{1,80}/,
  /requires a newer version of Ollama/,
  /digest mismatch/,
  /(?:status|error) ?(?:code)?:? ?\d{3}/,
  /unsupported (?:architecture|manifest)/,
  /max retries exceeded/,
];

function pullReason(error: string): string {
  const words = error.slice(0, LONGEST_REASON);
  return (
    PULL_REASONS.map((pattern) => pattern.exec(words)?.[0]).find((reason) => reason !== undefined) ?? knownReason(words)
  );
}

/** The part of an installation's error that is examined, in characters. */
const LONGEST_REASON = 2_000;

function knownReason(error: string): string {
  for (const pattern of KNOWN_REASONS) {
    const found = pattern.exec(error);
    if (found !== null) return found[0];
  }
  return "see the model server's own log";
}
