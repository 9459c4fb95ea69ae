import { exchangeMark } from "../src/matrix/exchange-mark.ts";
import { answeredEvent } from "../src/matrix/relation.ts";

/** A message or an act of the partner in the room, as far as a screen shows it. */
export type News =
  | { readonly kind: "message"; readonly message: Message }
  /** A message, or another event of theirs, is gone. */
  | { readonly kind: "taken_back"; readonly id: string }
  /** An answer in itself, as to a command; not one that says that an answer is to come. */
  | { readonly kind: "reaction"; readonly to: string; readonly key: string }
  | { readonly kind: "typing"; readonly isTyping: boolean };

/** One form of a message: the first, or that of an edit. */
export interface Message {
  /** The message: the event that its edits refer to. */
  readonly id: string;
  /** The event that carries this form. */
  readonly formId: string;
  /** When it came: forms of one message may become readable in another order. */
  readonly order: number;
  readonly isEdit: boolean;
  /** More of it is to come (MSC4357). */
  readonly isDraft: boolean;
  readonly isNotice: boolean;
  /** As it came: it may hold anything. */
  readonly text: string;
  /** The person's message that it goes back to; an edit need not say. */
  readonly question: string | undefined;
}

/** An event of a room's timeline, decrypted. */
export interface TimelineEvent {
  readonly id: string;
  readonly type: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** Its `m.relates_to`, which stands outside of the ciphertext (spec "Forming relationships between events"). */
  readonly relation: unknown;
  /** The event that a redaction removes. Room versions differ in where they say so. */
  readonly redacts: unknown;
}

/** Marks what is being written still (MSC4357). */
const LIVE = "org.matrix.msc4357.live";

/** Kinds of messages that are their body and nothing else. */
const WORDS: ReadonlySet<unknown> = new Set(["m.text", "m.notice", "m.emote"]);

/** The longest text that is looked at, in UTF-16 code units: more than an event holds. */
const LONGEST_TEXT = 65_536;

const LONGEST_KEY = 50;

/**
 * The meaning of an event for a screen; undefined when it has none, or can't be understood. Edits are taken from their
 * own events, not from the SDK's view of the message that they edit. That view has the newest form among those that
 * happen to be decrypted, without its time and its event, and none at all when the message itself is unknown or
 * unreadable.
 *
 * @param order counts the events that came before.
 */
export function newsOf(event: TimelineEvent, order: number): News | undefined {
  const { type, content } = event;
  const relation = asObject(event.relation);
  const answered = answeredEvent({ "m.relates_to": relation });
  switch (type) {
    case "m.room.redaction": {
      const id = event.redacts ?? content["redacts"];
      return typeof id === "string" ? { kind: "taken_back", id } : undefined;
    }
    case "m.reaction": {
      const { key } = relation;
      if (answered === undefined || typeof key !== "string") return undefined;
      return { kind: "reaction", to: answered, key: key.slice(0, LONGEST_KEY) };
    }
    case "m.room.message": {
      const isEdit = relation["rel_type"] === "m.replace";
      const id = isEdit ? relation["event_id"] : event.id;
      const form = isEdit ? asObject(content["m.new_content"]) : content;
      const text = textOf(form);
      if (typeof id !== "string" || text === undefined) return undefined;
      const message: Message = {
        id,
        formId: event.id,
        order,
        isEdit,
        isDraft: LIVE in content || LIVE in form,
        isNotice: form["msgtype"] === "m.notice",
        text,
        question: exchangeMark(form)?.origin ?? exchangeMark(content)?.origin ?? answered,
      };
      return { kind: "message", message };
    }
    default:
      return undefined;
  }
}

/** The text that stands for a message: its body, and for a file its name before that. Undefined when it has no body. */
function textOf({ msgtype, body, filename }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof body !== "string") return undefined;
  const text = body.slice(0, LONGEST_TEXT);
  if (WORDS.has(msgtype) || typeof filename !== "string" || filename === body) return text;
  return `[${filename.slice(0, LONGEST_TEXT)}] ${text}`;
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
