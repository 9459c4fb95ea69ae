import { setImmediate } from "node:timers/promises";
import type { Turn, TurnMessage, TurnReply } from "../turns/turn.ts";
import type { ExchangeMark } from "../matrix/exchange-mark.ts";
import { mentionsIn } from "../matrix/mentions.ts";
import { escapeMarkdown } from "../text/markdown.ts";
import { answerContent, editContent, type Address, type MessageContent, type ReplyTarget } from "./reply.ts";
import { closed, splitMarkdown } from "../text/split.ts";

/** An event is at most 65,536 bytes; encrypted it takes a third more, and as an edit, with the body twice, double. */
const MAX_CONTENT_BYTES = 22_000;

/** The reply with its first message as the last form of the draft, which mentioned somebody already. */
export function edited(reply: TurnReply, eventId: string, mentioned: readonly string[]): TurnReply {
  const [first, ...others] = reply.messages;
  if (first === undefined) return reply;
  const anew = mentionsIn(first.content).userIds.filter((userId) => !mentioned.includes(userId));
  return {
    ...reply,
    messages: [{ ...first, content: editContent(eventId, first.content, anew), editOf: eventId }, ...others],
  };
}

/** Whether a part of an answer can go into one message. Whoever else waits has a turn before: an answer has many parts. */
async function fits(part: string, turn: Turn): Promise<boolean> {
  await setImmediate();
  return isSmall(answerContent(part, targetOf(turn), toAsker(turn)));
}

/** The beginning of an answer, as much of it as can go into one message. */
export async function beginningOf(markdown: string, turn: Turn): Promise<string> {
  for await (const part of splitMarkdown(markdown, (piece) => fits(piece, turn))) return part;
  return markdown;
}

/** Whether a message is within the limit of events. */
export function isSmall(content: MessageContent): boolean {
  return Buffer.byteLength(JSON.stringify(content)) <= MAX_CONTENT_BYTES;
}

/**
 * What a turn's messages reply to.
 *
 * @param follows whether they come right behind the question.
 */
export function targetOf({ eventId, threadRoot }: Pick<Turn, "eventId" | "threadRoot">, follows = false): ReplyTarget {
  return { eventId, threadRoot, follows };
}

/** The mark of what comes of a question. */
export function markOf({ origin, hops, threadRoot }: Pick<Turn, "origin" | "hops" | "threadRoot">): ExchangeMark {
  return { origin, hops, ...(threadRoot === undefined ? {} : { thread: threadRoot }) };
}

/**
 * An answer that is for whoever asked, and for nobody else. What follows a question in a chat of two is for whoever asked
 * anyway, and rings as every message there does.
 */
export function toAsker(turn: Turn, follows = false): Address {
  return { mentions: follows ? [] : [turn.asker], mark: markOf(turn) };
}

/**
 * One message, or several where one would be too large. The first one quotes and mentions, as does the draft in its place;
 * agents are asked by the last, behind which there is no more to come.
 *
 * @param below what the bridge says below it, which the agent will not remember to have said.
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

/** What was shown before an answer failed, and under it why there is no more; as it is when nothing was. */
export async function withPartial(
  reply: TurnReply,
  turn: Turn,
  target: ReplyTarget,
  address: Address,
): Promise<TurnReply> {
  if (reply.outcome !== "failed") return reply;
  const { partial, ...rest } = reply;
  const why = reply.messages[0]?.content["body"];
  if (partial === undefined || partial === "" || typeof why !== "string") return rest;
  return { ...rest, messages: await answerMessages(partial, turn, target, address, escapeMarkdown(why)) };
}

/** An answer with a word of the bridge's below it, outside a code block in which the answer may have been cut off. */
export function withNote(markdown: string, note: string | undefined): string {
  return note === undefined ? markdown : `${closed(markdown)}\n\n*${note}*`;
}
