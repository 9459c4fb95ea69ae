import { channel } from "node:diagnostics_channel";

/**
 * The named steps of a message's way, in order. Each stands between two things of which a crash may leave the first done
 * and the second not.
 */
export type Step =
  /** A transaction was read; nothing of it is stored. */
  | "transaction.received"
  /** It is committed, and not acknowledged yet. */
  | "transaction.stored"
  /** A ghost took an item: its attempt is counted, nothing was done with it. */
  | "mail.taken"
  /** `/sync` answered; the engine has seen nothing of it. */
  | "sync.answered"
  /** The crypto store holds what `/sync` brought; the place in it has not moved. */
  | "sync.received"
  /** The place in `/sync` has moved. */
  | "sync.saved"
  /** An event was decrypted and nothing came of it yet. */
  | "event.decrypted"
  /** The turn is committed and its message out of the mailbox. */
  | "turn.queued"
  /** The turn is `running`, its attempt counted. */
  | "turn.started"
  /** A piece of the model's answer came. */
  | "model.chunk"
  /** The beginning of an answer is shown; its turn does not know. */
  | "draft.shown"
  /** More of it is. */
  | "draft.edited"
  /** The whole answer is stored; nothing of it was sent. */
  | "turn.prepared"
  /** An event was encrypted, its ratchet advanced in the database, its ciphertext not stored. */
  | "event.encrypted"
  /** An event is stored as it will leave. */
  | "send.stored"
  /** The homeserver has taken it; we have not noted that. */
  | "send.sent"
  /** It is noted as sent; the turn goes on. */
  | "send.marked"
  /** A write of the crypto store begins. */
  | "store.writing"
  /** It is committed; the engine does not know yet. */
  | "store.written"
  /** The homeserver answered a key request; the engine does not know yet. */
  | "request.answered";

const steps = channel("matrix-agents.step");

/**
 * Tells whoever subscribed to the diagnostics channel `matrix-agents.step` that a step was reached. Nobody does in
 * production; the fault tests end or stop the process here.
 */
export function reached(step: Step): void {
  if (steps.hasSubscribers) steps.publish({ step });
}
