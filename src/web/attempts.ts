/** The most attempts within the window, in ms, of one address, and of all. */
const MOST = { ofOne: 10, ofAll: 60 } as const;
const WINDOW_MS = 60_000;

/** Counts attempts at signing in, so that nobody tries codes as fast as they can. */
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
    const made = (this.#of.get(from) ?? 0) + 1;
    this.#all += 1;
    // Bounded: no more addresses are counted than attempts are allowed.
    if (this.#all <= MOST.ofAll) this.#of.set(from, made);
    return made <= MOST.ofOne && this.#all <= MOST.ofAll;
  }
}
