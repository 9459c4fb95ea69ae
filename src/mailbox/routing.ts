import type { RoomEvent } from "../homeserver/transaction.ts";

/** Which ghosts are in which rooms. */
export type GhostRooms = ReadonlyMap<string, ReadonlySet<string>>;

/** A ghost's own membership event. */
export interface MembershipChange {
  readonly ghost: string;
  readonly roomId: string;
  readonly membership: "invite" | "join" | "leave" | "ban" | "knock";
  /** `is_direct` of the invite. */
  readonly direct: boolean;
}

/** Where the events of a transaction go. */
export interface Routing {
  /** In the order of the events. */
  readonly mail: readonly { readonly ghost: string; readonly eventId: string }[];
  readonly memberships: readonly MembershipChange[];
}

/** Events with which people say something that is no message: a picture to choose, a vote (MSC3381). */
export const SAID_OTHERWISE: ReadonlySet<string> = new Set([
  "m.sticker",
  "m.poll.start",
  "org.matrix.msc3381.poll.start",
]);

/** What a ghost wants to see of others: all that can be said to it, what takes it back, and that the room goes on elsewhere. */
export const DELIVERED: ReadonlySet<string> = new Set([
  "m.room.message",
  "m.room.encrypted",
  ...SAID_OTHERWISE,
  "m.room.redaction",
  "m.reaction",
  "m.room.tombstone",
  // Clients send these in clear, in encrypted rooms too. What begins a verification is an m.room.message.
  ...["ready", "start", "accept", "key", "mac", "cancel", "done"].map((step) => `m.key.verification.${step}`),
]);

/**
 * Decides who gets which event: a ghost's own membership goes to that ghost, what is said in a room to every ghost that
 * is in it at that point of the transaction, and nothing back to its sender. So nobody hears what was said before its
 * join, by the order of the server's stream and not by anybody's clock.
 */
export function route(events: readonly RoomEvent[], joined: GhostRooms, isGhost: (userId: string) => boolean): Routing {
  const here = new Map([...joined].map(([roomId, ghosts]) => [roomId, new Set(ghosts)]));
  const mail: { ghost: string; eventId: string }[] = [];
  const memberships: MembershipChange[] = [];
  for (const event of events) {
    const change = membershipChange(event, isGhost);
    if (change !== undefined) {
      memberships.push(change);
      const ghosts = here.get(event.room_id) ?? new Set();
      if (change.membership === "join") ghosts.add(change.ghost);
      else if (change.membership !== "invite") ghosts.delete(change.ghost);
      here.set(event.room_id, ghosts);
      mail.push({ ghost: change.ghost, eventId: event.event_id });
    } else if (event.state_key === (event.type === "m.room.tombstone" ? "" : undefined) && DELIVERED.has(event.type)) {
      for (const ghost of here.get(event.room_id) ?? []) {
        if (ghost !== event.sender) mail.push({ ghost, eventId: event.event_id });
      }
    }
  }
  return { mail, memberships };
}

function membershipChange(event: RoomEvent, isGhost: (userId: string) => boolean): MembershipChange | undefined {
  const ghost = event.state_key;
  if (event.type !== "m.room.member" || ghost === undefined || !isGhost(ghost)) return undefined;
  const membership = event.content["membership"];
  switch (membership) {
    case "invite":
    case "leave":
    case "ban":
    case "knock":
      return {
        ghost,
        roomId: event.room_id,
        membership,
        direct: membership === "invite" && event.content["is_direct"] === true,
      };
    case "join":
      return { ghost, roomId: event.room_id, membership, direct: false };
    default:
      return undefined;
  }
}
