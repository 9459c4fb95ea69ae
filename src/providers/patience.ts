import { ProviderError } from "./provider.ts";

/** The time for which one server is waited for without a pause, in ms. */
const MOST_MS = 2_000;

/** The share of the passing time that may be spent on waiting for a server. */
const SHARE = 0.1;

/**
 * Limits the time spent on waiting for servers while others are held up. However many questions there are, one server
 * is waited for two seconds in all, and a tenth of the time after that.
 */
export class Patience {
  readonly #mostMs: number;
  readonly #now: () => number;
  /** The remaining time for each server, as of a moment, in ms. */
  readonly #left = new Map<string, { readonly ms: number; readonly at: number }>();

  constructor({ mostMs = MOST_MS, now = () => performance.now() }: { mostMs?: number; now?: () => number } = {}) {
    this.#mostMs = mostMs;
    this.#now = now;
  }

  /**
   * The answer of a server. Rejects with ProviderError `timeout` when the time is used up (without asking, if none is
   * left), and with the rejection of `ask`.
   */
  async wait<T>(server: string, ask: () => Promise<T>): Promise<T> {
    const left = this.#leftFor(server);
    if (left < 1) throw tooLate();
    const begun = this.#now();
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(tooLate()), left);
    try {
      return await Promise.race([ask(), late.promise]);
    } finally {
      clearTimeout(timer);
      const ms = Math.max(0, this.#leftFor(server) - (this.#now() - begun));
      this.#left.set(server, { ms, at: this.#now() });
    }
  }

  #leftFor(server: string): number {
    const before = this.#left.get(server);
    if (before === undefined) return this.#mostMs;
    return Math.min(this.#mostMs, before.ms + (this.#now() - before.at) * SHARE);
  }
}

function tooLate(): ProviderError {
  return new ProviderError("timeout", "the time for waiting for the server is used up");
}
