import type { ReceivedContent } from "../matrix/received-content.ts";

/** What people send that an agent makes nothing of. */
export type UnreadKind = "sticker" | "place" | "poll" | "other";

/** The kind of what somebody has sent that is neither words nor a file; undefined where there is nothing to say about it. */
export function unreadKindOf(content: ReceivedContent): UnreadKind | undefined {
  // What is changed was told before.
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
