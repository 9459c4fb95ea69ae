import { Serial } from "../concurrency/serial.ts";

/**
 * Runs the calls of one OlmMachine one at a time. When a write of the store fails, the engine rejects with an error of
 * its own; this class rejects with the store's error instead, which says that the device must be loaded again and the
 * call repeated.
 */
export class EngineCalls extends Serial {
  readonly #storeFailed: AbortSignal;

  constructor(storeFailed: AbortSignal) {
    super();
    this.#storeFailed = storeFailed;
  }

  override run<T>(work: () => Promise<T>): Promise<T> {
    return super.run(work).catch((error: unknown) => {
      throw this.#storeFailed.aborted ? this.#storeFailed.reason : error;
    });
  }
}
