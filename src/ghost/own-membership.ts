import type { AuditEntry } from "../audit/audit-entry.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";

/** What the membership was before the event; undefined when there was none. It is written anew with every change of a profile. */
export function membershipBefore({ unsigned }: Pick<RoomEvent, "unsigned">): unknown {
  const before = unsigned?.["prev_content"] as Readonly<Record<string, unknown>> | null | undefined;
  return before?.["membership"];
}

/** Who invited the ghost, of its join after an invite; undefined when that is not known. */
export function inviterOf({ unsigned }: RoomEvent): string | undefined {
  const inviter = unsigned?.["prev_sender"];
  return typeof inviter === "string" ? inviter : undefined;
}

/** What the audit log is to hold of a membership event of a ghost: that it came, or is not there any more. */
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
      // An invite that was declined or taken back is no leave.
      if (before !== "join" && before !== undefined) return undefined;
      return sender === ghost
        ? { kind: "agent.left", ghost, room, how: "left" }
        : { kind: "agent.left", ghost, room, by: sender, how: "removed" };
    default:
      return undefined;
  }
}
