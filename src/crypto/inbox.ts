import type { JsonObject } from "../matrix/json.ts";
import { Coalesced } from "../concurrency/serial.ts";
import type { DeviceSync } from "../homeserver/device-calls.ts";
import { reached } from "../observability/steps.ts";

/** The most to-device messages that one /sync returns. */
const BATCH = 100;

/**
 * The number of short syncs in a row after which the inbox counts as empty. Some servers return fewer messages at a
 * time.
 */
const MOST_SHORT_BATCHES = 3;

/** The steps that an inbox takes with the messages sent to a device. */
export interface InboxSteps {
  /** Asks the server for everything after a position in /sync. */
  readonly sync: (since: string | undefined) => Promise<DeviceSync>;
  /** Chooses the messages that are taken, in their order. */
  readonly admit: (messages: readonly JsonObject[]) => Promise<readonly JsonObject[]>;
  /** Resolves when something new is there; see DeviceTransport. */
  readonly awaitNews: (since: string, signal: AbortSignal) => Promise<void>;
  /** Gives an answer to the device's store. */
  readonly receive: (answer: DeviceSync) => Promise<void>;
  /** Saves the position in /sync. Called after the store holds everything before it. */
  readonly saveSince: (since: string) => Promise<void>;
  /** Acts on the new messages, and sends any replies. Called after each /sync. */
  readonly goOn: () => Promise<void>;
}

/** The to-device messages, device lists and key counts of one device. They come only from `/sync` as this device. */
export class Inbox {
  readonly #steps: InboxSteps;
  readonly #catchUp = new Coalesced(() => this.#sync());
  #since: string | undefined;
  #lastCounts = "";
  #received = 0;
  #closed: Error | undefined;

  /** @param since the end of the last session's /sync. */
  constructor(steps: InboxSteps, since: string | undefined) {
    this.#steps = steps;
    this.#since = since;
  }

  /** The number of answers given to the store. */
  get received(): number {
    return this.#received;
  }

  /**
   * Brings the device up to date: when it resolves, the store holds everything sent before this call. Rejects when the
   * server can't be reached; everything received by then is kept.
   */
  catchUp(): Promise<void> {
    return this.#catchUp.run();
  }

  /** Resolves when messages may have come since the last {@link catchUp}, at the latest after half a minute. */
  async awaitMessages(signal: AbortSignal): Promise<void> {
    if (this.#since !== undefined) await this.#steps.awaitNews(this.#since, signal);
  }

  /**
   * Receives the last messages of a device that is being replaced. It answers nothing and saves no position. Throws
   * HomeserverError.
   */
  async receiveLast(): Promise<void> {
    const isCaughtUp = caughtUp();
    for (let isOver = false; !isOver;) {
      const told = await this.#steps.sync(this.#since);
      const answer = await this.#admitted(told);
      if (answer.toDevice.length > 0) await this.#receive(answer);
      this.#since = answer.nextBatch;
      isOver = isCaughtUp(told);
    }
  }

  /** A running sync finishes its current step; every later one rejects with the reason. */
  close(reason: Error): void {
    this.#closed = reason;
  }

  async #sync(): Promise<void> {
    const isCaughtUp = caughtUp();
    for (let isOver = false; !isOver;) {
      if (this.#closed !== undefined) throw this.#closed;
      const told = await this.#steps.sync(this.#since);
      reached("sync.answered");
      const answer = await this.#admitted(told);
      const counts = JSON.stringify([answer.keyCounts, answer.unusedFallbackKeys]);
      if (this.#hasNews(answer, counts)) {
        await this.#receive(answer);
        reached("sync.received");
        await this.#steps.saveSince(answer.nextBatch);
        reached("sync.saved");
        this.#lastCounts = counts;
      }
      this.#since = answer.nextBatch;
      await this.#steps.goOn();
      isOver = isCaughtUp(told);
    }
  }

  async #admitted(told: DeviceSync): Promise<DeviceSync> {
    return { ...told, toDevice: await this.#steps.admit(told.toDevice) };
  }

  async #receive(answer: DeviceSync): Promise<void> {
    this.#received++;
    await this.#steps.receive(answer);
  }

  /** Every engine call writes its whole account, so the engine is called only when there is news. */
  #hasNews({ toDevice, changedUsers, leftUsers }: DeviceSync, counts: string): boolean {
    return counts !== this.#lastCounts || toDevice.length + changedUsers.length + leftUsers.length > 0;
  }
}

/**
 * Returns a function that is given one /sync answer after another and tells whether everything sent before the first
 * has arrived. A server hands out a hundred messages at a time, and deletes them once it sees the next token. A sender
 * who never pauses must not hold up the others: later messages wait for the next call.
 */
function caughtUp(): (told: DeviceSync) => boolean {
  let short = 0;
  return ({ toDevice }) => {
    if (toDevice.length < BATCH) short++;
    return toDevice.length === 0 || short >= MOST_SHORT_BATCHES;
  };
}
