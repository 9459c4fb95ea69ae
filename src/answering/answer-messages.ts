import { setImmediate } from "node:timers/promises";
import type { Turn, TurnMessage, TurnReply } from "../turns/turn.ts";
import type { ExchangeMark } from "../matrix/exchange-mark.ts";
import { mentionsIn } from "../matrix/mentions.ts";
import { escapeMarkdown } from "../text/markdown.ts";
import { answerContent, editContent, type Address, type MessageContent, type ReplyTarget } from "./reply.ts";
import { closed, splitMarkdown } from "../text/split.ts";

/** An event has at most 65,536 bytes. Encryption adds a third, and an edit, which holds the body twice, doubles it. */
const MAX_CONTENT_BYTES = 22_000;

/** The reply with its first message as the final form of the draft, which already mentioned somebody. */
export function edited(reply: TurnReply, eventId: string, mentioned: readonly string[]): TurnReply {
  const [first, ...others] = reply.messages;
  if (first === undefined) return reply;
  const anew = mentionsIn(first.content).userIds.filter((userId) => !mentioned.includes(userId));
  return {
    ...reply,
    messages: [{ ...first, content: editContent(eventId, first.content, anew), editOf: eventId }, ...others],
  };
}

/**
 * Whether a part of an answer fits into one message. Other work gets its turn first, because an answer has many parts.
 */
async function fits(part: string, turn: Turn): Promise<boolean> {
  await setImmediate();
  return isSmall(answerContent(part, targetOf(turn), toAsker(turn)));
}

/** The beginning of an answer, as much as fits into one message. */
export async function beginningOf(markdown: string, turn: Turn): Promise<string> {
  for await (const part of splitMarkdown(markdown, (piece) => fits(piece, turn))) return part;
  return markdown;
}

/** Whether a message is within the size limit of events. */
export function isSmall(content: MessageContent): boolean {
  return Buffer.byteLength(JSON.stringify(content)) <= MAX_CONTENT_BYTES;
}

/**
 * The target of a turn's replies.
 *
 * @param follows whether they directly follow the question.
 */
export function targetOf({ eventId, threadRoot }: Pick<Turn, "eventId" | "threadRoot">, follows = false): ReplyTarget {
  return { eventId, threadRoot, follows };
}

/** The mark of messages that a question causes. */
export function markOf({ origin, hops, threadRoot }: Pick<Turn, "origin" | "hops" | "threadRoot">): ExchangeMark {
  return { origin, hops, ...(threadRoot === undefined ? {} : { thread: threadRoot }) };
}

/**
 * The address of an answer to the asker alone. In a chat of two, an answer that follows the question is obviously for
 * the asker, and notifies like every message there.
 */
export function toAsker(turn: Turn, follows = false): Address {
  return { mentions: follows ? [] : [turn.asker], mark: markOf(turn) };
}

/**
 * One message, or several where one would be too large. The first one quotes and mentions, like the draft in its place.
 * The last one asks other agents, because nothing follows it.
 *
 * @param below the bridge's words below the answer, which the agent will not remember as its own.
 */
export async function answerMessages(
  markdown: string,
  turn: Turn,
  target: ReplyTarget,
  address: Address,
  below?: string,
): Promise<TurnMessage[]> {
  const { mark, mentions, asks = [] } = address;
  const parts = await Array.fromAsync(splitMarkdown(markdown, (part) => fits(part, turn)));
  const messages: TurnMessage[] = [];
  for (const [index, part] of parts.entries()) {
    await setImmediate();
    const [isFirst, isLast] = [index === 0, index === parts.length - 1];
    const shown = isLast ? withNote(part, below) : part;
    const content = answerContent(shown, isFirst ? target : { ...target, follows: true }, {
      mentions: isFirst ? mentions : [],
      asks: isLast ? asks : [],
      mark,
    });
    messages.push({ content, remembered: part });
  }
  return messages;
}

/**
 * The part of an answer that was shown before it failed, with the reason below; the notice alone when nothing was
 * shown.
 */
export async function withPartial(
  reply: TurnReply,
  turn: Turn,
  target: ReplyTarget,
  address: Address,
): Promise<TurnReply> {
  if (reply.outcome !== "failed") return reply;
  const { partial, ...rest } = reply;
  const [notice, ...files] = reply.messages;
  const why = notice?.content["body"];
  if (partial === undefined || partial === "" || typeof why !== "string") return rest;
  const messages = await answerMessages(partial, turn, target, address, escapeMarkdown(why));
  return { ...rest, messages: [...messages, ...files] };
}

/** An answer with the bridge's note below it, outside any code block in which the answer may have been cut off. */
export function withNote(markdown: string, note: string | undefined): string {
  return note === undefined ? markdown : `${closed(markdown)}\n\n*${note}*`;
}
