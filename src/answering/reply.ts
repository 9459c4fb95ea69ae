import type { SentFile } from "../ghost/form.ts";
import { objectOf } from "../matrix/json.ts";
import { ANSWERS_FIELD } from "../matrix/relation.ts";
import { pictureExtent, pictureType, type PictureExtent } from "../providers/pictures.ts";
import { cleanText } from "../text/clean-text.ts";
import { isEventId } from "../matrix/event-id.ts";
import { EXCHANGE_FIELD, type ExchangeMark } from "../matrix/exchange-mark.ts";
import { renderMarkdown, type RenderedText } from "../text/markdown.ts";
import type { CallFile } from "../turns/call-file.ts";

/** The event that a message answers. */
export interface ReplyTarget {
  /** Of a reminder, its name, which is no event's id. */
  readonly eventId: string;
  /** Set when the question stands in a thread: the answer then does too. */
  readonly threadRoot: string | undefined;
  /** Whether the message directly follows it, so that it needs no quotation. */
  readonly follows?: boolean;
}

/** The content of an `m.room.message` event. */
export type MessageContent = Readonly<Record<string, unknown>>;

/** The users that an answer mentions, and its place in the agents' exchange. */
export interface Address {
  /** The asker's user id, or nobody. The asker's phone rings once for the whole answer. */
  readonly mentions: readonly string[];
  /** The user ids of agents that it asks, once the answer is complete. */
  readonly asks?: readonly string[];
  readonly mark: ExchangeMark;
}

/** A finished answer: `m.text`, so that it notifies a phone; a reply, unless it follows the question. */
export function answerContent(markdown: string, target: ReplyTarget, address: Address): MessageContent {
  const { mark } = address;
  return {
    ...message("m.text", markdown),
    "m.mentions": mentionsIn(address),
    [EXCHANGE_FIELD]: mark,
    ...related(target),
  };
}

/** A picture as an answer, with the request as its caption (spec "Media captions"). */
export function pictureContent(
  { bytes, file, caption }: { readonly bytes: Uint8Array; readonly file: SentFile; readonly caption: string },
  target: ReplyTarget,
  address: Address,
): MessageContent {
  const { mark } = address;
  const mimetype = pictureType(bytes) ?? "image/png";
  const extent = pictureExtent(bytes);
  return {
    msgtype: "m.image",
    body: cleanText(caption).slice(0, LONGEST_CAPTION).toWellFormed(),
    filename: `picture.${mimetype.split("/")[1] ?? "png"}`,
    ...file,
    info: {
      mimetype,
      size: bytes.byteLength,
      ...(extent === undefined ? {} : { w: extent.w, h: extent.h }),
    },
    "m.mentions": mentionsIn(address),
    [EXCHANGE_FIELD]: mark,
    ...related(target),
  };
}

/** The types of messages with files. */
const MESSAGE_TYPES = { picture: "m.image", sound: "m.audio", file: "m.file" } as const;

/** A file from a tool's result, under its own name, without the place to which it is uploaded. It mentions nobody. */
export function attachmentContent(
  { kind, type, name, size }: CallFile,
  target: ReplyTarget,
  mark: ExchangeMark,
): MessageContent {
  return {
    msgtype: MESSAGE_TYPES[kind],
    body: name,
    filename: name,
    info: { mimetype: type, size },
    "m.mentions": {},
    [EXCHANGE_FIELD]: mark,
    ...related(target),
  };
}

/** The same with its place, and the size of a picture. */
export function withUploaded(
  content: MessageContent,
  file: SentFile,
  extent: Pick<PictureExtent, "w" | "h"> | undefined,
): MessageContent {
  return { ...content, ...file, info: { ...objectOf(content["info"]), ...extent } };
}

/** Spec "User and room mentions": on every message, so that no client looks for names in the text. */
function mentionsIn({ mentions, asks = [] }: Address): MessageContent {
  const userIds = [...new Set([...mentions, ...asks])];
  return userIds.length === 0 ? {} : { user_ids: userIds };
}

/** In characters. */
const LONGEST_CAPTION = 500;

/** The longest thought that is shown, in characters: the answer needs its room in the event. */
const LONGEST_THOUGHT = 4_000;

/** A message with the model's thoughts folded above its words; the plain body is without them. */
export function withThinking(content: MessageContent, thinking: string): MessageContent {
  const { body, formattedBody } = renderMarkdown(thinking.trim().slice(0, LONGEST_THOUGHT).toWellFormed());
  const thought = formattedBody ?? renderedPlain(body);
  const { formatted_body: html = renderedPlain(String(content["body"])) } = content;
  return {
    ...content,
    format: "org.matrix.custom.html",
    formatted_body: `<details><summary>💭</summary>${thought}</details>${String(html)}`,
  };
}

function renderedPlain(text: string): string {
  return `<p>${text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replaceAll("\n", "<br />")}</p>`;
}

/**
 * A status or a failure: `m.notice`, which mentions nobody and which no bot answers.
 *
 * @param words markdown, or rendered text.
 * @param mark on an agent's answer: the exchange that it belongs to.
 */
export function noticeContent(words: string | RenderedText, target?: ReplyTarget, mark?: ExchangeMark): MessageContent {
  return {
    ...message("m.notice", words),
    "m.mentions": {},
    ...(mark === undefined ? {} : { [EXCHANGE_FIELD]: mark }),
    ...(target === undefined ? {} : related(target)),
  };
}

/** Marks a message as still being written (MSC4357); nobody should act on it. */
const LIVE = { "org.matrix.msc4357.live": {} };

/** The beginning of a growing answer: like the answer, but marked as live. */
export function draftContent(markdown: string, target: ReplyTarget, address: Address): MessageContent {
  return { ...answerContent(markdown, target, address), ...LIVE };
}

/**
 * Another form of a sent message (spec "Event replacements"): complete in `m.new_content`, and in the body for clients
 * without edits. Its mentions are repeated there; only new ones stand outside, so that no phone rings again.
 */
export function editContent(
  eventId: string,
  content: MessageContent,
  mentionedAnew: readonly string[] = [],
): MessageContent {
  const newContent = Object.fromEntries(Object.entries(content).filter(([field]) => field !== "m.relates_to"));
  const { formatted_body: html, body } = newContent;
  return {
    ...newContent,
    body: `* ${String(body)}`,
    ...(typeof html === "string" ? { formatted_body: `* ${html}` } : {}),
    "m.mentions": mentionedAnew.length === 0 ? {} : { user_ids: mentionedAnew },
    "m.new_content": newContent,
    "m.relates_to": { rel_type: "m.replace", event_id: eventId },
  };
}

/** A reaction (spec "Event annotations and reactions"). */
export function reactionContent(eventId: string, key: string): MessageContent {
  return { "m.relates_to": { rel_type: "m.annotation", event_id: eventId, key } };
}

function message(msgtype: "m.text" | "m.notice", words: string | RenderedText): MessageContent {
  const { body, formattedBody } = typeof words === "string" ? renderMarkdown(words) : words;
  return {
    msgtype,
    body,
    ...(formattedBody === undefined ? {} : { format: "org.matrix.custom.html", formatted_body: formattedBody }),
  };
}

/** Spec "Rich replies" and "Threading": in a thread always the root; the reply only for clients without threads. */
function related({ eventId, threadRoot, follows = false }: ReplyTarget): MessageContent {
  // Nobody has sent the question of a reminder.
  const isSent = isEventId(eventId);
  if (!isSent && threadRoot === undefined) return {};
  const reply = { "m.in_reply_to": { event_id: isSent ? eventId : threadRoot } };
  if (threadRoot !== undefined)
    return { "m.relates_to": { rel_type: "m.thread", event_id: threadRoot, is_falling_back: true, ...reply } };
  return { "m.relates_to": follows ? { [ANSWERS_FIELD]: { event_id: eventId } } : reply };
}
