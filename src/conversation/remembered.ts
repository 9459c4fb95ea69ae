import type { GhostMessage } from "../ghost/received.ts";
import type { RememberedMessage } from "../memory/remembered-message.ts";

/** A person's message in remembered form, with `speaker` as its author. */
export function remembered(message: GhostMessage, speaker: string, body: string): RememberedMessage {
  const { eventId, sender, sentAt, encrypted, shield } = message;
  const { repliesTo } = message.content.relation;
  const said = { eventId, author: "person", sender, speaker, body, sentAt, encrypted, repliesTo } as const;
  return shield === undefined ? said : { ...said, shield };
}
