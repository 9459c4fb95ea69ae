import { lines, MAX_EMPTY_LINES } from "./http.ts";
import { ProviderError } from "./provider.ts";

/** The form of a client's stream. */
export interface SseForm {
  /** Throws {@link ProviderError} when it is no piece of an answer; true when it is the last one. */
  readonly check: (piece: Readonly<Record<string, unknown>>) => boolean;
  /** The mark in place of the last piece, if the protocol has one. */
  readonly endMark?: string;
}

/**
 * Checks a stream of server-sent events whose data are JSON objects, each in one line. Any other stream is refused
 * here, because clients print unparsable input.
 */
export function checkSse({ check, endMark }: SseForm): (body: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array> {
  return async function* (body) {
    const encoder = new TextEncoder();
    let seen = 0;
    let isEnd = false;
    let empty = 0;
    for await (const { line, whole } of lines(body)) {
      const text = line.trimEnd();
      empty = /^data:\s*[^\sn]/.test(text) ? 0 : empty + 1;
      if (empty > MAX_EMPTY_LINES) throw new ProviderError("malformed", "only comments come");
      if (text.startsWith(":")) continue;
      const [, field, value = ""] = /^(event|data|id|retry):\s?(.*)$/s.exec(text) ?? [];
      if (field === undefined) {
        // An error that comes as JSON with status 200.
        if (seen === 0 && text.startsWith("{")) check(pieceOf(text, whole, seen));
        throw broken(whole, seen, "the answer is no stream of events");
      }
      // Some servers send these to show that they live.
      if (field === "data" && ["", "null"].includes(value.trim())) continue;
      if (field === "data" && value !== endMark) {
        isEnd = check(pieceOf(value, whole, seen)) || isEnd;
        seen++;
      } else if (field === "data") isEnd = true;
      // An event ends with a blank line.
      yield encoder.encode(field === "data" ? `${text}\n\n` : `${text}\n`);
    }
    if (!isEnd) throw new ProviderError("cut_off", `the stream ended after ${seen} pieces without its end mark`);
  };
}

function pieceOf(text: string, whole: boolean, seen: number): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the line, which is conversation, so it is not kept as a cause.
    throw broken(whole, seen, "a piece of the answer is not JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ProviderError("malformed", "a piece of the answer is no object");
}

function broken(whole: boolean, seen: number, words: string): ProviderError {
  return whole || seen === 0
    ? new ProviderError("malformed", words)
    : new ProviderError("cut_off", "the stream ended in the middle of a line");
}
