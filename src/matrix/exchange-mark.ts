import { isEventId } from "./event-id.ts";

/** The field of our events' content that says that an agent speaks, and to which person's message this goes back. */
export const EXCHANGE_FIELD = "io.github.matrix-appservice-agents.exchange";

/** Where a message of an agent stands among what one message of a person has led to. */
export interface ExchangeMark {
  /** The person's message. */
  readonly origin: string;
  /** Over how many agents it came from there: 0 for the one whom the person asked. */
  readonly hops: number;
  /** The thread it is said in, for edits do not tell. */
  readonly thread?: string;
}

/** The mark of a message; undefined when no agent said it, or it can't be read. */
export function exchangeMark(content: Readonly<Record<string, unknown>>): ExchangeMark | undefined {
  const mark = content[EXCHANGE_FIELD] as Partial<Record<keyof ExchangeMark, unknown>> | null | undefined;
  const { origin, hops, thread } = mark ?? {};
  if (typeof origin !== "string" || typeof hops !== "number" || !Number.isSafeInteger(hops) || hops < 0)
    return undefined;
  return { origin, hops, ...(isEventId(thread) ? { thread } : {}) };
}
