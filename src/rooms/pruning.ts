import { deleteInBatches } from "../database/batches.ts";
import type { Database } from "../database/database.ts";

/**
 * Forgets rooms that no ghost is in: who is there at once, the room itself with the last that is known of a ghost there. That a
 * room is encrypted stays for good: a ghost that comes back must not take anybody's word for the contrary. Such a row is
 * small, and made only where a ghost was let in. Returns how many rows.
 */
export async function pruneRooms(database: Database, signal?: AbortSignal): Promise<number> {
  const isIn = (table: string): string => `exists (select from memberships
    where memberships.room_id = ${table}.room_id and membership in ('join', 'invite'))`;
  const members = await deleteInBatches(
    database,
    { from: "room_members", where: `not ${isIn("room_members")}` },
    signal,
  );
  const where = `encryption is null and not exists (select from memberships where memberships.room_id = rooms.room_id)`;
  const rooms = await deleteInBatches(database, { from: "rooms", where }, signal);
  // What stays says nothing but that. Read anew when a ghost comes.
  await database.query(
    `update rooms set name = null, power_levels = null, creators = null, latest = null, changes = changes + 1
     where not ${isIn("rooms")} and (name is not null or power_levels is not null or creators is not null or latest is not null)`,
  );
  return members + rooms;
}
