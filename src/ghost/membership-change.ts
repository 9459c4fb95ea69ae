import type { RoomEvent } from "../homeserver/transaction.ts";
import type { MailItem } from "../mailbox/mail-item.ts";
import { membershipBefore } from "./own-membership.ts";

/** What a membership event of the ghost's own means for it. */
export type OwnMembershipChange =
  | { readonly kind: "invited" }
  /** It came into the room, by an invite. */
  | { readonly kind: "entered" }
  /** It is in the room, as before, or without an invite: its profile may have changed. */
  | { readonly kind: "joined" }
  /** It was removed or banned, has left, or an invite was taken back. */
  | { readonly kind: "gone"; readonly membership: unknown };

/** What a membership event of the ghost's own means for it, if it is not past. */
export function membershipChange(event: Pick<RoomEvent, "content" | "unsigned">): OwnMembershipChange {
  const { membership } = event.content;
  if (membership === "invite") return { kind: "invited" };
  if (membership === "join") return { kind: membershipBefore(event) === "invite" ? "entered" : "joined" };
  return { kind: "gone", membership };
}

/**
 * Whether an event that says that the ghost is not in a room may be past: Synapse may tell of it long after the ghost has come
 * into the room again. An invite that is tried again may be the one that was accepted, and is not.
 */
export function mayBePast({ event, isSuspect }: Pick<MailItem, "event" | "isSuspect">): boolean {
  const { membership } = event.content;
  return membership !== "join" && !(isSuspect && membership === "invite");
}
