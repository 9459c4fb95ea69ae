import type { Transaction } from "./transaction.ts";

/** The time that Synapse waits at least before it sends a refused transaction again, in ms. */
const LATE_MS = 2_000;

/**
 * Whether the homeserver has held a transaction back: an event in it is older than any that is sent at once. The age is by the
 * homeserver's own clock (`unsigned.age`, spec "Client event format"); events without one prove nothing.
 */
export function wasHeldBack({ events }: Transaction): boolean {
  return events.some(({ unsigned }) => typeof unsigned?.["age"] === "number" && unsigned["age"] >= LATE_MS);
}
