import { createInterface } from "node:readline";
import { ask, NoticeInstead, Unanswered, type Exchange } from "./ask.ts";
import type { DirectChat } from "./direct-chat.ts";
import { QuickstartError } from "./errors.ts";
import { proofOf } from "./proof.ts";
import { PROMPT } from "./rendering.ts";
import { canRedraw, type TerminalOutput } from "./screen.ts";
import { PipeView, TerminalView, type View } from "./view.ts";

export interface ChatOptions {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream & TerminalOutput;
  /** How long to wait for the next sign of an answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called when the person wants to end it with Ctrl-C. */
  readonly onInterrupt: () => void;
}

/**
 * Says each line of the input to the agent and shows what comes back, until the input ends: on a terminal as it grows,
 * while the next line can be typed and said; elsewhere each message once, when it is whole, and one line after the other.
 * An aborted signal ends it, too; its reason is thrown when it is an error of ours.
 */
export async function runChat(chat: DirectChat, options: ChatOptions): Promise<void> {
  const { input, output } = options;
  const onTerminal = input.isTTY === true && canRedraw(output);
  const lines = createInterface({ input, output, terminal: onTerminal, prompt: PROMPT, signal: options.signal });
  lines.on("SIGINT", options.onInterrupt);
  const view = onTerminal ? new TerminalView(chat, input, output, lines) : new PipeView(chat, output);
  const stopNews = chat.onNews((news) => view.show(news));
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const questions = new Questions(chat, view, options.timeoutMs, signal);

  const answers: Promise<void>[] = [];
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const line of lines) {
      if (signal.aborted) break;
      if (line.trim() === "") continue;
      const answered = questions.ask(line).catch((error: unknown) => {
        failure ??= { error };
        lines.close();
      });
      if (onTerminal) answers.push(answered);
      else await answered;
      if (failure !== undefined) break;
    }
  } finally {
    stopNews();
    view.close();
    lines.close();
    ended.abort();
    await Promise.all(answers);
  }
  if (failure !== undefined) throw failure.error;
  if (options.signal.reason instanceof QuickstartError) throw options.signal.reason;
}

/** The person's questions, and the lines below the answers: the proof of the first, or the reason why there is none. */
class Questions {
  readonly #chat: DirectChat;
  readonly #view: View;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal;
  #asked = 0;
  #latestReplied = 0;
  #isProven = false;

  constructor(chat: DirectChat, view: View, timeoutMs: number, signal: AbortSignal) {
    this.#chat = chat;
    this.#view = view;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
  }

  /** Resolves when all questions have been asked. Rejects with failures that are not the agent's. */
  async ask(line: string): Promise<void> {
    const place = ++this.#asked;
    try {
      const exchange = await ask(this.#chat, line, { timeoutMs: this.#timeoutMs, signal: this.#signal });
      this.#replied(place);
      await this.#prove(exchange);
    } catch (error) {
      if (this.#signal.aborted) return;
      if (!(error instanceof QuickstartError)) throw error;
      // The notice is shown as any other message.
      if (error instanceof NoticeInstead) this.#replied(place);
      else this.#failed(error, place);
    }
  }

  #replied(place: number): void {
    this.#latestReplied = Math.max(this.#latestReplied, place);
  }

  #failed(error: QuickstartError, place: number): void {
    if (error instanceof Unanswered) this.#view.breakOff(error.questionId);
    // A question that was stopped before it was sent has no answer, and nobody waits for one.
    const isMoot = error instanceof Unanswered && place < this.#latestReplied;
    if (!isMoot) this.#view.remark(error.message);
  }

  async #prove({ questionId, parts }: Exchange): Promise<void> {
    if (this.#isProven) return;
    this.#isProven = true;
    try {
      this.#view.remark(await proofOf(this.#chat, questionId, parts));
    } catch (error) {
      this.#isProven = false;
      throw error;
    }
  }
}
