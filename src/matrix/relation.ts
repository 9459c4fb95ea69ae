import { isEventId } from "./event-id.ts";
import { isObject, objectOf, type JsonObject } from "./json.ts";

/**
 * The field of `m.relates_to` that names the message which an agent's message answers, where it directly follows that
 * message instead of replying. It stands beside `m.in_reply_to`, so it is also outside the ciphertext; clients show
 * none of it.
 */
export const ANSWERS_FIELD = "io.github.matrix-appservice-agents.answers";

/** An agent's reaction to a message that it will answer. */
export const TAKEN = "👀";

/** The events that a message stands beside (spec "Forming relationships between events"). */
export interface Relation {
  /** The event that begins the thread in which it stands. */
  readonly threadRoot: string | undefined;
  /** The event that it replies to on purpose; in a thread `is_falling_back` marks a reply as one for old clients only. */
  readonly repliesTo: string | undefined;
  /** Whether it replies to anything, so that a client of before spec v1.13 quotes that at the top of the body. */
  readonly isReply: boolean;
}

/** Reads the value of `m.relates_to`. */
export function parseRelation(value: unknown): Relation {
  const { rel_type: type, event_id: target, is_falling_back: fallsBack, "m.in_reply_to": reply } = objectOf(value);
  const isInThread = type === "m.thread";
  const replied = isInThread && fallsBack === true ? undefined : objectOf(reply)["event_id"];
  return {
    threadRoot: isInThread && isEventId(target) ? target : undefined,
    repliesTo: isEventId(replied) ? replied : undefined,
    isReply: isObject(reply),
  };
}

/**
 * The relation of an event to another one (spec "Forming relationships between events"); undefined when it has none.
 */
export function relationOf(content: JsonObject): { readonly type: string; readonly target: string } | undefined {
  const { rel_type: type, event_id: target } = relatesTo(content);
  return typeof type === "string" && typeof target === "string" ? { type, target } : undefined;
}

/**
 * The event that an agent's event answers: a message that replies to it or follows it, or a reaction that confirms a
 * command.
 */
export function answeredEvent(content: JsonObject): string | undefined {
  const relation = relatesTo(content);
  const { rel_type: type, event_id: target, key } = relation;
  if (type === "m.annotation") return typeof target === "string" && key !== TAKEN ? target : undefined;
  for (const field of ["m.in_reply_to", ANSWERS_FIELD]) {
    const answered = (relation[field] as { event_id?: unknown } | null | undefined)?.event_id;
    if (typeof answered === "string") return answered;
  }
  return undefined;
}

function relatesTo(content: JsonObject): JsonObject {
  const relation = content["m.relates_to"];
  return typeof relation === "object" && relation !== null ? (relation as JsonObject) : {};
}
