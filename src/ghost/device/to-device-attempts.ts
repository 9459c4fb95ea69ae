import { createHash } from "node:crypto";
import type { ToDeviceAttempts } from "../../crypto/to-device-attempts.ts";
import { deleteInBatches } from "../../database/batches.ts";
import type { Database, Queryable } from "../../database/database.ts";
import { storable } from "../../database/text.ts";
import { fencedAtOnce, type Lease } from "../../leases/leases.ts";
import type { Logger } from "../../observability/log.ts";

/**
 * The attempts at a single message. Together with the attempt at its batch, a message ends the process three times at
 * most.
 */
const MAX_ATTEMPTS = 2;

/** The rows of `to_device_trials`, and `ghosts.receiving`, which is reset when the position in /sync moves. */
export class StoredToDeviceAttempts implements ToDeviceAttempts {
  readonly #database: Database;
  readonly #lease: Lease;
  readonly #log: Logger;

  constructor(database: Database, lease: Lease, log: Logger) {
    this.#database = database;
    this.#lease = lease;
    this.#log = log;
  }

  async begin(): Promise<boolean> {
    const { rows } = await fencedAtOnce(this.#database, this.#lease, (tx) =>
      tx.query<{ interrupted: boolean }>(
        `update ghosts set receiving = true from (select receiving from ghosts where user_id = $1) before
         where user_id = $1 returning before.receiving as interrupted`,
        [this.#lease.ghost],
      ),
    );
    return rows[0]?.interrupted ?? false;
  }

  async mayTry(message: Readonly<Record<string, unknown>>): Promise<boolean> {
    const { rows } = await fencedAtOnce(this.#database, this.#lease, (tx) =>
      tx.query<{ set_aside: boolean }>(
        `insert into to_device_trials (ghost, fingerprint, attempts) values ($1, $2, 1)
         on conflict (ghost, fingerprint) do update set attempts = to_device_trials.attempts + 1,
           set_aside = to_device_trials.attempts >= $3,
           message = case when to_device_trials.attempts >= $3 then $4 end
         returning set_aside`,
        [this.#lease.ghost, fingerprint(message), MAX_ATTEMPTS, storable(JSON.stringify(message))],
      ),
    );
    const isSetAside = rows[0]?.set_aside === true;
    if (isSetAside) this.#log.error({ type: message["type"] }, "to-device message set aside: it ended the process");
    return !isSetAside;
  }

  async passed(message: Readonly<Record<string, unknown>>): Promise<void> {
    await fencedAtOnce(this.#database, this.#lease, (tx) =>
      tx.query("delete from to_device_trials where ghost = $1 and fingerprint = $2", [
        this.#lease.ghost,
        fingerprint(message),
      ]),
    );
  }
}

function fingerprint(message: Readonly<Record<string, unknown>>): string {
  return createHash("sha256").update(JSON.stringify(message)).digest("base64url");
}

/** Deletes old attempts and set-aside messages: /sync has gone past them. Returns the number of rows. */
export function pruneToDeviceAttempts(
  database: Database,
  olderThanDays: number,
  signal?: AbortSignal,
): Promise<number> {
  const where = "created_at < now() - $1 * interval '1 day'";
  return deleteInBatches(database, { from: "to_device_trials", where, values: [olderThanDays] }, signal);
}

/**
 * The number of to-device messages that were set aside because they ended the process repeatedly. Throws DatabaseError.
 */
export async function countSetAside(database: Queryable): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    "select count(*)::integer as count from to_device_trials where set_aside",
  );
  return rows[0]?.count ?? 0;
}
