/**
 * The SIGHUPs of this process, handled one after the other. While this object exists, a SIGHUP never ends the process.
 */
export class Hangups {
  #answer: (() => Promise<void>) | undefined;
  #answering: Promise<void> = Promise.resolve();
  /** One answer serves all signals that came meanwhile. */
  #isWaiting = false;

  constructor() {
    process.on("SIGHUP", () => {
      this.#isWaiting = true;
      this.#next();
    });
  }

  /**
   * Sets the handler, and handles earlier signals with it.
   *
   * @param answer never rejects.
   */
  answer(answer: () => Promise<void>): void {
    this.#answer = answer;
    this.#next();
  }

  #next(): void {
    this.#answering = this.#answering.then(async () => {
      if (!this.#isWaiting || this.#answer === undefined) return;
      this.#isWaiting = false;
      await this.#answer();
    });
  }
}
