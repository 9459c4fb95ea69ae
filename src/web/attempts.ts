/** The most failed attempts within the window, in ms, of one address, and of all. */
const MOST = { ofOne: 10, ofAll: 60 } as const;
const WINDOW_MS = 60_000;

/** Counts failed attempts at signing in, so that nobody tries codes as fast as they can. */
export class Attempts {
  #began = -Infinity;
  #all = 0;
  readonly #of = new Map<string, number>();

  /**
   * Whether another attempt is allowed.
   *
   * @param now in ms.
   */
  allows(from: string, now: number): boolean {
    if (now - this.#began > WINDOW_MS) {
      this.#began = now;
      this.#all = 0;
      this.#of.clear();
    }
    return (this.#of.get(from) ?? 0) < MOST.ofOne && this.#all < MOST.ofAll;
  }

  /** Notes that an allowed attempt has failed. */
  failed(from: string): void {
    this.#all += 1;
    this.#of.set(from, (this.#of.get(from) ?? 0) + 1);
  }
}
