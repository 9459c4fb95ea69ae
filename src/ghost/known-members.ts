import { deleteInBatches } from "../database/batches.ts";
import type { Database } from "../database/database.ts";
import { fencedAtOnce, type Lease } from "../leases/leases.ts";

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

  /**
   * The members of a room whose devices must be queried: newcomers (all members when the ghost itself has just come),
   * and invited ones, about whom nothing is reported at all.
   */
  async unknown(
    ghost: string,
    roomId: string,
    members: readonly string[],
  ): Promise<{ readonly come: readonly string[]; readonly invited: readonly string[] }> {
    const { rows } = await this.#database.query<{ user_id: string; membership: string }>(
      `with known as (
         select member.user_id from room_members member
         join acquaintances met using (room_id, user_id, event_id)
         where member.room_id = $1 and met.ghost = $2 and member.membership = 'join')
       select user_id, membership from room_members
       where room_id = $1 and user_id in (select json_array_elements_text($3::json))
         and (user_id not in (select user_id from known) or $2 not in (select user_id from known))`,
      [roomId, ghost, JSON.stringify(members)],
    );
    const those = (isThere: boolean): string[] =>
      rows.filter(({ membership }) => (membership === "join") === isThere).map((row) => row.user_id);
    return { come: those(true), invited: those(false) };
  }

  /** Records that these members' devices were queried. Throws StaleLease. */
  async asked(lease: Lease, roomId: string, members: readonly string[]): Promise<void> {
    await fencedAtOnce(this.#database, lease, (tx) =>
      tx.query(
        `insert into acquaintances (ghost, room_id, user_id, event_id)
         select $1, room_id, user_id, event_id from room_members
         where room_id = $2 and event_id is not null and membership = 'join'
           and user_id in (select json_array_elements_text($3::json))
         on conflict (ghost, room_id, user_id) do update set event_id = excluded.event_id`,
        [lease.ghost, roomId, JSON.stringify(members)],
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
