import type { AwaitedKey } from "../mailbox/mail-item.ts";
import type { Outcome } from "./outcome.ts";

/** What becomes of an item of a ghost's mailbox that was handled. */
export type ItemResult =
  /** It is taken out, in the transaction that stores what came of it. */
  | { readonly kind: "done"; readonly outcome: Outcome }
  /** It waits for its room key; those behind it go on. */
  | { readonly kind: "awaits_key"; readonly key: AwaitedKey; readonly after: () => Promise<void> }
  /** It is kept for an operator to look at. */
  | { readonly kind: "set_aside"; readonly reason: string };

/** The item is done with, and this came of it; nothing, if nothing is said. */
export function done(outcome: Outcome = {}): ItemResult {
  return { kind: "done", outcome };
}
