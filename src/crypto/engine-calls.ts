import { Serial } from "../concurrency/serial.ts";

/**
 * The calls of one OlmMachine, one at a time. When a write of its store failed, the engine rejects with an error of its
 * own making; here it is the store's, which says that the device is to be loaded again and the call repeated.
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
