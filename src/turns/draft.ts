import type { Logger } from "../observability/log.ts";

/** So long after the first words of an answer they are shown, in ms; an answer that is done by then has no draft. */
const FIRST_MS = 700;

/** Between two edits, in ms: the first pause, how it grows, and the longest. */
const PAUSE_MS = 1_000;
const PAUSE_GROWTH = 1.3;
const LONGEST_PAUSE_MS = 20_000;

/** How long after an edit the next one may follow, in ms: quicker at first and rarer later. */
export function pauseAfter(edits: number): number {
  return Math.min(PAUSE_MS * PAUSE_GROWTH ** edits, LONGEST_PAUSE_MS);
}

/** How a draft reaches the room. */
export interface DraftDelivery {
  /** The draft that a former attempt at the answer has sent. */
  readonly eventId: string | undefined;
  /** Sends the first form; resolves with its event's id. */
  begin(text: string): Promise<string>;
  /** Sends another form; false when there may be no more of them. */
  edit(eventId: string, text: string): Promise<boolean>;
}

/**
 * An answer as it is shown while it is being made: a message once there are words worth reading, then edits of it. What
 * can't be shown is not the answer's failure; the whole of it comes in the end.
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

  /** There is more of the answer: `text` is all of it so far. Returns at once, without a look at it. */
  update(text: string): void {
    if (this.#isOver) return;
    this.#latest = text;
    this.#nextAt ??= performance.now() + FIRST_MS;
    this.#schedule();
  }

  /** Shows nothing more, and resolves when what was under way has arrived, with the draft's event if there is one. */
  async close(): Promise<string | undefined> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.#sending;
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
          this.#nextAt = performance.now() + pauseAfter(this.#edits);
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
