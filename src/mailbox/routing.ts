import type { RoomEvent } from "../homeserver/transaction.ts";

/** The ghosts in each room. */
export type GhostRooms = ReadonlyMap<string, ReadonlySet<string>>;

/** A ghost's own membership event. */
export interface MembershipChange {
  readonly ghost: string;
  readonly roomId: string;
  readonly membership: "invite" | "join" | "leave" | "ban" | "knock";
  /** `is_direct` of the invite. */
  readonly direct: boolean;
}

/** The destinations of a transaction's events. */
export interface Routing {
  /** In the order of the events. */
  readonly mail: readonly { readonly ghost: string; readonly eventId: string }[];
  readonly memberships: readonly MembershipChange[];
}

/** Events that carry a person's choice without being messages: a chosen picture, a vote (MSC3381). */
export const SAID_OTHERWISE: ReadonlySet<string> = new Set([
  "m.sticker",
  "m.poll.start",
  "org.matrix.msc3381.poll.start",
]);

/**
 * The events of others that a ghost needs: everything that addresses it, deletions of that, and the move to a new room.
 */
export const DELIVERED: ReadonlySet<string> = new Set([
  "m.room.message",
  "m.room.encrypted",
  ...SAID_OTHERWISE,
  "m.room.redaction",
  "m.reaction",
  "m.room.tombstone",
  // Clients send these unencrypted even in encrypted rooms. The request of a verification is an m.room.message.
  ...["ready", "start", "accept", "key", "mac", "cancel", "done"].map((step) => `m.key.verification.${step}`),
]);

/**
 * Decides which ghost gets which event. A ghost's own membership goes to that ghost. A message goes to every ghost in
 * the room at that point of the transaction, except its sender. So no ghost reads messages from before its join; the
 * order is that of the server's stream, not of any clock.
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
