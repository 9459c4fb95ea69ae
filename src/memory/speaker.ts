import { distinctName, nameKey, UNSEEN } from "../rooms/names.ts";
import type { RememberedMessage } from "./remembered-message.ts";

/** The longest name that a speaker has for a model, in characters. */
const LONGEST_NAME = 64;

/** Where a line ends, for whoever reads it. */
export const LINE_END = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/g;

/** What the agent itself is called in a transcript. */
export const AGENT = "You";

/** What stands for somebody's name where a message is said to be a reply (replied.ts). */
export const REPLIED = { self: "themselves", speaker: "myself", unread: "a message that can't be read" } as const;

/** Names that nobody bears alone: in their place stands who it was. */
const OURS = [AGENT, ...Object.values(REPLIED), REPLIED.unread.replace("'", "’")];

/** A name that looks like a user id, or like a note of ours behind a name (replied.ts), by its {@link nameKey}. */
const LOOKS_MADE = /@|replyingto/;

/** What of a message tells who said it. */
type Said = Pick<RememberedMessage, "author" | "sender" | "speaker">;

/**
 * How models are told who has said each of these messages, or a single one. Names are their bearers' choice: where one is borne
 * by two, was when it was said, is the agent's own {@link AGENT} or another word of ours, shows nothing or looks like a user id, the user id stands
 * behind it.
 */
export function speakersOf(messages: readonly Said[]): (message: Said) => string {
  const bearers = new Map(OURS.map((name) => [nameKey(name), new Set([""])]));
  for (const { author, sender, speaker } of messages) {
    if (author === "agent") continue;
    const key = nameKey(plain(speaker, sender));
    bearers.set(key, (bearers.get(key) ?? new Set()).add(sender));
  }
  return ({ author, sender, speaker }) => {
    if (author === "agent") return AGENT;
    const name = plain(speaker, sender);
    const others = [...(bearers.get(nameKey(name)) ?? [])].filter((userId) => userId !== sender);
    const isSure =
      others.length === 0 && !LOOKS_MADE.test(nameKey(name)) && !speaker.endsWith(distinctName("", sender));
    if (name === "") return idOf(sender);
    return isSure ? name : distinctName(name, idOf(sender));
  };
}

/** What somebody has said, for a model: only its first line stands at the margin, so that nothing in it looks like another's. */
export function utterance(speaker: string, text: string): string {
  return inset(`${speaker}: ${text}`);
}

/** A text of which only the first line stands at the margin. */
export function inset(text: string): string {
  return text.replace(LINE_END, "\n  ");
}

function plain(speaker: string, sender: string): string {
  const own = distinctName("", sender);
  const name = speaker.endsWith(own) ? speaker.slice(0, -own.length) : speaker;
  return name
    .slice(0, 4 * LONGEST_NAME)
    .replace(UNSEEN, " ")
    .trim()
    .slice(0, LONGEST_NAME)
    .toWellFormed();
}

function idOf(userId: string): string {
  return userId.replace(/[\p{C}\s]+/gu, " ");
}
