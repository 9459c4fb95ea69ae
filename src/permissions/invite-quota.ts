import type { PermissionConfig } from "../config/config.ts";
import { deleteInBatches } from "../database/batches.ts";
import type { Database } from "../database/database.ts";
import { storable } from "../database/text.ts";

/** An invite that is about to be accepted. */
export interface Invite {
  readonly ghost: string;
  readonly eventId: string;
  readonly inviter: string;
}

/** The rows of `accepted_invites`: the invites accepted in the last 24 hours, over all processes. */
export class InviteQuota {
  readonly #database: Database;
  readonly #settings: () => Pick<PermissionConfig, "invitesPerDay">;

  /** @param settings asked anew each time. */
  constructor(database: Database, settings: () => Pick<PermissionConfig, "invitesPerDay">) {
    this.#database = database;
    this.#settings = settings;
  }

  /** Counts an invite, once for all its attempts, unless it exceeds the quota. Returns whether it may be accepted. */
  async take({ ghost, eventId, inviter }: Invite): Promise<boolean> {
    const { user, server } = this.#settings().invitesPerDay;
    if (user === undefined && server === undefined) return true;
    const row = [ghost, storable(eventId), storable(inviter), storable(inviter.slice(inviter.indexOf(":") + 1))];
    return this.#database.transaction(async (tx) => {
      // Agents that are invited together ask at the same time.
      await tx.query("lock table accepted_invites in share row exclusive mode");
      const { rows } = await tx.query<{ by_user: number; by_server: number; counted: boolean }>(
        `select count(*) filter (where inviter = $3)::integer as by_user,
           count(*) filter (where server = $4)::integer as by_server,
           coalesce(bool_or(ghost = $1 and event_id = $2), false) as counted
         from accepted_invites where accepted_at > now() - interval '1 day' or (ghost = $1 and event_id = $2)`,
        row,
      );
      const { by_user: byUser = 0, by_server: byServer = 0, counted = false } = rows[0] ?? {};
      if (counted) return true;
      if (byUser >= (user ?? Infinity) || byServer >= (server ?? Infinity)) return false;
      await tx.query("insert into accepted_invites (ghost, event_id, inviter, server) values ($1, $2, $3, $4)", row);
      return true;
    });
  }

  /** Deletes older rows. */
  async prune(olderThanDays: number, signal?: AbortSignal): Promise<number> {
    const where = "accepted_at < now() - $1 * interval '1 day'";
    return deleteInBatches(this.#database, { from: "accepted_invites", where, values: [olderThanDays] }, signal);
  }
}
