import { isEventId } from "./event-id.ts";

/** The field of our events' content that marks an agent's message, and names the person's message behind it. */
export const EXCHANGE_FIELD = "io.github.matrix-appservice-agents.exchange";

/** The place of an agent's message in the exchange that a person's message started. */
export interface ExchangeMark {
  /** The person's message. */
  readonly origin: string;
  /** The number of agents that it passed through: 0 for the one whom the person asked. */
  readonly hops: number;
  /** Its thread, because edits do not name it. */
  readonly thread?: string;
}

/** The mark of a message; undefined when no agent sent it, or the mark is unreadable. */
export function exchangeMark(content: Readonly<Record<string, unknown>>): ExchangeMark | undefined {
  const mark = content[EXCHANGE_FIELD] as Partial<Record<keyof ExchangeMark, unknown>> | null | undefined;
  const { origin, hops, thread } = mark ?? {};
  if (typeof origin !== "string" || typeof hops !== "number" || !Number.isSafeInteger(hops) || hops < 0)
    return undefined;
  return { origin, hops, ...(isEventId(thread) ? { thread } : {}) };
}
