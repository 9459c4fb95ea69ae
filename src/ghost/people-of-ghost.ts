import type { Queryable } from "../database/database.ts";

/** A person whom a change of a ghost's identity concerns. */
export interface PersonOfGhost {
  readonly userId: string;
  readonly hasVerified: boolean;
}

/** The people who share a room with a ghost or have verified it, in the order of their user ids. Throws DatabaseError. */
export async function peopleOfGhost(database: Queryable, ghost: string): Promise<PersonOfGhost[]> {
  const { rows } = await database.query<{ user_id: string; verified: boolean }>(
    `select user_id, bool_or(verified) as verified from (
       select room_members.user_id, false as verified from room_members join memberships using (room_id)
       where ghost = $1 and memberships.membership = 'join' and room_members.membership = 'join'
       union all
       select user_id, true from verifications where ghost = $1 and state = 'done'
     ) as people
     where user_id <> $1 and not exists (select from ghosts where ghosts.user_id = people.user_id)
     group by user_id order by user_id`,
    [ghost],
  );
  return rows.map(({ user_id: userId, verified: hasVerified }) => ({ userId, hasVerified }));
}
