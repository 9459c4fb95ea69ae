import { backoffMs } from "../concurrency/backoff.ts";
import { wasHeldBack } from "../homeserver/held-back.ts";
import type { HomeserverReach } from "../homeserver/reach.ts";
import type { Transaction } from "../homeserver/transaction.ts";
import { PacedSearch } from "../mailbox/paced-search.ts";
import type { Foundation } from "./foundation.ts";

/** The pauses between two searches, in ms. A search reads the end of each room. */
const PACE = { shortestMs: 60_000, longestMs: 900_000 };

/** The pauses before the database is asked again whether it answers, in ms. */
const ASK_AGAIN = { firstMs: 500, longestMs: 2_000 };

/** The pauses after refusals in a row, in ms: a database may answer and still take nothing, on a full disk for example. */
const AFTER_REFUSALS = { firstMs: 500, longestMs: 120_000 };

type HeldBackFoundation = Pick<Foundation, "background" | "stopping"> & {
  readonly database: Pick<Foundation["database"], "query">;
};

/** The parts that the return of held-back transactions needs. */
export interface HeldBackParts {
  readonly reach: Pick<HomeserverReach, "untilReached">;
  /** Stores a transaction. */
  readonly deliver: (transaction: Transaction) => Promise<void>;
  /** Searches for what a homeserver strands that holds transactions back; resolves with the number of events. */
  readonly find: () => Promise<number>;
  /** Waits; throws when the bridge stops. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Takes the homeserver's transactions, and does what is due when it holds some back. After a refused one Synapse waits for two seconds, then for twice
 * as long each time, up to eight minutes; a ping ends that. And it may strand one of them.
 */
export class HeldBack {
  readonly #foundation: HeldBackFoundation;
  readonly #parts: HeldBackParts;
  /** Apart, so that a homeserver whose transactions are usually late does not put off the search after a refused one. */
  readonly #afterRefused: PacedSearch;
  readonly #afterLate: PacedSearch;
  /** The refusals since a transaction was last stored. */
  #refusals = 0;
  #isReturning = false;

  constructor(foundation: HeldBackFoundation, parts: HeldBackParts) {
    const { stopping } = foundation;
    const { find, pause } = parts;
    const searching = { find, pause: (ms: number) => pause(ms, stopping) };
    this.#foundation = foundation;
    this.#parts = parts;
    this.#afterRefused = new PacedSearch(searching, PACE);
    this.#afterLate = new PacedSearch(searching, PACE);
  }

  /** Stores a transaction that the homeserver has sent. Throws like `deliver`; then the homeserver must be told to send it again. */
  async receive(transaction: Transaction): Promise<void> {
    try {
      await this.#parts.deliver(transaction);
    } catch (error) {
      this.#refused();
      throw error;
    }
    this.#refusals = 0;
    if (wasHeldBack(transaction)) this.#search(this.#afterLate);
  }

  #refused(): void {
    if (this.#isReturning) return;
    this.#isReturning = true;
    this.#foundation.background.run("the return of the database", async () => {
      try {
        await this.#pause(backoffMs(this.#refusals++, AFTER_REFUSALS));
        await this.#untilDatabaseAnswers();
      } finally {
        this.#isReturning = false;
      }
      this.#search(this.#afterRefused);
      await this.#parts.reach.untilReached();
    });
  }

  #search(search: PacedSearch): void {
    this.#foundation.background.run("the search for stranded events", () => search.want());
  }

  async #untilDatabaseAnswers(): Promise<void> {
    const { database } = this.#foundation;
    for (let failures = 0; ; failures++) {
      if (failures > 0) await this.#pause(backoffMs(failures - 1, ASK_AGAIN));
      const answers = await database.query("select 1").then(
        () => true,
        // The database tells of its own absence.
        () => false,
      );
      if (answers) return;
    }
  }

  #pause(ms: number): Promise<void> {
    return this.#parts.pause(ms, this.#foundation.stopping);
  }
}
