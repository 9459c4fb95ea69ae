import { distinctName, nameKey, UNSEEN } from "../rooms/names.ts";
import type { RememberedMessage } from "./remembered-message.ts";

/** The longest name of a speaker for a model, in characters. */
const LONGEST_NAME = 64;

/** The end of a line, for any reader. */
export const LINE_END = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/g;

/** The agent's own name in a transcript. */
export const AGENT = "You";

/** Replaces a name where a message is marked as a reply (replied.ts). */
export const REPLIED = { self: "themselves", speaker: "myself", unread: "a message that can't be read" } as const;

/** Reserved names: a person with such a name gets the user id beside it. */
const OURS = [AGENT, ...Object.values(REPLIED), REPLIED.unread.replace("'", "’")];
const OUR_KEYS = OURS.map(nameKey);

/** A name that looks like a user id, or like our note after a name (replied.ts), by its {@link nameKey}. */
const LOOKS_MADE = /@|replyingto/;

/** The fields of a message that identify its author. */
type Said = Pick<RememberedMessage, "author" | "sender" | "speaker">;

/**
 * The names of these messages' authors for models. People choose their own names. So the user id follows where two
 * people have or had the same name, where it is the agent's own {@link AGENT} or another word of ours, shows nothing,
 * or looks like a user id.
 */
export function speakersOf(messages: readonly Said[]): (message: Said) => string {
  const bearers = new Map(OUR_KEYS.map((key) => [key, new Set([""])]));
  const nameOf = namesOnce();
  for (const message of messages) {
    if (message.author === "agent") continue;
    const { key } = nameOf(message);
    bearers.set(key, (bearers.get(key) ?? new Set()).add(message.sender));
  }
  return (message) => {
    const { author, sender, speaker } = message;
    if (author === "agent") return AGENT;
    const { name, key } = nameOf(message);
    const others = [...(bearers.get(key) ?? [])].filter((userId) => userId !== sender);
    const isSure = others.length === 0 && !LOOKS_MADE.test(key) && !speaker.endsWith(distinctName("", sender));
    if (name === "") return idOf(sender);
    return isSure ? name : distinctName(name, idOf(sender));
  };
}

/** A name for a model, with its {@link nameKey}. */
interface Name {
  readonly name: string;
  readonly key: string;
}

/** Cleans the name of each author once, however many messages they wrote. */
function namesOnce(): (message: Said) => Name {
  const bySender = new Map<string, Map<string, Name>>();
  return ({ sender, speaker }) => {
    const bySpeaker = bySender.get(sender) ?? new Map<string, Name>();
    bySender.set(sender, bySpeaker);
    const known = bySpeaker.get(speaker);
    if (known !== undefined) return known;
    const name = plain(speaker, sender);
    const made = { name, key: nameKey(name) };
    bySpeaker.set(speaker, made);
    return made;
  };
}

/**
 * A person's words for a model: only the first line stands at the margin, so that no line looks like another person's.
 */
export function utterance(speaker: string, text: string): string {
  return inset(`${speaker}: ${text}`);
}

/** A text with only the first line at the margin. */
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
