import { inRandomOrder } from "../concurrency/random-order.ts";
import type { Ghosts } from "../ghost/ghosts.ts";
import type { HomeserverReach } from "../homeserver/reach.ts";
import { pause } from "../homeserver/retry.ts";
import { sendsDeletions, softwareOf } from "../homeserver/software.ts";
import type { Transaction } from "../homeserver/transaction.ts";
import { MissedEvents } from "../mailbox/missed-events.ts";
import { MissedMemberships } from "../mailbox/missed-memberships.ts";
import { searchForMissed, type SearchReason } from "../mailbox/search.ts";
import { Outage } from "../observability/outage.ts";
import type { Foundation } from "./foundation.ts";
import type { Stores } from "./stores.ts";

/**
 * The pause between two searches for deletions, in ms, where the homeserver sends none; longer where a search takes more than
 * a tenth of the time.
 */
const DELETIONS_EVERY_MS = 30_000;

/** The longest such pause, in ms: a homeserver that does not answer makes a search last long. */
const DELETIONS_AT_LEAST_EVERY_MS = 600_000;

/** The time for which a homeserver that is away for a moment is asked for its name, in ms. */
const ASK_SOFTWARE_MS = 600_000;

/** Finds events that were lost while the homeserver or the bridge was away. */
export class Recovery {
  readonly #foundation: Foundation;
  readonly #ghosts: Ghosts;
  readonly #reach: HomeserverReach;
  readonly #missedMemberships: MissedMemberships;
  readonly #missedEvents: MissedEvents;
  #searching: Promise<void> | undefined;
  /** Whether no other bridge with this registration answered at the start. Before that nothing may be done as an agent. */
  #isSole = false;
  /** Whether the homeserver has returned since the last search began. */
  #hasReturned = false;

  /** @param deliver takes the found events as a transaction would have brought them. */
  constructor(
    foundation: Foundation,
    { memberships }: Stores,
    ghosts: Ghosts,
    reach: HomeserverReach,
    deliver: (transaction: Transaction) => Promise<void>,
  ) {
    const { database, client, processes, log } = foundation;
    this.#foundation = foundation;
    this.#ghosts = ghosts;
    this.#reach = reach;
    this.#missedMemberships = new MissedMemberships({
      client,
      deliver,
      isInvited: async (userId, roomId) => (await memberships.membership(userId, roomId))?.membership === "invite",
      reconcile: (userId, signal) => ghosts.of(userId).reconcileRooms(signal),
      log,
    });
    this.#missedEvents = new MissedEvents({
      database,
      client,
      deliver,
      isOurs: (userId) => processes.prefers(userId),
      isGhost: (userId) => ghosts.isGhost(userId),
      log,
    });
    const outage = new Outage(log, { begins: "the homeserver does not answer", ends: "the homeserver answers again" });
    foundation.happenings.on("homeserverLost", (error) => outage.failed(error));
    foundation.happenings.on("homeserverReturned", () => {
      outage.answered();
      this.#returned();
    });
  }

  /**
   * Makes the homeserver ping us, again and again until it reaches us; resolves after the first ping that no other bridge
   * answers.
   */
  async ping(): Promise<void> {
    this.#foundation.background.run("ping", () => this.#reach.untilReached());
    await this.#reach.untilNoOther();
    this.#isSole = true;
  }

  /** Starts the search for events that no transaction brought. */
  search(reason: "own start" | "homeserver returned"): void {
    this.#foundation.background.run("the search for missed events", () =>
      reason === "own start" ? this.#findMissed(reason) : this.#searchAfterReturn(),
    );
  }

  /** Searches for what the homeserver strands when it has held transactions back; resolves with the number of events. */
  async findStranded(): Promise<number> {
    if (!this.#isSole) return 0;
    const { log, stopping } = this.#foundation;
    try {
      return await this.#findMissed("transactions held back");
    } catch (error) {
      if (!stopping.aborted) log.warn({ error }, "stranded events could not be looked for");
      throw error;
    }
  }

  /** Starts looking for deletions, for as long as the bridge runs, where the homeserver sends none. */
  watchDeletions(): void {
    const { background, client, log, stopping } = this.#foundation;
    background.run("the search for deletions", async () => {
      const asking = { signal: stopping, retry: "transient", retryForMs: ASK_SOFTWARE_MS } as const;
      if (sendsDeletions(await softwareOf(client, asking))) return;
      for (let waitMs = DELETIONS_EVERY_MS; ;) {
        await pause(waitMs, stopping);
        const begun = performance.now();
        await this.#missedEvents.find(stopping, { areExpected: true }).catch((error: unknown) => {
          stopping.throwIfAborted();
          log.warn({ error }, "deletions could not be looked for");
        });
        waitMs = Math.min(Math.max(DELETIONS_EVERY_MS, 9 * (performance.now() - begun)), DELETIONS_AT_LEAST_EVERY_MS);
      }
    });
  }

  /** One search at a time: a homeserver that comes and goes must not be asked more, the more it does so. */
  async #searchAfterReturn(): Promise<void> {
    this.#hasReturned = true;
    this.#searching ??= this.#searchWhileReturning().finally(() => (this.#searching = undefined));
    await this.#searching;
  }

  async #searchWhileReturning(): Promise<void> {
    while (this.#hasReturned) {
      this.#hasReturned = false;
      await this.#findMissed("homeserver returned");
    }
  }

  /** Searches for events of the homeserver's absence, and tells the homeserver that we are back. A start does so itself. */
  #returned(): void {
    if (!this.#isSole) return;
    const { background } = this.#foundation;
    this.#ghosts.catchUpAll("homeserver returned");
    this.search("homeserver returned");
    background.run("ping", () => this.#reach.untilReached());
  }

  async #findMissed(reason: SearchReason): Promise<number> {
    const { processes, stopping } = this.#foundation;
    const own = inRandomOrder(this.#ghosts.userIds().filter((userId) => processes.prefers(userId)));
    // Hardly anything can be lost of a user that was just made.
    const isNew = (userId: string): boolean => this.#ghosts.madeHere(userId);
    const ghosts = [...own.filter((userId) => !isNew(userId)), ...own.filter(isNew)];
    // Only the process that was sent a transaction knows that it was held back.
    const ofOthers = reason === "transactions held back";
    const events = { find: (signal: AbortSignal) => this.#missedEvents.find(signal, { ofOthers }) };
    const parts = { events, memberships: this.#missedMemberships, pause };
    // The ghosts of a process that ended in a slow search would be asked about by no other one.
    const isSlow = reason === "own start" && !processes.alone;
    return searchForMissed(isSlow ? "homeserver returned" : reason, ghosts, parts, stopping);
  }
}
