/** So many failures in a row open it. */
const FAILURES = 5;

/** How long it stays open, in ms: the first time, and at most. */
const OPEN_FIRST_MS = 5_000;
const OPEN_LONGEST_MS = 60_000;

/** `closed`: requests go through. `open`: none does, until a time. `trying`: one is on its way, and decides. */
type State =
  | { readonly kind: "closed"; readonly failures: number }
  | { readonly kind: "open"; readonly until: number; readonly openMs: number }
  | { readonly kind: "trying"; readonly openMs: number };

/**
 * Spares a server that fails whatever is asked of it, and people the wait: after some failures in a row nothing is asked for
 * a while, then one request tries.
 */
export class CircuitBreaker {
  readonly #now: () => number;
  #state: State = { kind: "closed", failures: 0 };

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether a request may go through; the caller of one that may reports its end. */
  mayPass(): boolean {
    switch (this.#state.kind) {
      case "closed":
        return true;
      case "trying":
        return false;
      case "open":
        if (this.#now() < this.#state.until) return false;
        this.#state = { kind: "trying", openMs: this.#state.openMs };
        return true;
    }
  }

  /** Whether requests are kept back; `trying`: one is on its way, or may be. */
  get paused(): "no" | "trying" | "yes" {
    switch (this.#state.kind) {
      case "closed":
        return "no";
      case "trying":
        return "trying";
      case "open":
        return this.#now() < this.#state.until ? "yes" : "trying";
    }
  }

  succeeded(): void {
    this.#state = { kind: "closed", failures: 0 };
  }

  failed(): void {
    const state = this.#state;
    if (state.kind === "closed" && state.failures + 1 < FAILURES) {
      this.#state = { kind: "closed", failures: state.failures + 1 };
      return;
    }
    const openMs = state.kind === "closed" ? OPEN_FIRST_MS : Math.min(state.openMs * 2, OPEN_LONGEST_MS);
    this.#state = { kind: "open", until: this.#now() + openMs, openMs };
  }

  /** It ended for a reason that says nothing of the server. */
  ended(): void {
    if (this.#state.kind === "trying") this.#state = { kind: "open", until: this.#now(), openMs: this.#state.openMs };
  }
}
