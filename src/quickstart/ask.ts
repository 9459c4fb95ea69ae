import { MsgType, type MatrixEvent } from "matrix-js-sdk";
import type { DirectChat } from "./direct-chat.ts";
import { QuickstartError } from "./errors.ts";
import { happening } from "./happening.ts";

/** A question and what came back. */
export interface Exchange {
  readonly questionId: string;
  readonly answer: MatrixEvent;
}

/** The agent answered with a notice: it says why there is no answer. */
export class NoticeInstead extends QuickstartError {}

/**
 * Says this and waits for the reply to it. Throws {@link NoticeInstead} with the notice's words when the agent could
 * not answer, and QuickstartError when no answer comes that can be read.
 */
export async function ask(
  chat: DirectChat,
  text: string,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Exchange> {
  const messages: MatrixEvent[] = [];
  let look = (): void => undefined;
  const stop = chat.onMessage((message) => {
    messages.push(message);
    look();
  });
  try {
    const questionId = await chat.say(text);
    const late = `no answer of ${chat.partnerId} came that could be read`;
    const answer = await happening<MatrixEvent>({ ...options, late }, (done) => {
      look = (): void => {
        const reply = messages.find((message) => message.replyEventId === questionId);
        if (reply !== undefined) done(reply);
      };
      look();
      return () => (look = (): void => undefined);
    });
    if ((answer.getContent().msgtype as unknown) === MsgType.Notice) throw new NoticeInstead(bodyOf(answer));
    return { questionId, answer };
  } finally {
    stop();
  }
}

/** A message's text; empty when it has none. */
export function bodyOf(message: MatrixEvent): string {
  const body: unknown = message.getContent()["body"];
  return typeof body === "string" ? body : "";
}
