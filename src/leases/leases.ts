import { DatabaseError, type Database, type Queryable } from "../database/database.ts";
import type { Retryable } from "../observability/retryable.ts";

/** The right to act as a ghost, valid until another owner takes the next epoch. */
export interface Lease {
  readonly ghost: string;
  /** Rises with every owner: a fencing token. */
  readonly epoch: number;
}

/** The ghost belongs to another live process, which does the work. This is no failure. */
export class LeaseHeld extends Error implements Retryable {
  override readonly name = "LeaseHeld";
  readonly retryable = true;

  constructor(ghost: string) {
    super(`another process acts as ${ghost}`);
  }
}

/** A write used an epoch that is no longer the ghost's: another owner has taken it over. Nothing was written. */
export class StaleLease extends Error implements Retryable {
  override readonly name = "StaleLease";
  readonly retryable = true;

  constructor(lease: Lease) {
    super(`${lease.ghost} was taken over after epoch ${lease.epoch}; this owner may write nothing more`);
  }
}

/**
 * Takes a ghost for a process: a free ghost, one whose owner has ended or has been silent for too long, or one that the
 * process already has. No later write of an earlier owner is accepted. Throws {@link LeaseHeld} and DatabaseError.
 */
export async function acquireLease(database: Queryable, ghost: string, owner: number): Promise<Lease> {
  const { rows } = await database.query<{ epoch: number }>(
    `insert into leases (ghost, epoch, owner) values ($1, 1, $2)
     on conflict (ghost) do update set epoch = leases.epoch + 1, owner = excluded.owner
     where leases.owner is null or leases.owner = excluded.owner or not process_lives(leases.owner)
     returning epoch`,
    [ghost, owner],
  );
  const [row] = rows;
  if (row === undefined) throw new LeaseHeld(ghost);
  return { ghost, epoch: row.epoch };
}

/** Releases a ghost, so that any process can take it at once. Does nothing when another process has taken it over. */
export async function releaseLease(database: Queryable, lease: Lease): Promise<void> {
  await database.query("update leases set owner = null, epoch = epoch + 1 where ghost = $1 and epoch = $2", [
    lease.ghost,
    lease.epoch,
  ]);
}

/** The leases that a process holds. */
export async function leasesOf(database: Queryable, owner: number): Promise<Lease[]> {
  const { rows } = await database.query<Lease>("select ghost, epoch from leases where owner = $1", [owner]);
  return rows;
}

/** The ghosts of all live processes, in order. */
export async function ghostsInUse(database: Queryable): Promise<string[]> {
  const { rows } = await database.query<{ ghost: string }>(
    "select ghost from leases where owner is not null and process_lives(owner) order by ghost",
  );
  return rows.map(({ ghost }) => ghost);
}

/**
 * Runs `work` in one transaction in which the ghost can't be taken over: another process that wants it waits for the
 * end. Everything that belongs to a ghost is written this way. The check goes out with the first statement, so `work` must
 * not act on anything else before one of its statements succeeded. Throws {@link StaleLease}, and then has written nothing;
 * DatabaseError; and the errors of `work`.
 */
export function fenced<T>(database: Database, lease: Lease, work: (tx: Queryable) => Promise<T>): Promise<T> {
  return namingStale(
    lease,
    database.transaction((tx) => {
      hold(tx, lease);
      return work(tx);
    }),
  );
}

/** The same with `last`, as {@link Database.transactionWithLast} has it. */
export function fencedWithLast<T, R>(
  database: Database,
  lease: Lease,
  work: (tx: Queryable) => Promise<T>,
  last: (tx: Queryable, made: T) => Promise<R>,
): Promise<R> {
  const held = (tx: Queryable): Promise<T> => {
    hold(tx, lease);
    return work(tx);
  };
  return namingStale(lease, database.transactionWithLast(held, last));
}

/** The same in one round trip, as {@link Database.atOnce} has it. */
export function fencedAtOnce<T>(database: Database, lease: Lease, work: (tx: Queryable) => Promise<T>): Promise<T> {
  return fencedWithLast(database, lease, () => Promise.resolve(), work);
}

/** Starts the check; when the lease is held no more, the transaction fails. */
function hold(tx: Queryable, lease: Lease): void {
  tx.query("select hold_lease($1, $2)", [lease.ghost, lease.epoch]).catch(() => undefined);
}

/** The SQLSTATE that `hold_lease` raises. */
const NOT_HELD = "MA001";

async function namingStale<T>(lease: Lease, transaction: Promise<T>): Promise<T> {
  try {
    return await transaction;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === NOT_HELD) throw new StaleLease(lease);
    throw error;
  }
}
