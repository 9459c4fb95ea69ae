import { cleanText } from "../text/clean-text.ts";
import { escapeMarkdown } from "../text/markdown.ts";
import type { Recurrence } from "../time/recurrence.ts";

/** What an agent is to do at a time. */
export interface Task {
  /** In a person's words, or the model's. */
  readonly words: string;
  readonly recurrence: Recurrence;
  /** IANA. */
  readonly zone: string;
  /** Whether a person asked for it by words of her own that came encrypted: see Turn.isAuthentic. */
  readonly isAuthentic?: true;
}

/** A reminder of a room. */
export interface Reminder extends Task {
  /** Its number, as people name it. */
  readonly id: number;
  readonly ghost: string;
  readonly roomId: string;
  readonly threadRoot: string | undefined;
  /** Who asked for it: its turns count for this person. */
  readonly owner: string;
  /** Whether the conversation in which it was asked for came encrypted. */
  readonly encrypted: boolean;
  /** Ms since 1970; undefined where it waits for another owner. */
  readonly nextAt: number | undefined;
}

/** An occasion of a reminder: it stands for the event of a question that nobody sent. */
export interface Occasion {
  readonly id: number;
  /** When it was due, in ms since 1970. */
  readonly due: number;
}

/** The name of an occasion, in place of an event's id, which begins with `$`. */
export function occasionName({ id, due }: Occasion): string {
  return `reminder ${id} ${due}`;
}

/** The occasion that has a name; undefined where it is an event's id. */
export function occasionOf(eventId: string): Occasion | undefined {
  const [, id, due] = /^reminder (\d{1,16}) (\d{1,16})$/.exec(eventId) ?? [];
  return id === undefined ? undefined : { id: Number(id), due: Number(due) };
}

/**
 * The words of a reminder for a message of the bridge, as markdown that shows them in one line: a model wrote them, and
 * perhaps somebody else before.
 *
 * @param longest in characters; the rest is cut off.
 */
export function shownTask(words: string, longest = Infinity): string {
  const line = cleanText(words).replace(/\s+/g, " ").trim();
  return escapeMarkdown(line.length <= longest ? line : `${line.slice(0, longest).toWellFormed()}…`);
}
