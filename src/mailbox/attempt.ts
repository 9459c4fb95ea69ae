import type { Database } from "../database/database.ts";
import { fencedAtOnce, type Lease } from "../leases/leases.ts";
import type { MailItem } from "./mail-item.ts";

/** The part of an update of `mailbox` that counts an attempt. */
export const COUNTED = "attempts = mailbox.attempts + 1, strikes = mailbox.strikes + 1";

/**
 * One attempt at an item. It is counted before it is made: the item's strike then shows at the next start that the
 * process ended during the attempt.
 */
export class Attempt {
  readonly #database: Database;
  readonly #lease: Lease;
  readonly #item: MailItem;
  #isStruck = true;

  /** An attempt that is counted already. */
  constructor(database: Database, lease: Lease, item: MailItem) {
    this.#database = database;
    this.#lease = lease;
    this.#item = item;
  }

  /** Counts the attempt. Throws StaleLease. */
  static async begin(database: Database, lease: Lease, item: MailItem): Promise<Attempt> {
    const attempt = new Attempt(database, lease, item);
    await attempt.#update(COUNTED);
    return attempt;
  }

  /**
   * The engine has finished with the item: if the process ends now, the item is not to blame. This is recorded only for
   * a suspected item; a first strike does no harm.
   */
  async survived(): Promise<void> {
    if (!this.#item.isSuspect || !this.#isStruck) return;
    await this.#update("strikes = strikes - 1");
    this.#isStruck = false;
  }

  /** The item failed by an error of its own, which will come again. */
  async failed(): Promise<void> {
    if (!this.#isStruck) await this.#update("strikes = strikes + 1");
    this.#isStruck = true;
  }

  /** Undoes the attempt: the obstacle (the server, the network) was not the item's fault. */
  async takeBack(): Promise<void> {
    await this.#update(this.#isStruck ? "attempts = attempts - 1, strikes = strikes - 1" : "attempts = attempts - 1");
  }

  async #update(change: string): Promise<void> {
    await fencedAtOnce(this.#database, this.#lease, (tx) =>
      tx.query(`update mailbox set ${change} where ghost = $1 and id = $2`, [this.#lease.ghost, this.#item.id]),
    );
  }
}
