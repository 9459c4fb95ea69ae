import type { TurnReply } from "../../src/turns/turn.ts";

/** The kind of failure of a reply; undefined where it did not fail, or where there is none. */
export function failureOf(reply: TurnReply | undefined): string | undefined {
  return reply?.outcome === "failed" ? reply.failure : undefined;
}
