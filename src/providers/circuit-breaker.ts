/** The failures in a row that open it. */
const FAILURES = 5;

/** The time that it stays open, in ms: the first and the longest. */
const OPEN_FIRST_MS = 5_000;
const OPEN_LONGEST_MS = 60_000;

/** `closed`: requests pass. `open`: none passes until a time. `trying`: one request is under way and decides. */
type State =
  | { readonly kind: "closed"; readonly failures: number }
  | { readonly kind: "open"; readonly until: number; readonly openMs: number }
  | { readonly kind: "trying"; readonly openMs: number };

/**
 * Protects a failing server, and people from waiting: after some failures in a row no request passes for a while, then
 * one tries.
 */
export class CircuitBreaker {
  readonly #now: () => number;
  #state: State = { kind: "closed", failures: 0 };

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether a request may pass; then its caller must report its end. */
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

  /** Whether requests are held back; `trying`: one is under way, or may be. */
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

  /** The request ended for a reason that says nothing about the server. */
  ended(): void {
    if (this.#state.kind === "trying") this.#state = { kind: "open", until: this.#now(), openMs: this.#state.openMs };
  }
}
