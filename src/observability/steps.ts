import { channel } from "node:diagnostics_channel";

/**
 * The named steps of a message's way, in order. At each, a crash may leave the part before it done and the part after
 * it undone.
 */
export type Step =
  /** A transaction was read; none of it is stored. */
  | "transaction.received"
  /** The transaction is stored, but not acknowledged. */
  | "transaction.stored"
  /** A ghost took an item: its attempt is counted, and nothing else is done. */
  | "mail.taken"
  /** `/sync` answered; the engine has not seen the answer. */
  | "sync.answered"
  /** The crypto store holds the answer of `/sync`; the position has not moved. */
  | "sync.received"
  /** The position in `/sync` has moved. */
  | "sync.saved"
  /** An event was decrypted, and nothing else is done. */
  | "event.decrypted"
  /** The turn is stored, and its message is out of the mailbox. */
  | "turn.queued"
  /** A reminder is due, and nothing is stored yet. */
  | "reminder.due"
  /** The question of a reminder is stored as a turn. */
  | "reminder.asked"
  /** The turn is `running`, its attempt counted. */
  | "turn.started"
  /** The words of a prompt that a person has chosen came; they are not stored. */
  | "prompt.read"
  /** A piece of the model's answer came. */
  | "model.chunk"
  /** The model has called tools, and the calls are stored; none is made. */
  | "step.proposed"
  /** The question to people about a call was sent; its event is not recorded. */
  | "step.asked"
  /** The question is recorded; its turn goes on. */
  | "step.waiting"
  /** A turn is stored as one that waits; the process still holds it. */
  | "turn.waiting"
  /** A call is stored as begun; its tool's server was not asked. */
  | "step.begun"
  /** The result of a call came; it is not stored. */
  | "step.called"
  /** The question of a call's server to the person is stored; it is not sent. */
  | "step.asking_back"
  /** The end of a call is stored; the turn continues. */
  | "step.ended"
  /** The beginning of an answer is shown; its turn does not know it. */
  | "draft.shown"
  /** More of the answer is shown. */
  | "draft.edited"
  /** The whole answer is made; it is not stored. */
  | "turn.made"
  /** An event was encrypted and its ratchet advanced in the database; its ciphertext is not stored. */
  | "event.encrypted"
  /** An event is stored in its final form; the answer with its first one. */
  | "send.stored"
  /** The homeserver has accepted the event; that is not recorded. */
  | "send.sent"
  /** The event is recorded as sent; the turn continues. */
  | "send.marked"
  /** A write of the crypto store begins. */
  | "store.writing"
  /** The write is committed; the engine does not know it. */
  | "store.written"
  /** The homeserver answered a key request; the engine does not know it. */
  | "request.answered"
  /** The secrets of a new identity are here and on the homeserver; nobody else knows of it. */
  | "identity.kept"
  /** The identity is published; the device that it signs is not. */
  | "identity.published"
  /** An agent's secret storage and its backup of room keys are there; the database does not know it. */
  | "backup.begun";

const steps = channel("matrix-agents.step");

/**
 * Tells subscribers of the diagnostics channel `matrix-agents.step` that a step was reached. Production has no
 * subscribers; the fault tests end or stop the process here.
 */
export function reached(step: Step): void {
  if (steps.hasSubscribers) steps.publish({ step });
}
