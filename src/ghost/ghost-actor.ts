import type { Background } from "../concurrency/background.ts";
import { isUnknownDevice } from "../homeserver/errors.ts";
import type { Lease } from "../leases/leases.ts";
import type { MailItem } from "../mailbox/mail-item.ts";
import type { Logger } from "../observability/log.ts";
import { afterFailure } from "./after-failure.ts";
import { attemptItem, type ItemAttempt } from "./attempt-item.ts";
import type { GhostAccount } from "./ghost-account.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { Greeting } from "./greeting.ts";
import { GhostHalted } from "./halted.ts";
import type { LoadedGhost } from "./loaded-ghost.ts";
import type { MailHandler } from "./mail-handler.ts";

/**
 * The interval of looks during a verification of the ghost: without experimental flags to-device messages wake nothing.
 */
const VERIFYING_LOOKS_MS = 1_000;

/** The shortest interval between looks for people who can now read their greeting, in ms. */
const UNGREETED_LOOKS_MS = 2_000;

/** The times after which a late key is looked for again, in ms; after that, only other reasons cause a look. */
const LATE_KEY_LOOKS_MS = [3_000, 25_000];

/** A ghost that stays loaded until it is released. */
export interface Hold {
  readonly lease: Lease;
  readonly release: () => void;
}

/** The shared services that an actor needs. */
type ActorServices = Pick<
  GhostServices,
  "database" | "elsewhere" | "mailbox" | "metrics" | "missingKeys" | "suspects" | "unneeded"
>;

/**
 * Handles a ghost's mail one by one, in order, while the ghost is loaded. Different ghosts run side by side and never
 * wait for each other.
 */
export class GhostActor {
  readonly #ghost: GhostHandle;
  readonly #userId: string;
  readonly #log: Logger;
  readonly #services: ActorServices;
  readonly #account: GhostAccount;
  readonly #greeting: Greeting;
  readonly #attempt: ItemAttempt;
  readonly #background: Background;
  readonly #stopping: AbortController;
  readonly #timers = new Set<NodeJS.Timeout>();
  #state: ActorState = { kind: "idle" };
  #awake = false;
  #syncDue = false;
  #failures = 0;
  /** Set when an event may have waited for its key too long. */
  #untold = true;
  /** Set when somebody may wait for a greeting that they could not read before. */
  #ungreeted = true;
  #lookedForUngreeted = -Infinity;
  #holders = 0;
  /** A verification would be lost with the ghost's memory. */
  #isVerifying = false;
  #lastUsed = performance.now();

  /**
   * @param parts.background the work beside the mail; a stop waits for it.
   * @param parts.stopping aborted by a stop.
   */
  constructor(
    ghost: GhostHandle,
    services: ActorServices,
    parts: {
      readonly account: GhostAccount;
      readonly greeting: Greeting;
      readonly handler: MailHandler;
      readonly background: Background;
      readonly stopping: AbortController;
    },
  ) {
    this.#ghost = ghost;
    this.#userId = ghost.userId;
    this.#log = ghost.log;
    this.#services = services;
    this.#account = parts.account;
    this.#greeting = parts.greeting;
    this.#background = parts.background;
    this.#stopping = parts.stopping;
    const isStopping = (): boolean => this.#isStopped();
    this.#attempt = { services, handler: parts.handler, isStopping, log: ghost.log };
  }

  /** Somebody can't read a greeting yet: it follows when they can. */
  greetingWaits(): void {
    this.#ungreeted = true;
  }

  /** An event has started to wait for its key. */
  keyIsLate(): void {
    this.#untold = true;
    for (const waitMs of LATE_KEY_LOOKS_MS) this.#after(waitMs, () => this.requestSync());
  }

  /** Says that there may be mail. Returns at once. */
  wake(): void {
    this.#awake = true;
    if (this.#state.kind !== "idle") return;
    this.#state = { kind: "working", done: this.#work() };
  }

  /** Whether its device is gone from the homeserver. */
  get isHalted(): boolean {
    return this.#state.kind === "halted";
  }

  /** Whether the ghost is in memory. */
  get isLoaded(): boolean {
    return this.#account.isLoaded;
  }

  /** The time since the ghost was loaded, in ms. */
  get loadedMs(): number {
    return this.#account.loadedMs;
  }

  /** The time since anybody needed the ghost, in ms; undefined while somebody does. */
  get unusedMs(): number | undefined {
    const isUsed = this.#state.kind === "working" || this.#holders > 0 || this.#isVerifying;
    return isUsed ? undefined : performance.now() - this.#lastUsed;
  }

  /**
   * Loads the ghost, and keeps it loaded until the returned function is called. Throws LeaseHeld when another process
   * has it, and the errors of loading.
   */
  async hold(): Promise<Hold> {
    if (this.#state.kind === "halted") throw new GhostHalted(this.#userId);
    this.#holders++;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      this.#holders--;
      this.#lastUsed = performance.now();
      this.#services.unneeded();
    };
    try {
      const { lease } = await this.#account.load();
      return { lease, release };
    } catch (error) {
      release();
      throw this.orHalted(error);
    }
  }

  /** Frees the ghost's memory and its lease, unless somebody needs it. Its next mail loads it again. */
  async putAway(): Promise<void> {
    if (this.unusedMs === undefined || this.#state.kind !== "idle" || !this.isLoaded) return;
    this.#state = { kind: "working", done: this.#leave() };
    await this.#state.done;
  }

  /** The lease of the loaded ghost; undefined while it is not loaded yet. */
  get lease(): Lease | undefined {
    return this.#account.lease;
  }

  /** A lease turned out to be another process's: everything loaded under it is closed. */
  async lost(lease: Lease): Promise<void> {
    if (this.lease?.epoch !== lease.epoch) return;
    this.#log.warn({ epoch: lease.epoch }, "another process has taken this ghost over");
    this.#services.metrics?.leasesLost.inc();
    await this.#account.putAway();
  }

  /** A message was sent to the device: it reads its /sync before its next mail. Returns at once. */
  requestSync(): void {
    this.#syncDue = true;
    this.wake();
  }

  /** An action was requested that only loading performs: the ghost is loaded again. */
  async reload(): Promise<void> {
    if (this.#isStopped()) return;
    await this.#account.putAway();
    if (this.#state.kind === "halted") this.#state = { kind: "idle" };
    this.wake();
  }

  /** Resolves when all present mail has been handled, or can't be handled now. */
  async settled(): Promise<void> {
    while (this.#state.kind === "working") await this.#state.done;
  }

  /** Stops the ghost: running work finishes, and waiting mail stays in the mailbox. */
  async stop(): Promise<void> {
    const before = this.#state;
    this.#state = { kind: "stopped" };
    this.#stopping.abort(new Error(`${this.#userId} is stopping`));
    for (const timer of this.#timers) clearTimeout(timer);
    if (before.kind === "working") await before.done;
    await this.#background.idle();
    await this.#account.putAway();
  }

  async #leave(): Promise<void> {
    await this.#account.putAway();
    if (this.#isStopped()) return;
    this.#state = { kind: "idle" };
    if (this.#awake) this.wake();
  }

  /** Never rejects: every failure leads to a retry or a set-aside item. */
  async #work(): Promise<void> {
    try {
      while (this.#awake && !this.#isStopped()) {
        this.#awake = false;
        // Loaded before an attempt is counted: if the process ends while the device is loaded, the first item is not to
        // blame.
        await this.#load();
        await this.#syncIfDue();
        for (let mail = await this.#next(); mail !== undefined;) {
          this.#lastUsed = performance.now();
          const mayHaveMore = await attemptItem(this.#attempt, mail.item, mail.loaded);
          await this.#syncIfDue();
          // Mail that comes later wakes the ghost.
          mail = mayHaveMore ? await this.#next() : undefined;
        }
        await this.#greetLate();
        await this.#tellOfMissingKeys();
        const { device } = await this.#account.load();
        this.#isVerifying = device?.isVerifying === true;
        if (this.#isVerifying) this.#after(VERIFYING_LOOKS_MS, () => this.requestSync());
      }
      this.#failures = 0;
      if (!this.#isStopped()) this.#state = { kind: "idle" };
      this.#services.unneeded();
    } catch (error) {
      if (this.#isStopped()) return;
      await this.#interrupted(error);
    }
  }

  async #interrupted(error: unknown): Promise<void> {
    const next = afterFailure(error, { before: this.#failures, jitter: Math.random() });
    switch (next.kind) {
      case "leave":
        this.#state = { kind: "idle" };
        this.#awake = false;
        this.#syncDue = false;
        this.#services.elsewhere(this.#userId);
        return;
      case "halt":
        this.#state = { kind: "halted" };
        await this.#account.putAway();
        this.#log.error(
          { error },
          'this ghost\'s device has been deleted on the homeserver; the ghost is halted and its mail kept until it gets a new one by "matrix-agents keys new-device"',
        );
        return;
      case "retry": {
        const { waitMs } = next;
        if (next.reloads) await this.#account.putAway();
        if (this.#isStopped()) return;
        this.#state = { kind: "idle" };
        this.#failures++;
        this.#log.warn({ error, waitMs: Math.round(waitMs) }, "the ghost's work was interrupted and goes on later");
        this.#after(waitMs, () => this.wake());
      }
    }
  }

  #isStopped(): boolean {
    return this.#state.kind === "stopped";
  }

  /** Loads the ghost again for each item: a device that failed meanwhile comes back from the database. */
  async #next(): Promise<{ readonly item: MailItem; readonly loaded: LoadedGhost } | undefined> {
    if (this.#isStopped()) return undefined;
    const loaded = await this.#account.load();
    const item = await this.#services.mailbox.next(loaded.lease);
    return item && { item, loaded };
  }

  async #greetLate(): Promise<void> {
    // Anybody can make many rooms wait, so the look does not happen with every message.
    const isTooSoon = performance.now() - this.#lookedForUngreeted < UNGREETED_LOOKS_MS;
    if (!this.#ungreeted || isTooSoon || this.#isStopped()) return;
    this.#lookedForUngreeted = performance.now();
    const { waiting, againMs } = await this.#greeting.late(await this.#account.load());
    this.#ungreeted = waiting > 0;
    if (againMs !== undefined) this.#after(againMs, () => this.requestSync());
  }

  async #tellOfMissingKeys(): Promise<void> {
    if (!this.#untold || this.#isStopped()) return;
    const dueMs = await this.#services.missingKeys.tell(this.#ghost, await this.#account.load());
    this.#untold = dueMs !== undefined;
    if (dueMs !== undefined) this.#after(dueMs, () => this.wake());
  }

  /** A device that is missing on the server halts the ghost at its next /sync. */
  orHalted(error: unknown): unknown {
    if (!isUnknownDevice(error)) return error;
    this.requestSync();
    return new GhostHalted(this.#userId, { cause: error });
  }

  /** Loading reads the /sync, so that a request from before it is fulfilled with it. */
  async #load(): Promise<void> {
    const isRead = this.#syncDue && !this.#account.isLoaded;
    if (isRead) this.#syncDue = false;
    try {
      await this.#account.load();
    } catch (error) {
      if (isRead) this.#syncDue = true;
      throw error;
    }
  }

  async #syncIfDue(): Promise<void> {
    if (!this.#syncDue) return;
    this.#syncDue = false;
    try {
      const { device } = await this.#account.load();
      await device?.catchUp();
    } catch (error) {
      this.#syncDue = true;
      throw error;
    }
  }

  #after(waitMs: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isStopped()) action();
    }, waitMs);
    timer.unref();
    this.#timers.add(timer);
  }
}

/** Halted: the device is gone from the server, and only a new one, on request, brings the ghost back. */
type ActorState =
  { readonly kind: "idle" | "halted" | "stopped" } | { readonly kind: "working"; readonly done: Promise<void> };
