import { attachmentOf, captionOf, type Attachment } from "../matrix/attachments.ts";
import { withoutReplyFallback } from "./addressing.ts";
import { objectOf } from "../matrix/json.ts";

/** What an event says, for a model. */
export interface Said {
  readonly body: string;
  readonly attachment: Attachment | undefined;
}

/** The longest list of a poll's answers, and what is read of a place or a picture's name, in characters. */
const MOST_ANSWERS = 20;
const LONGEST_NOTE = 500;

/** The types of events that begin a poll (spec proposal MSC3381), with the field that holds it. */
const POLLS: Readonly<Record<string, string>> = {
  "m.poll.start": "m.poll",
  "org.matrix.msc3381.poll.start": "org.matrix.msc3381.poll.start",
};

/**
 * The words of an event that somebody replies to: messages of all kinds, stickers, places, polls. Undefined for what says
 * nothing, such as what was deleted.
 */
export function saidBy(type: string, content: Readonly<Record<string, unknown>>): Said | undefined {
  if (type === "m.sticker") return noted("a sticker", content["body"]);
  const poll = POLLS[type];
  if (poll !== undefined) return pollIn(objectOf(content[poll]));
  if (type !== "m.room.message") return undefined;
  const attachment = attachmentOf(content);
  if (attachment !== undefined) return { body: captionOf(content) ?? "", attachment };
  if (content["msgtype"] === "m.location") return noted("a place", content["body"] ?? content["geo_uri"]);
  const { body } = content;
  if (typeof body !== "string" || body.trim() === "") return undefined;
  return { body: withoutReplyFallback(body, objectOf(content["m.relates_to"])), attachment: undefined };
}

/** Whether an event begins a poll. */
export function isPoll(type: string): boolean {
  return Object.hasOwn(POLLS, type);
}

function pollIn(poll: Readonly<Record<string, unknown>>): Said | undefined {
  const question = textOf(poll["question"]);
  if (question === undefined) return undefined;
  const { answers } = poll;
  const offered = Array.isArray(answers)
    ? answers.slice(0, MOST_ANSWERS).flatMap((answer) => textOf(answer) ?? [])
    : [];
  return {
    body: [`(a poll) ${question}`, ...offered.map((answer) => `- ${answer}`)].join("\n"),
    attachment: undefined,
  };
}

/** Extensible text in its several forms (MSC1767). */
function textOf(value: unknown): string | undefined {
  const { body, "org.matrix.msc1767.text": text, "m.text": parts } = objectOf(value);
  const first = Array.isArray(parts) ? objectOf(parts[0])["body"] : undefined;
  const words = [text, first, body].find((one) => typeof one === "string" && one.trim() !== "");
  return typeof words === "string" ? words.slice(0, LONGEST_NOTE).toWellFormed() : undefined;
}

function noted(what: string, words: unknown): Said {
  const text = typeof words === "string" ? words.slice(0, LONGEST_NOTE).toWellFormed().trim() : "";
  return { body: text === "" ? `(${what})` : `(${what}: “${text}”)`, attachment: undefined };
}
