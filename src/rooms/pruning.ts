import { deleteInBatches } from "../database/batches.ts";
import type { Database } from "../database/database.ts";

/**
 * Deletes rooms without ghosts: their members at once, the room itself after the last membership row of a ghost. The
 * encrypted status stays for ever: a ghost that comes back must not believe anybody who denies it. Such a row is small,
 * and exists only where a ghost was let in. Returns the number of rows.
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
  // The remaining row holds only that status. Everything else is read again when a ghost comes.
  await database.query(
    `update rooms set name = null, power_levels = null, creators = null, latest = null, changes = changes + 1
     where not ${isIn("rooms")} and (name is not null or power_levels is not null or creators is not null or latest is not null)`,
  );
  return members + rooms;
}
