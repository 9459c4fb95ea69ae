import { isPoll } from "../addressing/said.ts";

/** What people send that an agent makes nothing of. */
export type UnreadKind = "sticker" | "place" | "poll" | "other";

/** Messages that are read, or that nobody waits for a word about. */
const NOTHING_TO_SAY: ReadonlySet<string> = new Set([
  "m.text",
  "m.emote",
  "m.notice",
  "m.server_notice",
  "m.key.verification.request",
]);

/** Which kind of thing somebody has sent that is neither words nor a file; undefined where there is nothing to say about it. */
export function unreadKindOf(content: Readonly<Record<string, unknown>>): UnreadKind | undefined {
  const { msgtype, "m.relates_to": relation } = content;
  if (typeof msgtype !== "string" || msgtype === "" || NOTHING_TO_SAY.has(msgtype)) return undefined;
  // What is changed was told before.
  if ((relation as { rel_type?: unknown } | null | undefined)?.rel_type === "m.replace") return undefined;
  if (msgtype === "m.sticker") return "sticker";
  if (msgtype === "m.location") return "place";
  return isPoll(msgtype) ? "poll" : "other";
}
