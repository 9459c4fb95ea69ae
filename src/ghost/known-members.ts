import { deleteInBatches } from "../database/batches.ts";
import type { Database } from "../database/database.ts";
import { fencedAtOnce, type Lease } from "../leases/leases.ts";

/** A member of a room. */
export interface SeenMember {
  readonly userId: string;
  readonly membership: "join" | "invite";
  /** Whether the ghost has queried the user's devices since the user came. */
  readonly isMet: boolean;
}

/**
 * The members whose devices a ghost must query: newcomers (all members when the ghost itself has just come), and invited
 * ones, about whom nothing is reported at all.
 */
export function unmet(
  ghost: string,
  members: readonly SeenMember[],
): { readonly come: readonly string[]; readonly invited: readonly string[] } {
  const isNew = !members.some(({ userId, membership, isMet }) => userId === ghost && membership === "join" && isMet);
  const those = (of: "join" | "invite"): string[] =>
    members
      .filter(({ membership, isMet }) => membership === of && (isNew || membership === "invite" || !isMet))
      .map(({ userId }) => userId);
  return { come: those("join"), invited: those("invite") };
}

/**
 * The members of rooms whose devices a ghost has queried since they came. From then on Synapse reports changes; a
 * `/sync` without rooms does not report earlier changes, from the time when a member shared no room with the ghost. So
 * a ghost queries the devices of every newcomer.
 */
export class KnownMembers {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The joined and invited members of a room as a ghost knows them, in the order of their user ids. */
  async membersFor(ghost: string, roomId: string): Promise<SeenMember[]> {
    const { rows } = await this.#database.query<{ user_id: string; membership: "join" | "invite"; met: boolean }>(
      // One look at each table, whatever PostgreSQL knows of them: until it has analysed a large room's new rows, it would
      // join them by reading all for each.
      `with met as materialized (
         select jsonb_object_agg(user_id, event_id) as by_user from acquaintances where ghost = $2 and room_id = $1
       )
       select user_id, membership, coalesce(by_user ->> user_id = event_id, false) as met
       from room_members, met where room_id = $1 and membership in ('join', 'invite') order by user_id`,
      [roomId, ghost],
    );
    return rows.map((row) => ({ userId: row.user_id, membership: row.membership, isMet: row.met }));
  }

  /** Records that these members' devices were queried. Throws StaleLease. */
  async asked(lease: Lease, roomId: string, members: readonly string[]): Promise<void> {
    await fencedAtOnce(this.#database, lease, (tx) =>
      tx.query(
        `insert into acquaintances (ghost, room_id, user_id, event_id)
         select $1, room_id, user_id, event_id from room_members
         where room_id = $2 and event_id is not null and membership = 'join'
           and user_id = any($3::text[])
         on conflict (ghost, room_id, user_id) do update set event_id = excluded.event_id`,
        [lease.ghost, roomId, members],
      ),
    );
  }
}

/** Deletes members of rooms that they have left. Returns the number of rows. */
export function pruneKnownMembers(database: Database, signal?: AbortSignal): Promise<number> {
  const where = `not exists (select from memberships where memberships.ghost = acquaintances.ghost
    and memberships.room_id = acquaintances.room_id and membership in ('join', 'invite'))`;
  return deleteInBatches(database, { from: "acquaintances", where }, signal);
}
