import { attachmentOf, captionOf, type Attachment } from "./attachments.ts";
import { isEventId } from "./event-id.ts";
import { EXCHANGE_FIELD, exchangeMark, type ExchangeMark } from "./exchange-mark.ts";
import { objectOf, type JsonObject } from "./json.ts";
import { mentionsIn, type Mentions } from "./mentions.ts";
import { menuCommandIn, type MenuCommand } from "./menu-command.ts";
import { parseRelation, type Relation } from "./relation.ts";

/**
 * The content of an event that somebody has sent, decrypted where it was encrypted. It is parsed once, when the event is read;
 * every decision after that takes this type. Each of its texts and lists is bounded, and nothing in it has the wrong type.
 */
export type ReceivedContent =
  Words | File | Sticker | Location | Poll | VerificationRequest | Reaction | Redaction | Unread;

/** Words of a person (`text`, `emote`), of a program (`notice`), or of the server (`server_notice`). */
export interface Words extends Carried {
  readonly kind: "text" | "emote" | "notice" | "server_notice";
}

/** A message with a file. */
interface File extends Carried {
  readonly kind: "file";
  readonly attachment: Attachment;
  /** The words that go with the file. */
  readonly caption: string | undefined;
  /** Whether it was recorded to be heard as a message (MSC3245), and is no piece of music. */
  readonly isVoice: boolean;
}

interface Sticker extends Carried {
  readonly kind: "sticker";
  /** The sticker in words; empty where its sender gave none. */
  readonly description: string;
}

interface Location extends Carried {
  readonly kind: "location";
  /** The place in words, or its `geo:` address; empty where its sender gave none. */
  readonly description: string;
}

/** The beginning of a poll (MSC3381). */
interface Poll extends Carried {
  readonly kind: "poll";
  readonly question: string | undefined;
  readonly answers: readonly string[];
}

interface VerificationRequest extends Carried {
  readonly kind: "verification_request";
  /** The user who is asked to verify. */
  readonly to: string | undefined;
}

interface Reaction extends Carried {
  readonly kind: "reaction";
  /** The event that it is attached to. */
  readonly target: string;
  readonly key: string;
}

interface Redaction extends Carried {
  readonly kind: "redaction";
  /** The event that it deletes, where the content says so (since room version 11). */
  readonly target: string | undefined;
}

/** A message of a type that is not read here, or an event that is no message. */
interface Unread extends Carried {
  readonly kind: "unknown" | "no_message";
  /** The `msgtype` of the message; empty where it has none, or is no message. */
  readonly msgtype: string;
}

/** The possible parts of an event of each kind. */
interface Carried {
  /** `body` as it was sent; undefined where it shows nothing. Of a file without a caption it is the file's name. */
  readonly body: string | undefined;
  /** `formatted_body` as it was sent. */
  readonly html: string | undefined;
  readonly mentions: Mentions;
  readonly relation: Relation;
  /** Its place among the messages of agents, where an agent has said it; the mark is undefined where it can't be read. */
  readonly exchange: { readonly mark: ExchangeMark | undefined } | undefined;
  /** Whether it is still being written (MSC4357). */
  readonly isDraft: boolean;
  /** The command that a client has put together from a menu. */
  readonly command: MenuCommand | undefined;
  /** The event that it changes, if it is an edit. */
  readonly edit: Edit | undefined;
}

/** An edit of another event. */
interface Edit {
  /** The event that it changes; undefined where it names none. */
  readonly target: string | undefined;
  /** The new content. It is no edit itself. */
  readonly said: ReceivedContent;
}

/** No event has room for so long a text. */
const LONGEST_TEXT = 131_072;

/** The longest description of a sticker, a place or a poll's answer, in characters. */
const LONGEST_NOTE = 500;

/** The longest list of a poll's answers. */
const MOST_ANSWERS = 20;

/** An id, the name of a message's type, or a reaction that is longer is none. */
const LONGEST_NAME = 256;

/** The events that begin a poll, with the field that holds it. */
const POLLS: ReadonlyMap<string, string> = new Map([
  ["m.poll.start", "m.poll"],
  ["org.matrix.msc3381.poll.start", "org.matrix.msc3381.poll.start"],
]);

const WORDS: ReadonlyMap<string, Words["kind"]> = new Map([
  ["m.text", "text"],
  ["m.emote", "emote"],
  ["m.notice", "notice"],
  ["m.server_notice", "server_notice"],
]);

/** Reads the content of an event of this type, whatever is in it. */
export function parseContent(type: string, content: JsonObject): ReceivedContent {
  const { "m.relates_to": relation, "m.new_content": anew } = content;
  const { rel_type: relatesAs, event_id: target } = objectOf(relation);
  const said = parseWithoutEdit(type, content);
  if (relatesAs !== "m.replace") return said;
  const edit = { target: isEventId(target) ? target : undefined, said: parseWithoutEdit(type, objectOf(anew)) };
  return { ...said, edit };
}

/** The file of a message, if it has one. */
export function fileOf(content: ReceivedContent): Attachment | undefined {
  return content.kind === "file" ? content.attachment : undefined;
}

function parseWithoutEdit(type: string, content: JsonObject): ReceivedContent {
  const carried = carriedBy(content);
  switch (type) {
    case "m.reaction":
      return reactionIn(content, carried);
    case "m.room.redaction":
      return { ...carried, kind: "redaction", target: idIn(content["redacts"]) };
    case "m.room.message":
      return messageIn(textIn(content["msgtype"], LONGEST_NAME) ?? "", content, carried);
    default:
      return otherwiseSaid(type, content, carried) ?? { ...carried, kind: "no_message", msgtype: "" };
  }
}

function messageIn(msgtype: string, content: JsonObject, carried: Carried): ReceivedContent {
  const words = WORDS.get(msgtype);
  if (words !== undefined) return { ...carried, kind: words };
  const attachment = attachmentOf(content);
  if (attachment !== undefined) {
    const isVoice = Object.hasOwn(content, "org.matrix.msc3245.voice") || Object.hasOwn(content, "m.voice");
    const caption = captionOf(content)?.slice(0, LONGEST_TEXT);
    return { ...carried, kind: "file", attachment, caption, isVoice };
  }
  if (msgtype === "m.location") {
    return { ...carried, kind: "location", description: noteIn(content["body"] ?? content["geo_uri"]) };
  }
  if (msgtype === "m.key.verification.request") {
    return { ...carried, kind: "verification_request", to: idIn(content["to"]) };
  }
  return otherwiseSaid(msgtype, content, carried) ?? { ...carried, kind: "unknown", msgtype };
}

/** Stickers and polls are events of their own types; undefined for any other type. */
function otherwiseSaid(type: string, content: JsonObject, carried: Carried): Sticker | Poll | undefined {
  if (type === "m.sticker") return { ...carried, kind: "sticker", description: noteIn(content["body"]) };
  const field = POLLS.get(type);
  if (field === undefined) return undefined;
  const { question, answers } = objectOf(content[field]);
  return {
    ...carried,
    kind: "poll",
    question: extensibleText(question),
    answers: Array.isArray(answers)
      ? answers.slice(0, MOST_ANSWERS).flatMap((answer) => extensibleText(answer) ?? [])
      : [],
  };
}

function reactionIn(content: JsonObject, carried: Carried): Reaction | Unread {
  const { rel_type: type, event_id: target, key } = objectOf(content["m.relates_to"]);
  if (type !== "m.annotation" || !isEventId(target) || typeof key !== "string") {
    return { ...carried, kind: "no_message", msgtype: "" };
  }
  return { ...carried, kind: "reaction", target, key: key.slice(0, LONGEST_NAME) };
}

function carriedBy(content: JsonObject): Carried {
  const body = textIn(content["body"], LONGEST_TEXT);
  return {
    body: body?.trim() === "" ? undefined : body,
    html: textIn(content["formatted_body"], LONGEST_TEXT),
    mentions: mentionsIn(content),
    relation: parseRelation(content["m.relates_to"]),
    exchange: Object.hasOwn(content, EXCHANGE_FIELD) ? { mark: exchangeMark(content) } : undefined,
    isDraft: Object.hasOwn(content, "org.matrix.msc4357.live"),
    command: menuCommandIn(content),
    edit: undefined,
  };
}

/** A text in the several forms of extensible events (MSC1767). */
function extensibleText(value: unknown): string | undefined {
  const { body, "org.matrix.msc1767.text": text, "m.text": parts } = objectOf(value);
  const first = Array.isArray(parts) ? objectOf(parts[0])["body"] : undefined;
  const words = [text, first, body].find((one) => typeof one === "string" && one.trim() !== "");
  return textIn(words, LONGEST_NOTE)?.toWellFormed();
}

function noteIn(words: unknown): string {
  return (textIn(words, LONGEST_NOTE) ?? "").toWellFormed().trim();
}

/** An id that is longer than ids can be stays so, and is nobody's. */
function idIn(value: unknown): string | undefined {
  return textIn(value, LONGEST_NAME);
}

function textIn(value: unknown, longest: number): string | undefined {
  return typeof value === "string" ? value.slice(0, longest) : undefined;
}
