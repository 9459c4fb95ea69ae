import type { Turn } from "../turns/turn.ts";
import { targetOf } from "./answer-messages.ts";
import type { ReplyTarget } from "./reply.ts";

/** Says whether nothing has been said since a message in a direct chat of two, as far as is known. */
export type IsLatest = (message: Pick<Turn, "ghost" | "roomId" | "eventId">) => Promise<boolean>;

/** Knows what the answer of a turn replies to, or follows. All of an answer stands as its beginning does. */
export class ReplyTargets {
  readonly #isLatest: IsLatest;
  /** Whether what is shown of an answer already follows its question. */
  readonly #begun = new WeakMap<Turn, boolean>();

  constructor(isLatest: IsLatest) {
    this.#isLatest = isLatest;
  }

  /** The target of an answer's messages. */
  async of(turn: Turn): Promise<ReplyTarget> {
    return targetOf(turn, this.#begun.get(turn) ?? (await this.#follows(turn)));
  }

  /** Settles how the answer stands, since the beginning of it is about to be shown. */
  async begin(turn: Turn): Promise<void> {
    this.#begun.set(turn, await this.#follows(turn));
  }

  /** Whether what is shown of the answer follows its question; false where nothing is shown. */
  hasBegunFollowing(turn: Turn): boolean {
    return this.#begun.get(turn) ?? false;
  }

  /** Whether the answer comes right behind its question: in doubt it does not, and quotes it. */
  async #follows(turn: Turn): Promise<boolean> {
    return turn.kind === "answer" && turn.threadRoot === undefined && this.#isLatest(turn);
  }
}
