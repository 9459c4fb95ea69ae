import type { AuditEntry } from "../audit/audit-entry.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";

/** The membership before the event; undefined when there was none. Every change of a profile rewrites it. */
export function membershipBefore({ unsigned }: Pick<RoomEvent, "unsigned">): unknown {
  const before = unsigned?.["prev_content"] as Readonly<Record<string, unknown>> | null | undefined;
  return before?.["membership"];
}

/** The ghost's inviter, from its join after an invite; undefined when unknown. */
export function inviterOf({ unsigned }: RoomEvent): string | undefined {
  const inviter = unsigned?.["prev_sender"];
  return typeof inviter === "string" ? inviter : undefined;
}

/** The audit entry for a ghost's membership event: it came, or is gone. */
export function auditOfMembership(ghost: string, event: RoomEvent): AuditEntry | undefined {
  const before = membershipBefore(event);
  const { room_id: room, sender, content } = event;
  switch (content["membership"]) {
    case "join": {
      if (before === "join") return undefined;
      return { kind: "agent.joined", ghost, room, by: before === "invite" ? inviterOf(event) : undefined };
    }
    case "ban":
      return { kind: "agent.left", ghost, room, by: sender, how: "banned" };
    case "leave":
      // A declined or withdrawn invite is no leave.
      if (before !== "join" && before !== undefined) return undefined;
      return sender === ghost
        ? { kind: "agent.left", ghost, room, how: "left" }
        : { kind: "agent.left", ghost, room, by: sender, how: "removed" };
    default:
      return undefined;
  }
}
