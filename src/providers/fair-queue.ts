/** Gives a place back; calling it again does nothing. */
export type Release = () => void;

/**
 * A limit to how many requests run at once, fair between people: whoever has fewest running and was let in longest ago is
 * next, so that somebody's second question does not come before another's first. What nobody waits for (`undefined`) comes
 * last.
 */
export class FairQueue {
  readonly #places: number;
  readonly #running = new Map<string | undefined, number>();
  readonly #lastEntered = new Map<string | undefined, number>();
  readonly #waiting: { readonly who: string | undefined; readonly enter: () => void }[] = [];
  #taken = 0;
  #entered = 0;

  constructor(places: number) {
    this.#places = places;
  }

  /** How many wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Waits for a place. Rejects with the signal's reason when that comes first. */
  async enter(who: string | undefined, signal: AbortSignal): Promise<Release> {
    signal.throwIfAborted();
    if (this.#taken < this.#places && this.#waiting.length === 0) return this.#take(who);
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
    const [next] = [...this.#waiting].sort(
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
