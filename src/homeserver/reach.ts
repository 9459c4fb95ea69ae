import { randomUUID } from "node:crypto";
import { backoffMs } from "../concurrency/backoff.ts";
import type { Logger } from "../observability/log.ts";
import type { HomeserverClient } from "./client.ts";
import { isHomeserverError } from "./errors.ts";
import {
  explainPingFailure,
  knowsNoPings,
  pingAppservice,
  saysNothing,
  type OurCopy,
  type PingResult,
} from "./ping.ts";
import type { RecentPings } from "./recent-pings.ts";
import { pause } from "./retry.ts";

/** The pauses between pings while the homeserver does not reach us. */
const AGAIN = { firstMs: 5_000, longestMs: 300_000 };

/** The pauses between pings while another bridge answers, which may be about to stop. */
const WHILE_ANOTHER = { firstMs: 2_000, longestMs: 30_000 };

/** A failed ping that is younger than this, in ms, is not repeated for somebody who asks. */
const FRESH_MS = 10_000;

/** The parts that a ping needs. */
export interface ReachParts {
  readonly client: HomeserverClient;
  readonly appservice: OurCopy & { readonly id: string };
  readonly pings: RecentPings;
  /** Whether no other process works on this database: a ping may reach any of them. */
  readonly isAlone: () => boolean;
  readonly log: Logger;
  /** Aborted when the bridge stops. */
  readonly signal: AbortSignal;
}

/**
 * Whether the homeserver reaches us, by its pings of us (`POST /_matrix/client/v1/appservice/{id}/ping`). A ping tries
 * both directions and both tokens, and makes Synapse send at once the transactions that it held back while we were
 * away. A failed one is logged once with its remedy, repeated with growing pauses, and logged again only when it fails
 * in another way or succeeds.
 */
export class HomeserverReach {
  readonly #parts: ReachParts;
  #last: PingResult | undefined;
  #lastAt = 0;
  #told: string | undefined;
  #pinging: Promise<PingResult> | undefined;
  #repeating: Promise<void> | undefined;
  /** Ends the pause before the next ping. */
  #sooner = new AbortController();

  constructor(parts: ReachParts) {
    this.#parts = parts;
  }

  /** The result of the last ping; undefined before the first. */
  get last(): PingResult | undefined {
    return this.#last;
  }

  /** One ping, shared by all who ask meanwhile. Throws only the abort reason of the parts' signal. */
  ping(timeoutMs?: number): Promise<PingResult> {
    this.#pinging ??= this.#ping(timeoutMs).finally(() => (this.#pinging = undefined));
    return this.#pinging;
  }

  /** The last result; a failed one that is not fresh is tried again. Undefined before the first ping. */
  async lately(timeoutMs: number): Promise<PingResult | undefined> {
    const isWell = this.#last === undefined || (this.#last.kind === "answered" && this.#last.reachedUs);
    if (isWell || performance.now() - this.#lastAt < FRESH_MS) return this.#last;
    return this.ping(timeoutMs);
  }

  /** Pings now, and repeats that until the homeserver reaches us. Throws only the abort reason of the parts' signal. */
  untilReached(): Promise<void> {
    this.#sooner.abort();
    this.#repeating ??= this.#repeat().finally(() => (this.#repeating = undefined));
    return this.#repeating;
  }

  /**
   * Resolves when a ping reaches us or nobody. As long as another bridge with this registration answers, the two would take the
   * agents' devices from each other. While the homeserver is away, nobody can tell. Throws only the abort reason of the parts'
   * signal.
   */
  async untilNoOther(): Promise<void> {
    let isTold = false;
    for (let attempts = 0; ; attempts += 1) {
      const result = await this.ping();
      const isAnother = result.kind === "answered" && !result.reachedUs;
      if (!isAnother && (result.kind === "answered" || !saysNothing(result.error))) return;
      if (isAnother && !isTold) {
        isTold = true;
        this.#parts.log.warn("agents answer here once the other bridge has stopped");
      }
      await pause(backoffMs(attempts, WHILE_ANOTHER), this.#parts.signal);
    }
  }

  async #repeat(): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      this.#sooner = new AbortController();
      const { signal } = this.#parts;
      const result = await this.ping();
      if (result.kind === "answered" ? result.reachedUs : knowsNoPings(result.error)) return;
      const either = AbortSignal.any([signal, this.#sooner.signal]);
      await pause(backoffMs(failures, AGAIN), either).catch(() => signal.throwIfAborted());
    }
  }

  async #ping(timeoutMs: number | undefined): Promise<PingResult> {
    const { client, appservice, pings, isAlone, signal } = this.#parts;
    const transactionId = randomUUID();
    const refusedBefore = pings.refused;
    try {
      const durationMs = await pingAppservice(client, appservice.id, transactionId, { signal, timeoutMs });
      const reachedUs = pings.has(transactionId) || !isAlone();
      this.#tellAnswered(durationMs, reachedUs);
      return this.#note({ kind: "answered", durationMs, reachedUs });
    } catch (error) {
      if (!isHomeserverError(error)) throw error;
      const isRefusedByUs = isAlone() ? pings.refused > refusedBefore : undefined;
      const reason = explainPingFailure(error, { url: appservice.url, file: appservice.file, isRefusedByUs });
      this.#tellFailed(error, reason);
      return this.#note({ kind: "failed", reason, error });
    }
  }

  #note(result: PingResult): PingResult {
    this.#last = result;
    this.#lastAt = performance.now();
    return result;
  }

  /** @param hasReachedUs whether it came to us: otherwise another bridge has the registration's address. */
  #tellAnswered(durationMs: number, hasReachedUs: boolean): void {
    const { appservice, log } = this.#parts;
    if (hasReachedUs) {
      this.#told = undefined;
      log.info({ ms: durationMs }, "the homeserver reaches us");
      return;
    }
    const another = "another bridge with this registration answers there; stop one of them";
    if (this.#told === another) return;
    this.#told = another;
    log.error({ url: appservice.url }, another);
  }

  #tellFailed(error: Error, reason: string): void {
    const { log } = this.#parts;
    if (this.#told === reason) {
      log.debug({ error: error.message }, "the homeserver does not reach us yet");
      return;
    }
    this.#told = reason;
    if (knowsNoPings(error)) {
      log.info({ reason }, "the homeserver knows no pings");
      return;
    }
    log.error({ error: error.message, reason }, "the homeserver's ping of this application service failed");
  }
}
