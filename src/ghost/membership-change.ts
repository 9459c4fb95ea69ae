import type { RoomEvent } from "../homeserver/transaction.ts";
import type { MailItem } from "../mailbox/mail-item.ts";
import { membershipBefore } from "./own-membership.ts";

/** The meaning of a ghost's own membership event. */
export type OwnMembershipChange =
  | { readonly kind: "invited" }
  /** It entered the room, by an invite. */
  | { readonly kind: "entered" }
  /** It is in the room, as before or without an invite: its profile may have changed. */
  | { readonly kind: "joined" }
  /** It was removed or banned, has left, or an invite was withdrawn. */
  | { readonly kind: "gone"; readonly membership: unknown };

/** The meaning of a ghost's own membership event that is not outdated. */
export function membershipChange(event: Pick<RoomEvent, "content" | "unsigned">): OwnMembershipChange {
  const { membership } = event.content;
  if (membership === "invite") return { kind: "invited" };
  if (membership === "join") return { kind: membershipBefore(event) === "invite" ? "entered" : "joined" };
  return { kind: "gone", membership };
}

/**
 * Whether an event by which the ghost is not in a room may be outdated: Synapse may send it long after the ghost has
 * returned. A retried invite may be the one that was accepted, and does not count.
 */
export function mayBePast({ event, isSuspect }: Pick<MailItem, "event" | "isSuspect">): boolean {
  const { membership } = event.content;
  return membership !== "join" && !(isSuspect && membership === "invite");
}
