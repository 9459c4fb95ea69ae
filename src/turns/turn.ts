/**
 * A turn is one question to one agent and what becomes of it; there is one per ghost and event, and one running per
 * conversation.
 *
 * ```
 * queued ──▶ running ──▶ sending ──▶ answered
 *   ▲           │            └─────▶ failed      (what was sent is a notice, or nothing could be sent)
 *   └───────────┘ the process ended meanwhile; counted
 * queued ──▶ cancelled                            (the question was deleted before it was answered)
 * sending ─▶ failed                               (declined at once: too many others wait)
 * ```
 *
 * What is to be sent is stored with the step to `sending`. From there on the model is not asked again, and every send
 * has a transaction id made of ghost, question and step, so that a repeat after a crash is the same message.
 */
export type TurnState = "queued" | "running" | "sending" | "answered" | "failed" | "cancelled";

/** A question on its way. */
export interface Turn {
  readonly id: number;
  readonly ghost: string;
  readonly roomId: string;
  /** The question's event. */
  readonly eventId: string;
  readonly asker: string;
  /** The question's place in the conversation. */
  readonly position: number;
  readonly threadRoot: string | undefined;
}

/** The outcome of a turn, as it is to be sent. */
export interface TurnReply {
  readonly outcome: "answered" | "failed";
  /** For the log and the row: the kind of failure, no text of the conversation. */
  readonly failure?: string;
  /** Set when nothing was produced and the same may work soon: the model's server did not answer at all. */
  readonly retry?: boolean;
  /** One after the other, each an event of its own. */
  readonly messages: readonly TurnMessage[];
}

/** One message of a reply. */
export interface TurnMessage {
  /** Content of the `m.room.message`. */
  readonly content: Readonly<Record<string, unknown>>;
  /** What the agent will remember to have said; undefined for a notice. */
  readonly remembered?: string;
}

/** The conversation a turn belongs to: turns of one conversation run one after the other. */
export function conversationOf(turn: Pick<Turn, "ghost" | "roomId">): string {
  return `${turn.ghost} ${turn.roomId}`;
}
