/** Gives a place back; calling it again does nothing. */
export type Release = () => void;

/**
 * Limits how much runs at once, fairly among people. The person with the fewest running jobs is next, and among those
 * the one who was admitted longest ago, so that one person's second question does not overtake another's first. Work
 * without a waiting person (`undefined`) comes last.
 */
export class FairQueue {
  readonly #places: number;
  readonly #each: number;
  readonly #running = new Map<string | undefined, number>();
  readonly #lastEntered = new Map<string | undefined, number>();
  readonly #waiting: { readonly who: string | undefined; readonly enter: () => void }[] = [];
  #taken = 0;
  #entered = 0;

  /** @param options.each the most places of one person: their other jobs wait even when places are free. */
  constructor(places: number, { each = places }: { readonly each?: number } = {}) {
    this.#places = places;
    this.#each = each;
  }

  /** The number of waiting jobs. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Waits for a place. Rejects with the signal's reason when that comes first. */
  async enter(who: string | undefined, signal: AbortSignal): Promise<Release> {
    signal.throwIfAborted();
    // While a place is free, no job waits: each end admits the next one.
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

  /** Runs work when there is a place. Rejects like {@link enter}, or like the work. */
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
