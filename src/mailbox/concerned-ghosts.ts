import type { Queryable } from "../database/database.ts";
import type { RoomEvent, Transaction } from "../homeserver/transaction.ts";
import type { GhostRooms } from "./routing.ts";

/* The ghosts that a transaction concerns, by their rooms: read while the transaction is stored. */

/** The ghosts that are in the rooms of some events. */
export async function ghostRooms(tx: Queryable, events: readonly RoomEvent[]): Promise<GhostRooms> {
  if (events.length === 0) return new Map();
  const { rows } = await tx.query<{ room_id: string; ghost: string }>(
    "select room_id, ghost from memberships where membership = 'join' and room_id = any($1::text[])",
    [[...new Set(events.map((event) => event.room_id))]],
  );
  const rooms = new Map<string, Set<string>>();
  for (const row of rows) rooms.set(row.room_id, (rooms.get(row.room_id) ?? new Set()).add(row.ghost));
  return rooms;
}

/** The ghosts for whose devices something was pushed. */
export function namedGhosts({ wakeUps }: Transaction, isGhost: (userId: string) => boolean): string[] {
  return [...new Set(wakeUps.map((wakeUp) => wakeUp.userId).filter(isGhost))];
}

/**
 * The ghosts whose device should look at its /sync. Pushed to-device data names its ghost. A changed device list
 * concerns every ghost that shares a room with the user; only loaded ghosts are woken, because every ghost reads its
 * /sync before it encrypts.
 */
export async function ghostsToWake(
  tx: Queryable,
  transaction: Transaction,
  isGhost: (userId: string) => boolean,
): Promise<string[]> {
  const named = namedGhosts(transaction, isGhost);
  if (transaction.changedUsers.length === 0) return named;
  const { rows } = await tx.query<{ ghost: string }>(
    `select distinct ghost from memberships join room_members using (room_id) join leases using (ghost)
     where memberships.membership = 'join' and owner is not null
     and room_members.user_id = any($1::text[])`,
    [transaction.changedUsers],
  );
  return [...new Set([...named, ...rows.map((row) => row.ghost)])];
}
