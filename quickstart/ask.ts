import type { DirectChat } from "./direct-chat.ts";
import { QuickstartError } from "./errors.ts";
import { happening } from "./happening.ts";
import type { News } from "./news.ts";
import { Replies, type Settled } from "./replies.ts";
import { plainText } from "./terminal.ts";
import type { Told } from "./transcript.ts";

/** A question and its answer. */
export interface Exchange {
  readonly questionId: string;
  /** The messages of the answer in their final forms, in order. */
  readonly parts: readonly Told[];
}

/** The agent answered with a notice, or only with a reaction. The message holds the notice's words. */
export class NoticeInstead extends QuickstartError {}

/** No answer came to its end. */
export class Unanswered extends QuickstartError {
  readonly questionId: string;

  constructor(questionId: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.questionId = questionId;
  }
}

export interface AskOptions {
  /** How long to wait for the next sign of an answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Told of each change with the messages there are of the reply. */
  readonly onChange?: (messages: readonly Told[]) => void;
}

/** How long to wait for more of an answer that is whole, in ms, while the partner types or seems not to. */
const MORE_MS = { no: 10_000, maybe: 500 } as const;

/** How much of an answer without end is shown, in characters. */
const EXCERPT = 200;

/**
 * Says this and waits for the end of the answer. Throws {@link NoticeInstead} with the notice's words when the agent
 * could not answer, {@link Unanswered} when no readable answer comes to its end, and the signal's reason.
 */
export async function ask(chat: DirectChat, text: string, options: AskOptions): Promise<Exchange> {
  const early: News[] = [];
  let hear = (news: News): unknown => early.push(news);
  const isTyping = chat.isTyping();
  const stop = chat.onNews((news) => hear(news));
  try {
    const id = await chat.say(text);
    const replies = new Replies(id, isTyping);
    const late = (): string => missing(chat.partnerId, replies);
    const waited = happening<Settled["reply"]>({ ...options, late }, (done, goOn) => {
      let more: NodeJS.Timeout | undefined;
      hear = (news): void => {
        if (!replies.add(news)) return;
        goOn();
        options.onChange?.(replies.messages);
        clearTimeout(more);
        const { outcome } = replies;
        if (outcome.kind !== "settled") return;
        const { reply, isOver } = outcome;
        if (isOver === "yes") done(reply);
        else more = setTimeout(() => done(reply), MORE_MS[isOver]);
      };
      early.forEach(hear);
      return () => {
        clearTimeout(more);
        hear = (): void => undefined;
      };
    });
    const reply = await waited.catch((error: unknown) => {
      throw error instanceof QuickstartError && !options.signal.aborted
        ? new Unanswered(id, error.message, { cause: error })
        : error;
    });
    switch (reply.kind) {
      case "answer":
        return { questionId: id, parts: reply.parts };
      case "notice":
        throw new NoticeInstead(plainText(reply.text));
      case "reaction":
        throw new NoticeInstead(`${chat.partnerId} reacted with ${plainText(reply.key)}`);
      case "taken_back":
        throw new Unanswered(id, `${chat.partnerId} took its answer back`);
    }
  } finally {
    stop();
  }
}

/** The events that were seen when the time was over. */
function missing(partnerId: string, { outcome }: Replies): string {
  if (outcome.kind !== "growing") return `no answer of ${partnerId} came that could be read`;
  const beginning = plainText(outcome.text).replaceAll(/\s+/g, " ").trim();
  const excerpt = beginning.length > EXCERPT ? `${beginning.slice(0, EXCERPT).toWellFormed()} …` : beginning;
  return `the answer of ${partnerId} began (“${excerpt}”), but nothing more of it came`;
}
