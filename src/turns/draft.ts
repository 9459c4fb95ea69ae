import type { Logger } from "../observability/log.ts";

/** The time after which a growing answer is shown, in ms; a faster answer has no draft. */
const FIRST_MS = 700;

/** The pauses between two edits, in ms: the first, its growth, and the longest. */
const PAUSE_MS = 1_000;
const PAUSE_GROWTH = 1.3;
const LONGEST_PAUSE_MS = 20_000;

/** The same for those who watch, whom an update costs little. */
const LIVE_PAUSE_MS = 250;

/** The time from one edit to the next, in ms: short at first, longer later. */
export function pauseAfter(edits: number): number {
  return Math.min(PAUSE_MS * PAUSE_GROWTH ** edits, LONGEST_PAUSE_MS);
}

/** The way of a draft to the room. */
export interface DraftDelivery {
  /** The draft that a former attempt has sent. */
  readonly eventId: string | undefined;
  /** Sends the first form; resolves with its event's id. */
  begin(text: string): Promise<string>;
  /** Sends another form; false when no more are allowed. */
  edit(eventId: string, text: string): Promise<boolean>;
  /** Whether the forms go only to those who watch, and may follow each other quickly. */
  isLive?(): boolean;
}

/**
 * A growing answer as it is shown: a message once there are words worth reading, then edits of it. A failure to show it
 * is no failure of the answer, whose whole comes in the end.
 */
export class Draft {
  readonly #delivery: DraftDelivery;
  readonly #log: Logger;
  #eventId: string | undefined;
  #latest = "";
  #shown = "";
  #edits = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #nextAt: number | undefined;
  #isOver = false;

  constructor(delivery: DraftDelivery, log: Logger) {
    this.#delivery = delivery;
    this.#log = log;
    this.#eventId = delivery.eventId;
  }

  /** Takes the answer so far. Returns at once. */
  update(text: string): void {
    if (this.#isOver) return;
    this.#latest = text;
    this.#nextAt ??= performance.now() + FIRST_MS;
    this.#schedule();
  }

  /**
   * Stops showing, and resolves when a running send has arrived, with the draft's event if there is one.
   *
   * @param last the last form of what was shown; where nothing was, nothing is.
   */
  async close(last?: string): Promise<string | undefined> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.#sending;
    if (last !== undefined && this.#eventId !== undefined && last !== this.#shown) {
      await this.#send(last).catch((error: unknown) => {
        this.#log.warn({ error }, "the last form of a draft could not be shown");
      });
    }
    return this.#eventId;
  }

  #schedule(): void {
    if (this.#isOver || this.#timer !== undefined || this.#sending !== undefined || this.#latest === this.#shown)
      return;
    const waitMs = Math.max(0, (this.#nextAt ?? 0) - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#sending = this.#send(this.#latest)
        .catch((error: unknown) => {
          this.#isOver = true;
          this.#log.warn({ error }, "the draft of an answer could not be shown; the answer comes as a whole");
        })
        .finally(() => {
          this.#sending = undefined;
          const isLive = this.#delivery.isLive?.() ?? false;
          this.#nextAt = performance.now() + (isLive ? LIVE_PAUSE_MS : pauseAfter(this.#edits));
          this.#schedule();
        });
    }, waitMs);
  }

  async #send(text: string): Promise<void> {
    this.#shown = text;
    if (text.trim() === "") return;
    if (this.#eventId === undefined) {
      this.#eventId = await this.#delivery.begin(text);
      return;
    }
    this.#edits++;
    if (!(await this.#delivery.edit(this.#eventId, text))) this.#isOver = true;
  }
}
