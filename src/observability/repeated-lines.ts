/** A failure whose end is told when it has not come again for this long, in ms, or for three of its longest pauses. */
const OVER_AFTER_MS = 90_000;
const PAUSES = 3;

/** A failure that came once is remembered for this long, in ms, which also bounds the pauses above. */
const REMEMBERED_MS = 15 * 60_000;

/** The times after which the count of a failure that goes on is told, in ms; the last one for all that follow. */
const TELL_AFTER_MS = [60_000, 10 * 60_000, 60 * 60_000];

/** The most failures that are remembered: a longer list would be of lines that are never the same. */
const MOST = 500;

/** What to do with a line. */
export type Verdict = "tell" | "count";

/** A word about a failure that came more often than it was told. */
export interface Summary {
  readonly kind: "goes on" | "is over";
  /** The line that was told at first. */
  readonly line: string;
  /** How often it came, counted from the first time. */
  readonly times: number;
  readonly forMs: number;
}

interface Repeated {
  readonly line: string;
  readonly since: number;
  last: number;
  times: number;
  /** The longest pause between two of them. */
  longestPause: number;
  /** The times that its count was told, and the last count. */
  tellings: number;
  told: number;
}

/** Which lines of failures are told: the first of each kind, then its count now and then, and its end. Times in ms. */
export class RepeatedLines {
  readonly #known = new Map<string, Repeated>();

  /** @param key the same for two lines that say the same. */
  note(key: string, line: string, now: number): Verdict {
    const known = this.#known.get(key);
    if (known === undefined) {
      if (this.#known.size >= MOST) this.#known.delete(this.#known.keys().next().value ?? "");
      this.#known.set(key, { line, since: now, last: now, times: 1, longestPause: 0, tellings: 0, told: 1 });
      return "tell";
    }
    known.longestPause = Math.max(known.longestPause, now - known.last);
    known.last = now;
    known.times += 1;
    return "count";
  }

  /** The words that are due, each once. */
  due(now: number): readonly Summary[] {
    const summaries: Summary[] = [];
    for (const [key, known] of this.#known) {
      const { line, times, since, last } = known;
      const quiet = now - last;
      if (times === 1) {
        if (quiet >= REMEMBERED_MS) this.#known.delete(key);
        continue;
      }
      if (quiet >= Math.min(Math.max(OVER_AFTER_MS, PAUSES * known.longestPause), REMEMBERED_MS)) {
        this.#known.delete(key);
        summaries.push({ kind: "is over", line, times, forMs: last - since });
        continue;
      }
      if (now - since < tellAfter(known.tellings) || times === known.told) continue;
      known.tellings += 1;
      known.told = times;
      summaries.push({ kind: "goes on", line, times, forMs: now - since });
    }
    return summaries;
  }

  /** Whether anything is remembered. */
  get isEmpty(): boolean {
    return this.#known.size === 0;
  }
}

/** The age at which a failure's count is told for the next time. */
function tellAfter(tellings: number): number {
  const last = TELL_AFTER_MS.at(-1) ?? 0;
  return TELL_AFTER_MS[tellings] ?? last * (tellings - TELL_AFTER_MS.length + 2);
}
