import type { Logger } from "../observability/log.ts";
import type { ProviderFailure } from "../language/failures.ts";
import { CallAssembler, type CallPiece } from "./call-assembler.ts";
import {
  type ChatChunk,
  type ChatRequest,
  type ChatUsage,
  type Done,
  type EndReason,
  ProviderError,
} from "./provider.ts";
import { Repetition } from "./repetition.ts";
import type { Line } from "./line.ts";
import { ThinkingInText, type Part } from "./thinking-in-text.ts";
import { watchRequest } from "./watch.ts";

/** A piece of an answer from a provider's client. */
export interface Piece {
  readonly text?: string;
  readonly thinking?: string;
  /** Parts of calls. Where no tools were offered, they are ignored. */
  readonly calls?: readonly CallPiece[];
  /** On the last piece. */
  readonly end?: { readonly reason: EndReason; readonly usage?: ChatUsage; readonly kept?: string };
}

/** The time limits of a provider, in milliseconds. */
export interface StreamLimits {
  /** For the first token. Loading a large model can take more than a minute. */
  readonly firstTokenMs: number;
  /** For each token after the first. */
  readonly idleMs: number;
}

/** An answer is ended at this many characters, including its thinking: a runaway model never stops by itself. */
const MAX_ANSWER_CHARS = 262_144;

/** An empty piece counts as this many characters, because it takes work too. */
const EMPTY_PIECE_CHARS = 16;

/**
 * An answer, piece by piece, within limits of time and size. Throws {@link ProviderError}.
 *
 * @param line the requests at the same server.
 * @param request its signal ends it.
 * @param begin sends it; the signal that it gets ends it, and closes its connection.
 */
export async function* streamAnswer(
  line: Line,
  request: Pick<ChatRequest, "signal" | "tools" | "toolChoice" | "rounds">,
  { firstTokenMs, idleMs }: StreamLimits,
  begin: (signal: AbortSignal) => AsyncIterable<Piece>,
  log: Logger,
): AsyncGenerator<ChatChunk> {
  const watch = watchRequest(request.signal);
  const started = performance.now();
  const msSinceStart = (): number => Math.round(performance.now() - started);
  const place = line.enter();
  const apart = new ThinkingInText();
  const repetition = { text: new Repetition(), thoughts: new Repetition() };
  const said = { text: false, thoughts: false };
  const assembler = new CallAssembler(request);
  /** Whether the server itself separates thinking from the answer. */
  let areApart = false;
  let length = 0;

  function* tell(parts: readonly Part[]): Generator<Part> {
    for (const part of parts) {
      if (part.kind !== "recant" && part.text === "") continue;
      yield part;
      said.text = part.kind === "recant" ? false : said.text || (part.kind === "text" && part.text.trim() !== "");
      said.thoughts ||= part.kind !== "text";
    }
  }

  try {
    const pieces = begin(watch.signal)[Symbol.asyncIterator]();
    let next = await watch.within(
      firstTokenMs,
      () => pieces.next(),
      () => place.lastSignBefore,
    );
    log.debug({ ms: msSinceStart() }, "first token");
    for (; next.done !== true; next = await watch.within(idleMs, () => pieces.next())) {
      const { text = "", thinking = "", calls = [], end } = next.value;
      place.sign();
      areApart ||= thinking !== "";
      yield* tell([{ kind: "thinking", text: thinking }]);
      yield* tell(areApart ? [...apart.end(), { kind: "text", text }] : apart.push(text));
      length += text.length + thinking.length + assembler.push(calls) || EMPTY_PIECE_CHARS;
      const repeats = [repetition.text.push(text), repetition.thoughts.push(thinking)].includes(true);
      const isOver = length >= MAX_ANSWER_CHARS || assembler.isFull;
      const reason = end?.reason ?? (repeats ? "repeating" : isOver ? "length" : undefined);
      if (reason === undefined) continue;
      yield* tell(apart.end());
      yield doneWith(reason, assembler, said, end);
      log.debug({ reason, ms: msSinceStart() }, "answered");
      return;
    }
    throw new ProviderError("cut_off", "the stream ended without its end mark");
  } catch (error) {
    // The part that has come is kept.
    yield* tell(apart.end());
    const failure = watch.explain(error);
    if (failure.code !== "too_long" || !said.text) throw failure;
    // The window held the question and is now full: the answer can be continued.
    yield { kind: "done", reason: "length" };
  } finally {
    place.leave();
    watch.close();
  }
}

/** The end of an answer. Throws {@link ProviderError} where it has neither words nor calls. */
function doneWith(
  reason: EndReason,
  assembler: CallAssembler,
  said: { readonly text: boolean; readonly thoughts: boolean },
  { usage, kept }: Partial<Piece["end"]> = {},
): Done {
  // What the server or we ended for its content calls nothing.
  const calls = reason === "stop" || reason === "length" ? assembler.end(reason === "length") : [];
  if (!said.text && calls.length === 0)
    throw new ProviderError(whyEmpty(reason, said.thoughts), `the answer holds no text (${reason})`);
  return {
    kind: "done",
    reason,
    ...(usage === undefined ? {} : { usage }),
    ...(calls.length === 0 ? {} : { calls }),
    ...(calls.length === 0 || kept === undefined ? {} : { kept }),
  };
}

function whyEmpty(reason: EndReason, hasThoughts: boolean): ProviderFailure {
  if (reason === "filtered") return "declined";
  return (reason === "length" || reason === "repeating") && hasThoughts ? "thought_only" : "empty";
}

/** One request with an answer in one piece. Throws {@link ProviderError}. */
export async function askOnce<T>(
  caller: AbortSignal | undefined,
  ms: number,
  request: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const watch = watchRequest(caller ?? new AbortController().signal);
  try {
    return await watch.within(ms, () => request(watch.signal));
  } catch (error) {
    throw watch.explain(error);
  } finally {
    watch.close();
  }
}
