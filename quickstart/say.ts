import { createInterface, type Key } from "node:readline";
import { ask, NoticeInstead, type Exchange } from "./ask.ts";
import type { ChatOptions } from "./chat.ts";
import type { DirectChat } from "./direct-chat.ts";
import { proofOf } from "./proof.ts";
import { toldLines, typingLine } from "./rendering.ts";
import { canRedraw, Screen } from "./screen.ts";
import { plainText, style, type Line } from "./terminal.ts";
import type { Told } from "./transcript.ts";

/**
 * Says one thing, prints the answer, on a terminal as it grows, and after its end the proof. Throws as {@link ask} and
 * {@link proofOf} do.
 */
export async function say(chat: DirectChat, text: string, options: ChatOptions): Promise<void> {
  const { output } = options;
  const onTerminal = canRedraw(output);
  const { questionId, parts } = await (onTerminal ? askShown(chat, text, options) : ask(chat, text, options));
  if (!onTerminal) output.write(`${parts.map(({ message }) => plainText(message.text).trimEnd()).join("\n\n")}\n`);
  const proof = await proofOf(chat, questionId, parts);
  output.write(`${onTerminal ? style("dim", proof) : proof}\n`);
}

async function askShown(chat: DirectChat, text: string, options: ChatOptions): Promise<Exchange> {
  const { input, output } = options;
  let messages: readonly Told[] = [];
  const live = {
    *linesFromTheEnd(): Generator<Line> {
      if (messages.length > 0) yield* linesOf(messages).reverse();
      else if (chat.isTyping()) yield typingLine(chat.partnerName);
    },
  };
  const screen = new Screen(output, live);
  const stopNews = chat.onNews((news) => {
    if (news.kind === "typing") screen.update();
  });
  // Reads the keys that are typed meanwhile, because the terminal would show them in the midst of the answer.
  const keys = input.isTTY === true ? createInterface({ input, terminal: true }) : undefined;
  keys?.on("SIGINT", options.onInterrupt);
  keys?.on("SIGCONT", () => screen.update());
  if (keys !== undefined) input.on("keypress", (_text: string | undefined, key: Key) => screen.pressed(key));
  try {
    const onChange = (now: readonly Told[]): void => {
      messages = now;
      screen.update();
    };
    const exchange = await ask(chat, text, { ...options, onChange });
    messages = exchange.parts;
    return exchange;
  } catch (error) {
    // The error's message is the text of the notice.
    if (error instanceof NoticeInstead) messages = [];
    throw error;
  } finally {
    keys?.close();
    stopNews();
    screen.close(linesOf(messages));
  }
}

function linesOf(messages: readonly Told[]): Line[] {
  return messages.flatMap((told, index) => [...(index === 0 ? [] : [[]]), ...toldLines(told)]);
}
