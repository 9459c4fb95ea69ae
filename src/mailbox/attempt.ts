import type { Database } from "../database/database.ts";
import { fenced, type Lease } from "../leases/leases.ts";
import type { MailItem } from "./mail-item.ts";

/**
 * One try at an item, counted before it is made: by then the item has a strike, which tells at the next start that the
 * process ended over it.
 */
export class Attempt {
  readonly #database: Database;
  readonly #lease: Lease;
  readonly #item: MailItem;
  #isStruck = true;

  private constructor(database: Database, lease: Lease, item: MailItem) {
    this.#database = database;
    this.#lease = lease;
    this.#item = item;
  }

  /** Counts it. Throws StaleLease. */
  static async begin(database: Database, lease: Lease, item: MailItem): Promise<Attempt> {
    const attempt = new Attempt(database, lease, item);
    await attempt.#update("attempts = attempts + 1, strikes = strikes + 1");
    return attempt;
  }

  /**
   * The engine is done with the item: if the process ends now, that is not the item's fault. Written down only for an item
   * that is under suspicion; a first strike takes nothing from the others.
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

  /** As if it had not been tried: what stood in its way (the server, the network) was not its fault. */
  async takeBack(): Promise<void> {
    await this.#update(this.#isStruck ? "attempts = attempts - 1, strikes = strikes - 1" : "attempts = attempts - 1");
  }

  async #update(change: string): Promise<void> {
    await fenced(this.#database, this.#lease, (tx) =>
      tx.query(`update mailbox set ${change} where ghost = $1 and id = $2`, [this.#lease.ghost, this.#item.id]),
    );
  }
}
