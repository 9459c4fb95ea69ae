import type { Arrivals } from "../mailbox/mailbox.ts";
import type { Logger } from "../observability/log.ts";
import { Ghost } from "./ghost.ts";
import type { GhostServices } from "./ghost-services.ts";

/** How many ghosts look at the server at once when all of them do. */
const CONCURRENCY = 4;

/** All ghosts, each made when it is first needed. */
export class Ghosts {
  readonly #services: GhostServices;
  readonly #botUserId: string;
  readonly #exists: (userId: string) => boolean;
  readonly #log: Logger;
  readonly #loaded = new Map<string, Ghost>();
  readonly #known = new Set<string>();
  #round: Promise<void> | undefined;
  #interval: NodeJS.Timeout | undefined;
  #stopping = false;

  /** @param exists whether an agent stands behind a user id now. */
  constructor(options: {
    services: GhostServices;
    botUserId: string;
    exists: (userId: string) => boolean;
    log: Logger;
  }) {
    this.#services = options.services;
    this.#botUserId = options.botUserId;
    this.#exists = options.exists;
    this.#log = options.log;
  }

  /** Learns which ghosts there are. Called before the first transaction is taken. */
  async load(): Promise<void> {
    for (const userId of await this.#services.store.userIds()) this.#known.add(userId);
  }

  /** Whether a user id is ours: the bot, an agent that exists, or one that has existed. */
  isGhost(userId: string): boolean {
    return userId === this.#botUserId || this.#known.has(userId) || this.#exists(userId);
  }

  /** The ghost with this user id; undefined when there is none. */
  get(userId: string): Ghost | undefined {
    const loaded = this.#loaded.get(userId);
    if (loaded !== undefined || this.#stopping || !this.isGhost(userId)) return loaded;
    const ghost = new Ghost(userId, userId === this.#botUserId, this.#services);
    this.#loaded.set(userId, ghost);
    this.#known.add(userId);
    return ghost;
  }

  /** Wakes the ghosts that a transaction concerns. Returns at once. */
  deliver(arrivals: Arrivals): void {
    for (const userId of arrivals.doorbells) {
      // A ghost that has never needed a device has nothing to hear.
      if (this.#known.has(userId)) this.get(userId)?.ring();
    }
    for (const userId of arrivals.mail) this.get(userId)?.wake();
  }

  /**
   * Starts the ghosts: those with mail at once, then each one that has a device catches up with what was sent to it
   * while the bridge was away; and again at a slow interval.
   */
  async start(intervalMs: number): Promise<void> {
    for (const userId of await this.#services.mailbox.ghostsWithMail()) this.get(userId)?.wake();
    this.catchUpAll();
    this.#interval = setInterval(() => this.catchUpAll(), intervalMs);
    this.#interval.unref();
  }

  /** Lets every ghost that has a device look at its /sync, a few at a time. Returns at once; one round at a time. */
  catchUpAll(): void {
    if (this.#round !== undefined || this.#stopping) return;
    this.#round = this.#catchUp()
      .catch((error: unknown) => this.#log.warn({ error }, "the ghosts could not be listed"))
      .finally(() => {
        this.#round = undefined;
      });
  }

  /** Makes the users of all these ghosts, a few at a time, so that people find them; failures are tried again later. */
  async announce(userIds: readonly string[]): Promise<void> {
    await this.#each(userIds, async (ghost) => {
      await ghost
        .announce()
        .catch((error: unknown) => this.#log.warn({ ghost: ghost.userId, error }, "the user could not be made yet"));
    });
  }

  /** Stops all ghosts. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#interval);
    await this.#round;
    await Promise.all([...this.#loaded.values()].map((ghost) => ghost.stop()));
  }

  async #catchUp(): Promise<void> {
    await this.#each(await this.#services.store.userIdsWithDevice(), async (ghost) => {
      ghost.ring();
      await ghost.settled();
    });
  }

  async #each(userIds: readonly string[], work: (ghost: Ghost) => Promise<void>): Promise<void> {
    const waiting = [...userIds];
    const worker = async (): Promise<void> => {
      for (let userId = waiting.shift(); userId !== undefined && !this.#stopping; userId = waiting.shift()) {
        const ghost = this.get(userId);
        if (ghost !== undefined) await work(ghost);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  }
}
