import type { Logger } from "../observability/log.ts";

/** Ends the parts that were made, the last one first: each may use those that were made before it. */
export class Closers {
  readonly #log: Logger;
  readonly #waiting: (() => Promise<void>)[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Takes note of how a part is ended. */
  add(close: () => Promise<void>): void {
    this.#waiting.push(close);
  }

  /** Ends one part after the other. A part that can't be ended keeps no other from its end. Idempotent. Never rejects. */
  async closeAll(): Promise<void> {
    for (const close of this.#waiting.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        this.#log.error({ error }, "a part of the bridge failed to stop");
      }
    }
  }
}
