import type { ReceivedContent } from "../matrix/received-content.ts";

/** The kinds of messages that an agent can't use. */
export type UnreadKind = "sticker" | "place" | "poll" | "other";

/** The kind of a message that is neither words nor a file; undefined where there is nothing to say about it. */
export function unreadKindOf(content: ReceivedContent): UnreadKind | undefined {
  // The original was already reported.
  if (content.edit !== undefined) return undefined;
  switch (content.kind) {
    case "sticker":
    case "poll":
      return content.kind;
    case "location":
      return "place";
    case "file":
      return "other";
    case "unknown":
      return content.msgtype === "" ? undefined : "other";
    case "text":
    case "emote":
    case "notice":
    case "server_notice":
    case "verification_request":
    case "reaction":
    case "redaction":
    case "no_message":
      return undefined;
  }
}
