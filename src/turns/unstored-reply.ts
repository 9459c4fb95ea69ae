import type { Queryable } from "../database/database.ts";
import type { StoredBeside } from "../ghost/form.ts";
import type { Lease } from "../leases/leases.ts";
import type { Logger } from "../observability/log.ts";
import type { Scope, Seal } from "../sealing/seals.ts";
import type { StepEnd } from "./turn-step.ts";
import type { Turn, TurnReply } from "./turn.ts";

/**
 * The longest time for which a reply waits for its first message to be encrypted, in ms. If the process is killed before
 * the reply is stored, the model is asked again.
 */
const LONGEST_WAIT_MS = 1_000;

/** The writes of the step to `sending`. */
interface Preparing {
  prepare(lease: Lease, turn: Turn, reply: TurnReply, end: StepEnd | undefined): Promise<void>;
  prepareIn(tx: Queryable, seal: Seal, turn: Turn, reply: TurnReply, end: StepEnd | undefined): Promise<void>;
  scopeOf(turn: Turn): Scope;
}

/**
 * A reply that is made and not stored yet. It is stored in the transaction that stores its first message in the final
 * form; by itself where that takes long or fails. Whatever comes second changes nothing.
 */
export class UnstoredReply {
  readonly #store: () => Promise<void>;
  readonly #log: Logger;
  /** Whether the reply was written with its first message. If that is not committed, the sending fails. */
  #isWritten = false;
  /** Stores the reply with its first message. */
  readonly beside: StoredBeside;

  constructor(
    store: Preparing,
    log: Logger,
    lease: Lease,
    { turn, reply, end }: { readonly turn: Turn; readonly reply: TurnReply; readonly end: StepEnd | undefined },
  ) {
    this.#store = () => store.prepare(lease, turn, reply, end);
    this.#log = log;
    this.beside = {
      scopes: [store.scopeOf(turn)],
      store: async (tx, [seal]) => {
        if (seal === undefined) throw new Error("there is no seal for a reply");
        await store.prepareIn(tx, seal, turn, reply, end);
        this.#isWritten = true;
      },
    };
  }

  /** Stores the reply by itself. Throws StaleLease, DatabaseError. */
  store(): Promise<void> {
    return this.#store();
  }

  /** Does work that sends the reply, and stores the reply by itself if that takes long. Throws what `work` throws. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    let storing: Promise<void> | undefined;
    const timer = setTimeout(() => {
      if (this.#isWritten) return;
      storing = this.#store().catch((error: unknown) => {
        // The work fails by the same, or stores the reply.
        this.#log.warn({ error }, "the reply could not be stored yet");
      });
    }, LONGEST_WAIT_MS);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      await storing;
    }
  }
}
