import type { Attachment } from "../matrix/attachments.ts";
import type { ReceivedContent } from "../matrix/received-content.ts";
import { withoutReplyFallback } from "./addressing.ts";

/** An event's words, for a model. */
export interface Said {
  readonly body: string;
  readonly attachment: Attachment | undefined;
}

/**
 * The words of an event that somebody replies to: messages of all kinds, stickers, places, polls. Undefined for an
 * event without words, such as a deleted one.
 */
export function saidBy(content: ReceivedContent): Said | undefined {
  switch (content.kind) {
    case "file":
      return { body: content.caption ?? "", attachment: content.attachment };
    case "sticker":
      return noted("a sticker", content.description);
    case "location":
      return noted("a place", content.description);
    case "poll": {
      const { question, answers } = content;
      if (question === undefined) return undefined;
      return words([`(a poll) ${question}`, ...answers.map((answer) => `- ${answer}`)].join("\n"));
    }
    case "text":
    case "emote":
    case "notice":
    case "server_notice":
    case "verification_request":
    case "unknown":
      return content.body === undefined ? undefined : words(withoutReplyFallback(content.body, content));
    case "reaction":
    case "redaction":
    case "no_message":
      return undefined;
  }
}

function noted(what: string, description: string): Said {
  return words(description === "" ? `(${what})` : `(${what}: “${description}”)`);
}

function words(body: string): Said {
  return { body, attachment: undefined };
}
