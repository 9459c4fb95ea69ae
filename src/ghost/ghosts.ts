import { setTimeout as sleep } from "node:timers/promises";
import { inRandomOrder } from "../concurrency/random-order.ts";
import { LeaseHeld, leasesOf } from "../leases/leases.ts";
import type { Notification, Processes } from "../leases/processes.ts";
import type { Logger } from "../observability/log.ts";
import { Ghost } from "./ghost.ts";
import { ForeignAccount } from "./foreign-account.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { GhostWithKeys } from "./ghost-store.ts";
import { actorOf } from "./device/device-token.ts";
import { hasUnread } from "./device/unread.ts";
import { fingerprintOf } from "./profile.ts";

/** The ghosts that query the server at once when all of them do. */
const CONCURRENCY = 4;

/**
 * Loading a ghost forgets its old room keys. After this time, in ms, the others are loaded for that, and one that has
 * stayed loaded is unloaded.
 */
const FORGETTING_INTERVAL_MS = 24 * 3_600_000;

/** The part of the interval that a round takes, so that the next one does not meet it. */
const SPREAD_OVER = 0.8;

/** The reason for a round in which the ghosts read their /sync. */
export type Occasion = "start" | "interval" | "homeserver returned";

/** The parts that the registry of ghosts needs. */
export interface GhostsOptions {
  readonly processes: Pick<Processes, "self" | "alone" | "prefers" | "refresh" | "notify">;
  readonly botUserId: string;
  /** Whether a user id has an agent now. */
  readonly exists: (userId: string) => boolean;
  /** The ghosts that people should find: the bot, and the present agents. */
  readonly listed: () => readonly string[];
  /** Whether a turn of the ghost is running. */
  readonly hasTurn: (userId: string) => boolean;
  /** The ghosts with waiting turns that this process owns or could own. */
  readonly ghostsWithTurns: () => Promise<readonly string[]>;
  /** The time after which an unneeded ghost is unloaded, in ms. */
  readonly idleAfterMs: number;
  readonly log: Logger;
}

/**
 * All ghosts, each made when first needed. A ghost is loaded, with its lease, when it has work, and unloaded when it
 * has had none for a while or its place is needed. Of several processes the preferred one takes a free ghost.
 */
export class Ghosts {
  readonly #options: GhostsOptions;
  #given: GhostServices | undefined;
  readonly #log: Logger;
  readonly #ghosts = new Map<string, Ghost>();
  readonly #known = new Set<string>();
  #round: Promise<void> | undefined;
  /** Ends the pauses of the round. */
  #hurry = new AbortController();
  /** Whether the homeserver has returned since the round began. */
  #hasReturned = false;
  #intervalMs = 0;
  #beat: Promise<void> | undefined;
  #interval: NodeJS.Timeout | undefined;
  #forgotAt = -Infinity;
  #stopping = false;

  constructor(options: GhostsOptions) {
    this.#options = options;
    this.#log = options.log;
  }

  /**
   * Gives the ghosts their surroundings, and reads the list of ghosts. Called once, before the first transaction;
   * before that there are no ghosts.
   */
  async load(services: GhostServices): Promise<void> {
    this.#given = services;
    for (const userId of await services.store.userIds()) this.#known.add(userId);
  }

  get #services(): GhostServices {
    if (this.#given === undefined) throw new Error("the ghosts were not loaded");
    return this.#given;
  }

  /** Whether a user id is ours: the bot, or a present or former agent. */
  isGhost(userId: string): boolean {
    return userId === this.#options.botUserId || this.#known.has(userId) || this.#options.exists(userId);
  }

  /** Whether this process made the user of a ghost, of which the server had nothing before. */
  madeHere(userId: string): boolean {
    return this.#ghosts.get(userId)?.isMadeHere ?? false;
  }

  /** All known ghosts. */
  userIds(): string[] {
    return [...new Set([this.#options.botUserId, ...this.#known])];
  }

  /** Whether a ghost's device is gone from the homeserver, as far as this process knows. */
  isHalted(userId: string): boolean {
    return this.#ghosts.get(userId)?.actor.isHalted ?? false;
  }

  /** The number of loaded ghosts. */
  get loaded(): number {
    return [...this.#ghosts.values()].filter((ghost) => ghost.actor.isLoaded).length;
  }

  /** The number of this process's leases. */
  get leased(): number {
    return [...this.#ghosts.values()].filter((ghost) => ghost.actor.lease !== undefined).length;
  }

  /** The ghost with this user id; undefined when there is none. */
  get(userId: string): Ghost | undefined {
    const known = this.#ghosts.get(userId);
    if (known !== undefined || this.#stopping || !this.isGhost(userId)) return known;
    const ghost = new Ghost(userId, userId === this.#options.botUserId, this.#services);
    this.#ghosts.set(userId, ghost);
    this.#known.add(userId);
    return ghost;
  }

  /** The ghost with this user id. Throws where there is none. */
  of(userId: string): Ghost {
    const found = this.get(userId);
    if (found === undefined) throw new Error(`${userId} is not one of this bridge's users`);
    return found;
  }

  /**
   * Wakes the ghosts that a transaction concerns, in this process or in the one that has or should have them. Returns
   * at once: the next heartbeat finds lost notifications.
   */
  deliver(notification: Notification): void {
    const elsewhere = this.#wakeOwn(notification);
    if (elsewhere.mail.length + elsewhere.wakeUps.length === 0) return;
    this.#passOn(elsewhere);
  }

  /** Another process stored something for these ghosts. Returns at once. */
  heard(notification: Notification): void {
    this.#wakeOwn(notification);
  }

  /** A ghost that was woken here belongs to another process. */
  elsewhere(userId: string): void {
    // Not passed on: this process may be the preferred one, and would be woken again and again until the lease ends.
    this.#options.processes
      .notify({ mail: [userId], wakeUps: [] })
      .catch((error: unknown) => this.#log.warn({ error }, "another process could not be notified of mail"));
  }

  /**
   * Starts the ghosts: those with mail, and those with something unfinished, at once. Each one that may get keys catches
   * up with what was sent to it while the bridge was away, and does so again at a slow interval.
   */
  start(intervalMs: number): void {
    this.#intervalMs = intervalMs;
    this.beat();
    this.catchUpAll("start");
    this.#interval = setInterval(() => this.catchUpAll("interval"), intervalMs);
    this.#interval.unref();
  }

  /**
   * Makes every ghost that may get keys read its /sync. One that is not loaded is loaded only if there is something for
   * it. A start and the interval spread the ghosts over the interval, because what somebody waits for comes with mail;
   * after a return of the homeserver all are asked at once, a few at a time. Returns at once; one round at a time.
   */
  catchUpAll(occasion: Occasion): void {
    if (this.#stopping) return;
    if (this.#round !== undefined) {
      if (occasion !== "homeserver returned") return;
      this.#hasReturned = true;
      this.#hurry.abort();
      return;
    }
    this.#hurry = new AbortController();
    this.#round = this.#catchUp(occasion, this.#hurry.signal)
      .catch((error: unknown) => this.#log.warn({ error }, "the ghosts could not be listed"))
      .finally(() => {
        this.#round = undefined;
        if (!this.#hasReturned) return;
        this.#hasReturned = false;
        this.catchUpAll("homeserver returned");
      });
  }

  /**
   * The heartbeat: finds ghosts that were taken over, takes orphaned work, and unloads unneeded ghosts. Returns at
   * once.
   */
  beat(): void {
    if (this.#beat !== undefined || this.#stopping) return;
    this.#beat = this.#lookAround()
      .catch((error: unknown) => this.#log.warn({ error }, "the heartbeat could not look for work"))
      .finally(() => {
        this.#beat = undefined;
      });
  }

  /** When somebody waits for a place, the ghost unneeded for longest makes room. */
  makeRoom(): void {
    if (this.#services.loadedAtOnce.waiting === 0 || this.#stopping) return;
    const [longest] = this.#unused().sort((a, b) => (b.actor.unusedMs ?? 0) - (a.actor.unusedMs ?? 0));
    if (longest !== undefined) this.#putAway(longest);
  }

  /**
   * Makes the things that people and their clients look for before they invite one of these ghosts: its user, its
   * profile and, where agents encrypt, its device. A client that finds no device makes the room without encryption,
   * permanently. This runs a few at a time, each in the process preferred for the ghost. A ghost for which everything is
   * done costs nothing but its part of one query. The next round retries failures.
   *
   * @param options.anew whether the configured profile may have changed.
   */
  async announce(userIds: readonly string[], options?: { readonly anew?: boolean }): Promise<void> {
    const { store, mode } = this.#services;
    const announced = await store.announced();
    const isPublished = (userId: string): boolean => mode === "off" || announced.get(userId)?.isPublished === true;
    const incomplete = userIds.filter((userId) => {
      const isWhole = isPublished(userId) && this.#hasProfile(userId, announced.get(userId)?.profile);
      // It may have been made by another process.
      if (isWhole) this.#known.add(userId);
      return !isWhole;
    });
    await this.#each(incomplete, async (ghost) => {
      const { userId } = ghost;
      if (!this.#options.processes.prefers(userId)) return;
      try {
        await ghost.announce(options);
        if (!isPublished(userId)) await ghost.publish();
      } catch (error) {
        // The process that has the ghost publishes it.
        if (error instanceof ForeignAccount) {
          this.#log.error({ ghost: userId, reason: error.message }, "this agent's user is somebody's account");
        } else if (!(error instanceof LeaseHeld)) {
          this.#log.warn({ ghost: userId, error }, "this ghost's setup is not complete yet");
        }
      }
    });
  }

  /** Whether the last profile set on the server, by its fingerprint, is the configured one. */
  #hasProfile(userId: string, fingerprint: string | undefined): boolean {
    const profile = this.#services.profileOf(userId);
    return profile !== undefined && fingerprintOf(profile) === fingerprint;
  }

  /** Stops all ghosts and frees their leases. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#interval);
    this.#hurry.abort();
    await this.#round;
    await this.#beat;
    await Promise.all([...this.#ghosts.values()].map((ghost) => ghost.stop()));
  }

  /** Wakes the ghosts that this process has or should have; returns the others. */
  #wakeOwn(notification: Notification): Notification {
    const isOwn = (userId: string): boolean =>
      this.#ghosts.get(userId)?.actor.isLoaded === true || this.#options.processes.prefers(userId);
    for (const userId of notification.wakeUps) {
      // A ghost that has never needed a device gets no messages.
      if (isOwn(userId) && this.#known.has(userId)) this.get(userId)?.actor.requestSync();
    }
    for (const userId of notification.mail) if (isOwn(userId)) this.get(userId)?.actor.wake();
    const others = (userIds: readonly string[]): string[] => userIds.filter((userId) => !isOwn(userId));
    return { mail: others(notification.mail), wakeUps: others(notification.wakeUps) };
  }

  #passOn(notification: Notification): void {
    if (this.#stopping) return;
    this.#options.processes
      .notify(notification)
      // A preferred process may just have ended: the newly preferred one is woken too.
      .then(() => this.#options.processes.refresh())
      .then(() => {
        const own = (userId: string): boolean => this.#ghosts.get(userId)?.actor.isLoaded !== true;
        if (!this.#stopping) this.#wakeOwn({ mail: notification.mail.filter(own), wakeUps: [] });
      })
      .catch((error: unknown) => this.#log.warn({ error }, "another process could not be notified of mail"));
  }

  async #lookAround(): Promise<void> {
    const { processes, ghostsWithTurns, idleAfterMs } = this.#options;
    const services = this.#services;
    const held = [...this.#ghosts.values()].flatMap((ghost) =>
      ghost.actor.lease === undefined ? [] : [ghost.actor.lease],
    );
    const epochs = new Map((await leasesOf(services.database, processes.self)).map((l) => [l.ghost, l.epoch]));
    for (const lease of held) {
      if (epochs.get(lease.ghost) !== lease.epoch) await this.#ghosts.get(lease.ghost)?.actor.lost(lease);
    }
    for (const userId of await services.store.toBeReloaded()) {
      const ghost = this.get(userId);
      if (ghost !== undefined && (ghost.actor.isLoaded || processes.prefers(userId))) await ghost.actor.reload();
    }
    const work = [...(await services.mailbox.ghostsWithMail(processes.self)), ...(await ghostsWithTurns())];
    if (this.#stopping) return;
    this.#wakeOwn({ mail: work, wakeUps: [] });
    this.makeRoom();
    for (const ghost of this.#unused()) {
      const wanted = processes.prefers(ghost.userId) ? idleAfterMs : 0;
      const isStale = services.forgetKeysAfterMs !== undefined && ghost.actor.loadedMs > FORGETTING_INTERVAL_MS;
      if (isStale || (ghost.actor.unusedMs ?? 0) > wanted) this.#putAway(ghost);
    }
  }

  #unused(): Ghost[] {
    return [...this.#ghosts.values()].filter(
      (ghost) => ghost.actor.isLoaded && ghost.actor.unusedMs !== undefined && !this.#options.hasTurn(ghost.userId),
    );
  }

  #putAway(ghost: Ghost): void {
    ghost.actor.putAway().catch((error: unknown) => ghost.log.error({ error }, "the ghost could not be unloaded"));
  }

  async #catchUp(occasion: Occasion, hurry: AbortSignal): Promise<void> {
    const { store, mode } = this.#services;
    const { processes, listed } = this.#options;
    const passesOver = !this.#beginForgetting();
    await this.announce(listed());
    const withKeys = mode === "off" ? [] : await store.withKeys(processes.self);
    const places = new Map(withKeys.map((ghost) => [ghost.userId, ghost]));
    const catchUp = async (ghost: Ghost): Promise<void> => {
      const wasLoaded = ghost.actor.isLoaded;
      if (!wasLoaded && !processes.prefers(ghost.userId)) return;
      if (passesOver && !wasLoaded && !(await this.#hasUnread(places.get(ghost.userId)))) return;
      ghost.actor.requestSync();
      await ghost.actor.settled();
      await ghost
        .mark()
        .catch((error: unknown) => ghost.log.warn({ error }, "the store's marker could not be written"));
      if (!wasLoaded && occasion !== "start") await ghost.actor.putAway();
    };
    const isAtOnce = ({ restsAt }: GhostWithKeys): boolean =>
      occasion === "homeserver returned" || (occasion === "start" && (restsAt === undefined || !passesOver));
    const userIds = (ghosts: readonly GhostWithKeys[]): string[] => ghosts.map(({ userId }) => userId);
    await this.#each(userIds(withKeys.filter(isAtOnce)), catchUp);
    await this.#spread(inRandomOrder(userIds(withKeys.filter((ghost) => !isAtOnce(ghost)))), hurry, catchUp);
  }

  /** Does it with one ghost after the other, over the interval. */
  async #spread(userIds: readonly string[], hurry: AbortSignal, work: (ghost: Ghost) => Promise<void>): Promise<void> {
    const pauseMs = (SPREAD_OVER * this.#intervalMs) / Math.max(1, userIds.length);
    for (const userId of userIds) {
      await sleep(pauseMs, undefined, { signal: hurry, ref: false }).catch(() => undefined);
      if (this.#stopping) return;
      const ghost = this.get(userId);
      if (ghost !== undefined) await work(ghost);
    }
  }

  /** Whether this round loads all ghosts, which forgets their old room keys. */
  #beginForgetting(): boolean {
    if (this.#services.forgetKeysAfterMs === undefined) return false;
    const now = performance.now();
    if (now - this.#forgotAt < FORGETTING_INTERVAL_MS) return false;
    this.#forgotAt = now;
    return true;
  }

  async #hasUnread(ghost: GhostWithKeys | undefined): Promise<boolean> {
    if (ghost?.restsAt === undefined) return true;
    return hasUnread(this.#services, await actorOf(this.#services.masterKey, ghost), ghost.restsAt, this.#log);
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
