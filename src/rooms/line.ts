import { relationOf } from "../matrix/relation.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";

/** Relations whose events belong to another event and are shown there, if at all. */
const BESIDE_ANOTHER = new Set(["m.annotation", "m.replace", "m.reference"]);

/**
 * Whether clients show an event as a line of its own: any message, but no edit, reaction, deletion or state. An
 * unreadable event counts too; its relation stands outside the ciphertext.
 */
export function isLine({ type, state_key: stateKey, content }: RoomEvent): boolean {
  if (stateKey !== undefined || type === "m.room.redaction" || type.startsWith("m.key.verification.")) return false;
  return !BESIDE_ANOTHER.has(relationOf(content)?.type ?? "");
}
