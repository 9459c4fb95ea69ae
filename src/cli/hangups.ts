/** The SIGHUPs of this process, each answered when the one before it has been. While it is here, none ends the process. */
export class Hangups {
  #answer: (() => Promise<void>) | undefined;
  #answering: Promise<void> = Promise.resolve();
  /** However many came meanwhile: one answer is for all of them. */
  #isWaiting = false;

  constructor() {
    process.on("SIGHUP", () => {
      this.#isWaiting = true;
      this.#next();
    });
  }

  /**
   * Says how they are answered, those among them that have come before.
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
