/** Gives a place back; calling it again does nothing. */
export type Release = () => void;

/**
 * A limit to how much runs at once, fair between people. The person with the fewest running is next, and among those
 * the one who was let in longest ago, so that somebody's second question does not come before another's first. Work
 * that nobody waits for (`undefined`) comes last.
 */
export class FairQueue {
  readonly #places: number;
  readonly #each: number;
  readonly #running = new Map<string | undefined, number>();
  readonly #lastEntered = new Map<string | undefined, number>();
  readonly #waiting: { readonly who: string | undefined; readonly enter: () => void }[] = [];
  #taken = 0;
  #entered = 0;

  /** @param options.each how many places one person may have at once: the others wait, though places are free. */
  constructor(places: number, { each = places }: { readonly each?: number } = {}) {
    this.#places = places;
    this.#each = each;
  }

  /** How many wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Waits for a place. Rejects with the signal's reason when that comes first. */
  async enter(who: string | undefined, signal: AbortSignal): Promise<Release> {
    signal.throwIfAborted();
    // No one waits while a place is free: each end lets the next one in.
    if (this.#taken < this.#places && this.#mayEnter(who)) return this.#take(who);
    return new Promise((resolve, reject) => {
      const waiter = {
        who,
        enter: (): void => {
          signal.removeEventListener("abort", leave);
          resolve(this.#take(who));
        },
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(waiter);
    });
  }

  /** Does work when there is a place for it. Rejects as {@link enter} does, or as the work. */
  async run<T>(who: string | undefined, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const leave = await this.enter(who, signal);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  #mayEnter(who: string | undefined): boolean {
    return (this.#running.get(who) ?? 0) < this.#each;
  }

  #take(who: string | undefined): Release {
    this.#taken++;
    this.#running.set(who, (this.#running.get(who) ?? 0) + 1);
    this.#lastEntered.set(who, ++this.#entered);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#taken--;
      const left = (this.#running.get(who) ?? 1) - 1;
      if (left > 0) this.#running.set(who, left);
      else this.#running.delete(who);
      this.#next();
    };
  }

  #next(): void {
    if (this.#taken >= this.#places) return;
    const [next] = this.#waiting
      .filter(({ who }) => this.#mayEnter(who))
      .sort(
        (a, b) =>
          Number(a.who === undefined) - Number(b.who === undefined) ||
          (this.#running.get(a.who) ?? 0) - (this.#running.get(b.who) ?? 0) ||
          (this.#lastEntered.get(a.who) ?? 0) - (this.#lastEntered.get(b.who) ?? 0),
      );
    if (next === undefined) {
      if (this.#taken === 0) this.#lastEntered.clear();
      return;
    }
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    next.enter();
  }
}
