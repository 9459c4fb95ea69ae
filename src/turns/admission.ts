import type { Queryable } from "../database/database.ts";
import { usersOf, type Allowances, type TooMany } from "./allowances.ts";
import type { TurnStore } from "./turn-store.ts";

/** A question that somebody would like to have queued, on whichever way. */
export interface Wish {
  readonly ghost: string;
  readonly roomId: string;
  /** Whose limits it counts against. */
  readonly asker: string;
  /** The question whose open turns end for this one: they take no place from it. */
  readonly insteadOf?: string;
}

/** Why a question can't be queued now: too many wait, or somebody has asked too much. */
export type NotNow = { readonly why: "full" } | (TooMany & { readonly why: "limit" });

/** What admission goes by. */
export interface AdmissionOptions {
  readonly turns: TurnStore;
  readonly allowances: Allowances;
  /** Asked anew each time. */
  readonly limits: () => { readonly maxQueued: number };
}

/** Lets questions into the queue of a conversation: asked on every way to a turn, be it a message, an edit, a reaction or a command. */
export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Counts a question, in the transaction that queues it, unless it can't be now: then nothing is counted. */
  async take(tx: Queryable, wish: Wish): Promise<NotNow | undefined> {
    if (await this.#isFull(tx, wish)) return { why: "full" };
    const tooMany = await this.#options.allowances.take(tx, usersOf(wish));
    return tooMany && { why: "limit", ...tooMany };
  }

  /** Whether a question could be queued now. Nothing is counted. */
  async check(wish: Wish): Promise<NotNow | undefined> {
    if (await this.#isFull(undefined, wish)) return { why: "full" };
    const tooMany = await this.#options.allowances.check(usersOf(wish));
    return tooMany && { why: "limit", ...tooMany };
  }

  async #isFull(tx: Queryable | undefined, wish: Wish): Promise<boolean> {
    const { turns, limits } = this.#options;
    return (await turns.open(wish, tx)) >= limits().maxQueued;
  }
}
