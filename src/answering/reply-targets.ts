import type { Turn } from "../turns/turn.ts";
import { targetOf } from "./answer-messages.ts";
import type { ReplyTarget } from "./reply.ts";

/** Whether a message is still the last one in a direct chat of two, as far as known. */
export type IsLatest = (message: Pick<Turn, "ghost" | "roomId" | "eventId">) => Promise<boolean>;

/** Knows the event that a turn's answer replies to or follows. The whole answer keeps the form of its beginning. */
export class ReplyTargets {
  readonly #isLatest: IsLatest;
  /** Whether the shown part of an answer follows its question. */
  readonly #begun = new WeakMap<Turn, boolean>();

  constructor(isLatest: IsLatest) {
    this.#isLatest = isLatest;
  }

  /** The target of an answer's messages. */
  async of(turn: Turn): Promise<ReplyTarget> {
    return targetOf(turn, this.#begun.get(turn) ?? (await this.#follows(turn)));
  }

  /** Fixes the target, because the beginning of the answer is about to be shown. */
  async begin(turn: Turn): Promise<void> {
    this.#begun.set(turn, await this.#follows(turn));
  }

  /** Whether the shown part of the answer follows its question; false where nothing is shown. */
  hasBegunFollowing(turn: Turn): boolean {
    return this.#begun.get(turn) ?? false;
  }

  /** Whether the answer directly follows its question. In doubt it does not, and quotes the question. */
  async #follows(turn: Turn): Promise<boolean> {
    return turn.kind === "answer" && turn.threadRoot === undefined && this.#isLatest(turn);
  }
}
