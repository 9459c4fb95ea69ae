import type { ErrorLine } from "./error-lines.ts";
import type { Logger } from "./log.ts";

/** Tells once that something else went away, and once that it is back. */
export class Outage {
  readonly #log: Logger;
  readonly #lines: { readonly begins: ErrorLine; readonly ends: string };
  #since: number | undefined;
  #failures = 0;

  constructor(log: Logger, lines: { readonly begins: ErrorLine; readonly ends: string }) {
    this.#log = log;
    this.#lines = lines;
  }

  failed(error: unknown): void {
    this.#failures += 1;
    if (this.#since !== undefined) return;
    this.#since = performance.now();
    this.#log.error({ error }, this.#lines.begins);
  }

  answered(): void {
    if (this.#since === undefined) return;
    const seconds = Math.round((performance.now() - this.#since) / 1000);
    this.#log.info({ seconds, attempts: this.#failures }, this.#lines.ends);
    this.#since = undefined;
    this.#failures = 0;
  }
}
