import type { AwaitedKey } from "../mailbox/mail-item.ts";
import type { Outcome } from "./outcome.ts";

/** The result of handling an item of a ghost's mailbox. */
export type ItemResult =
  /** It is removed, in the transaction that stores the result. */
  | { readonly kind: "done"; readonly outcome: Outcome }
  /** It waits for its room key; later items go on. */
  | { readonly kind: "awaits_key"; readonly key: AwaitedKey; readonly after: () => Promise<void> }
  /** It is kept for an operator to look at. */
  | { readonly kind: "set_aside"; readonly reason: string };

/** The item is finished, with this outcome; by default with none. */
export function done(outcome: Outcome = {}): ItemResult {
  return { kind: "done", outcome };
}
