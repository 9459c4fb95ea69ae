import type { Turn, TurnMessage, TurnReply } from "../turns/turn.ts";
import { mentionsOf } from "./addressing.ts";
import { answerContent, editContent, type Address, type MessageContent, type ReplyTarget } from "./reply.ts";
import { splitMarkdown } from "./split.ts";

/** An event is at most 65,536 bytes; encrypted it takes a third more, and as an edit, with the body twice, double. */
const MAX_CONTENT_BYTES = 22_000;

/** The reply with its first message as the last form of the draft, which mentioned somebody already. */
export function edited(reply: TurnReply, eventId: string, mentioned: readonly string[]): TurnReply {
  const [first, ...others] = reply.messages;
  if (first === undefined) return reply;
  const anew = mentionsOf(first.content).filter((userId) => !mentioned.includes(userId));
  return {
    ...reply,
    messages: [{ ...first, content: editContent(eventId, first.content, anew), editOf: eventId }, ...others],
  };
}

/** Whether a part of an answer can go into one message. */
export function fits(part: string, turn: Turn): boolean {
  return isSmall(answerContent(part, targetOf(turn), toAsker(turn)));
}

/** Whether a message is within the limit of events. */
export function isSmall(content: MessageContent): boolean {
  return Buffer.byteLength(JSON.stringify(content)) <= MAX_CONTENT_BYTES;
}

/** What a turn's messages reply to. */
export function targetOf(turn: Pick<Turn, "eventId" | "threadRoot">): ReplyTarget {
  return { eventId: turn.eventId, threadRoot: turn.threadRoot };
}

/** An answer that is for whoever asked, and for nobody else. */
export function toAsker({ asker, origin, hops, threadRoot }: Turn): Address {
  return { mentions: [asker], mark: { origin, hops, ...(threadRoot === undefined ? {} : { thread: threadRoot }) } };
}

/** One message, or several where one would be too large; only the last one mentions anybody. */
export function answerMessages(markdown: string, turn: Turn, address: Address): TurnMessage[] {
  const parts = splitMarkdown(markdown, (part) => fits(part, turn));
  return parts.map((part, index) => {
    const isLast = index === parts.length - 1;
    const content = answerContent(part, targetOf(turn), isLast ? address : { ...address, mentions: [] });
    return { content, remembered: part };
  });
}

/** What was shown before an answer failed, and under it why there is no more; as it is when nothing was. */
export function withPartial(reply: TurnReply, turn: Turn): TurnReply {
  const { partial, ...rest } = reply;
  const why = reply.messages[0]?.content["body"];
  if (partial === undefined || partial === "" || typeof why !== "string") return rest;
  const parts = answerMessages(partial, turn, toAsker(turn));
  const last = parts.pop();
  if (last?.remembered === undefined) return rest;
  const content = answerContent(`${last.remembered}\n\n*${why}*`, targetOf(turn), toAsker(turn));
  return { ...rest, messages: [...parts, { ...last, content }] };
}

/** An answer with a word of the bridge's below it. */
export function withNote(markdown: string, note: string | undefined): string {
  return note === undefined ? markdown : `${markdown}\n\n*${note}*`;
}
