import type { Logger } from "../observability/log.ts";

/** Closes the parts of the bridge, the last one first, because each may use the ones made before it. */
export class Closers {
  readonly #log: Logger;
  readonly #waiting: (() => Promise<void>)[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Registers the way to close a part. */
  add(close: () => Promise<void>): void {
    this.#waiting.push(close);
  }

  /** Closes one part after the other. A failure does not stop the rest. Idempotent. Never rejects. */
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
