import type { Queryable } from "../database/database.ts";

/** A room that ghosts have joined. */
export interface RoomOfGhosts {
  readonly roomId: string;
  readonly name: string | undefined;
  readonly isEncrypted: boolean;
  /** The ghosts' user ids, in order. */
  readonly ghosts: readonly string[];
}

/** The rooms that ghosts have joined, in the order of their ids: all, or the first of those after an id. Throws DatabaseError. */
export async function roomsOfGhosts(
  database: Queryable,
  { after = "", limit }: { readonly after?: string; readonly limit?: number } = {},
): Promise<RoomOfGhosts[]> {
  const { rows } = await database.query<{ room_id: string; name: string | null; encrypted: boolean; ghosts: string }>(
    `select memberships.room_id, name, encryption is not null as encrypted,
       json_agg(ghost order by ghost)::text as ghosts
     from memberships left join rooms using (room_id) where membership = 'join' and memberships.room_id > $1
     group by memberships.room_id, name, encryption order by memberships.room_id limit $2`,
    [after, limit ?? null],
  );
  return rows.map((row) => ({
    roomId: row.room_id,
    name: row.name ?? undefined,
    isEncrypted: row.encrypted,
    ghosts: JSON.parse(row.ghosts) as string[],
  }));
}
