import type { JsonObject } from "../matrix/json.ts";
import { Coalesced } from "../concurrency/serial.ts";
import type { DeviceSync } from "../homeserver/device-calls.ts";
import { reached } from "../observability/steps.ts";

/** A /sync has no more to-device messages than so many. */
const BATCH = 100;

/** So many syncs that were not full are read in a row, for servers that hand out fewer. */
const MOST_SHORT_BATCHES = 3;

/** What becomes of what was sent to a device. */
export interface InboxSteps {
  /** Asks the server what came after a place in /sync. */
  readonly sync: (since: string | undefined) => Promise<DeviceSync>;
  /** Which of the messages are taken, in their order. */
  readonly admit: (messages: readonly JsonObject[]) => Promise<readonly JsonObject[]>;
  /** Puts what came into the device's store. */
  readonly receive: (answer: DeviceSync) => Promise<void>;
  /** Keeps the place in /sync; called after the store holds what came before it. */
  readonly saveSince: (since: string) => Promise<void>;
  /** Acts on what came, and sends what has to leave; called after each /sync. */
  readonly goOn: () => Promise<void>;
}

/**
 * What is sent to a device: to-device messages, device lists and key counts, read from `/sync` as this device and from
 * nowhere else.
 */
export class Inbox {
  readonly #steps: InboxSteps;
  readonly #catchUp = new Coalesced(() => this.#sync());
  #since: string | undefined;
  #lastCounts = "";
  #received = 0;
  #closed: Error | undefined;

  /** @param since where the last session's /sync ended. */
  constructor(steps: InboxSteps, since: string | undefined) {
    this.#steps = steps;
    this.#since = since;
  }

  /** How many answers were put into the store. */
  get received(): number {
    return this.#received;
  }

  /**
   * Brings the device up to date: everything that was sent to it before this call is in its store when it resolves.
   * Rejects when the server can't be reached; what was received until then is kept.
   */
  catchUp(): Promise<void> {
    return this.#catchUp.run();
  }

  /** Takes in what was sent to a device that is being replaced: nothing is answered, and no place is kept. Throws HomeserverError. */
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

  /** A sync that is under way goes no further than to its end; every later one rejects with the reason. */
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

  /** Every call of the engine writes its whole account, so it is asked only when there is something to say. */
  #hasNews({ toDevice, changedUsers, leftUsers }: DeviceSync, counts: string): boolean {
    return counts !== this.#lastCounts || toDevice.length + changedUsers.length + leftUsers.length > 0;
  }
}

/**
 * Tells, asked for one /sync after the other, whether all is there that was sent when the first was made. A server hands out a
 * hundred messages at a time, and forgets them once the next token is shown to it. Somebody who sends without a pause must not
 * keep the rest waiting: what comes meanwhile is for the next time.
 */
function caughtUp(): (told: DeviceSync) => boolean {
  let short = 0;
  return ({ toDevice }) => {
    if (toDevice.length < BATCH) short++;
    return toDevice.length === 0 || short >= MOST_SHORT_BATCHES;
  };
}
