/** Runs asynchronous work one at a time, in order of arrival. A failure concerns only its own caller. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();
  #closed: Error | undefined;

  /** Runs `work` after all earlier work. Rejects like `work`, or with the reason of the close. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#closed !== undefined) throw this.#closed;
      return work();
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Lets running work end, rejects all waiting and later work with `reason`, and resolves when nothing runs. */
  async close(reason: Error): Promise<void> {
    this.#closed = reason;
    await this.#last;
  }
}

/** A {@link Serial} for each key, kept only while it has work. */
export class KeyedSerial {
  readonly #lanes = new Map<string, { serial: Serial; users: number }>();

  /** Runs `work` after all earlier work under the same key. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(key) ?? { serial: new Serial(), users: 0 };
    this.#lanes.set(key, lane);
    lane.users++;
    try {
      return await lane.serial.run(work);
    } finally {
      if (--lane.users === 0) this.#lanes.delete(key);
    }
  }
}

/**
 * Work that brings something up to date, asked for by many at once. One run happens at a time, and callers that come
 * during a run share one more run after it, so that each caller's run began after its call.
 */
export class Coalesced<T = void> {
  readonly #work: () => Promise<T>;
  #running: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(work: () => Promise<T>) {
    this.#work = work;
  }

  /** Resolves with the outcome of a run that began after this call; rejects when that run throws. */
  run(): Promise<T> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#start();
    this.#next = this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#start();
      });
    return this.#next;
  }

  #start(): Promise<T> {
    const running = this.#work().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}
