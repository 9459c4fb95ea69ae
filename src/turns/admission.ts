import type { AgentPauses } from "../agents/pauses.ts";
import type { Queryable } from "../database/database.ts";
import { usersOf, type Allowances, type TooMany } from "./allowances.ts";
import type { TurnStore } from "./turn-store.ts";

/** A question for the queue, from any entry point. */
export interface Wish {
  readonly ghost: string;
  readonly roomId: string;
  /** The person whose limits it counts against. */
  readonly asker: string;
  /** The question whose open turns end for this one, and so take no place. */
  readonly insteadOf?: string;
}

/** The reason why a question can't be queued now: its agent is paused, too many wait, or somebody has reached a limit. */
export type NotNow = { readonly why: "paused" } | { readonly why: "full" } | (TooMany & { readonly why: "limit" });

/** The parts that admission needs. */
export interface AdmissionOptions {
  readonly turns: TurnStore;
  readonly allowances: Allowances;
  readonly pauses: Pick<AgentPauses, "of">;
  /** Read anew each time. */
  readonly limits: () => { readonly maxQueued: number };
}

/**
 * Admits questions to the queue of a conversation. Every entry point asks it: a message, an edit, a reaction or a
 * command.
 */
export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Counts a question, in the transaction that queues it. A refused question is not counted. */
  async take(tx: Queryable, wish: Wish): Promise<NotNow | undefined> {
    if (this.#isPaused(wish)) return { why: "paused" };
    if (await this.#isFull(tx, wish)) return { why: "full" };
    const tooMany = await this.#options.allowances.take(tx, usersOf(wish));
    return tooMany && { why: "limit", ...tooMany };
  }

  /** Whether a question could be queued now. Counts nothing. */
  async check(wish: Wish): Promise<NotNow | undefined> {
    if (this.#isPaused(wish)) return { why: "paused" };
    if (await this.#isFull(undefined, wish)) return { why: "full" };
    const tooMany = await this.#options.allowances.check(usersOf(wish));
    return tooMany && { why: "limit", ...tooMany };
  }

  #isPaused({ ghost }: Wish): boolean {
    return this.#options.pauses.of(ghost) !== undefined;
  }

  async #isFull(tx: Queryable | undefined, wish: Wish): Promise<boolean> {
    const { turns, limits } = this.#options;
    return (await turns.open(wish, tx)) >= limits().maxQueued;
  }
}
