import type { SeenEvent, Shield } from "./user-protocol.ts";
import { isObject } from "../../src/matrix/json.ts";

/** A message as a person sees it. */
export interface Message extends SeenEvent {
  /** The text after the last edit; empty when it can't be read. */
  readonly body: string;
  /** The content after the last edit. */
  readonly current: Readonly<Record<string, unknown>>;
  /** The number of seen edits of it by its sender. */
  readonly edits: number;
  readonly redacted: boolean;
  /** Set by `waitMessage` on matrix-js-sdk. */
  readonly shield?: Shield;
}

interface Relation {
  readonly rel_type?: string;
  readonly event_id?: string;
}

/**
 * The events that a client has seen, by room, in the order they came; an event that could be decrypted later keeps its
 * place.
 */
export class Timeline {
  readonly #rooms = new Map<string, Map<string, SeenEvent>>();
  readonly #listeners = new Set<(seen: SeenEvent) => void>();

  /** Calls it with every event from now on, also when it comes again, readable. Returns a function that ends this. */
  listen(listener: (seen: SeenEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  add(seen: SeenEvent): void {
    const room = this.#rooms.get(seen.roomId) ?? new Map<string, SeenEvent>();
    this.#rooms.set(seen.roomId, room.set(seen.eventId, seen));
    for (const listener of this.#listeners) listener(seen);
  }

  events(roomId: string): SeenEvent[] {
    return [...(this.#rooms.get(roomId)?.values() ?? [])];
  }

  messages(roomId: string): Message[] {
    const events = this.events(roomId);
    const redacted = new Set(events.flatMap((event) => event.redacts ?? []));
    return events
      .filter((event) => isMessage(event) && replaces(event) === undefined)
      .map((event) => {
        const edits = events.filter(
          (other) => replaces(other) === event.eventId && other.sender === event.sender && !redacted.has(other.eventId),
        );
        const newest = edits.at(-1)?.content["m.new_content"];
        const current = isObject(newest) ? newest : event.content;
        return {
          ...event,
          current,
          body: typeof current["body"] === "string" ? current["body"] : "",
          edits: edits.length,
          redacted: redacted.has(event.eventId),
        };
      });
  }
}

function isMessage(event: SeenEvent): boolean {
  return event.type === "m.room.message" || event.decryptionError !== undefined;
}

/**
 * The message that an event edits. The relation is outside the ciphertext, so it is also known for unreadable edits.
 */
function replaces(event: SeenEvent): string | undefined {
  const relation = event.wireContent["m.relates_to"];
  if (!isObject(relation)) return undefined;
  const { rel_type: type, event_id: target } = relation as Relation;
  return type === "m.replace" ? target : undefined;
}
