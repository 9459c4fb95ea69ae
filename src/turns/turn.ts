/**
 * A turn is one question to one agent and what becomes of it; there is one per ghost and event, and one running per
 * conversation.
 *
 * ```
 * queued ──▶ running ──▶ sending ──▶ answered
 *   ▲           │            └─────▶ failed      (what was sent is a notice, or nothing could be sent)
 *   └───────────┘ the process ended meanwhile; counted
 * queued ──▶ cancelled                            (the question was deleted, or its answer stopped, before it was begun)
 * sending ─▶ cancelled                            (stopped; what was there by then is kept)
 * sending ─▶ failed                               (declined at once: too many others wait)
 * ```
 *
 * While it is `running` the answer may be shown as a draft, an event of its own that is edited (draft.ts). A turn that is
 * taken up again after a crash finds its draft by the transaction id, and goes on editing it.
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
  /** The message of a person that it goes back to: the question itself, unless an agent asked it. */
  readonly origin: string;
  /** Over how many agents it came from there. */
  readonly hops: number;
  /** How often the question was answered before. */
  readonly round: number;
  readonly kind: TurnKind;
  /**
   * Whether the question came encrypted, or anything that went into its prompt when it was asked before. What is found while
   * it is answered stands in the row alone: see TurnStore.cameEncrypted.
   */
  readonly encrypted: boolean;
}

/** A question that is asked for the first time. */
export type NewTurn = Omit<Turn, "id" | "round" | "kind">;

/**
 * Why a question is answered: because it was asked; because somebody wants another answer, or more of the one there is; or
 * because it was edited, and the answer is to be edited too.
 */
export type TurnKind = "answer" | "again" | "continue" | "edit";

/** A turn that somebody points at. */
export interface TurnAbout {
  readonly turn: Turn;
  /** Whether it has not come to its end. */
  readonly isOpen: boolean;
  /** The message pointed at, as people see it, where it is an answer or a part of one. */
  readonly answer?: string;
}

/** The outcome of a turn, as it is sent. The turn's row holds it as JSON from the step to `sending` on. */
export type TurnReply = AnsweredReply | FailedReply | StoppedReply;

/** The model's answer. */
export interface AnsweredReply extends ReplyMessages {
  readonly outcome: "answered";
  readonly usage?: TokenUsage;
}

/** A notice that says why there is no answer, or what there is of one and the notice below it. */
export interface FailedReply extends ReplyMessages {
  readonly outcome: "failed";
  /** The kind of failure, for the log and the row. It holds no text of the conversation. */
  readonly failure: string;
  /** The provider that the question waits for, until the room consents to it: see privacy/consents.ts. */
  readonly consentTarget?: string;
  /** The same question may be answered soon: nothing was said, because the model's server was away. */
  readonly retry?: true;
  /** The text that was said, and perhaps shown, before it failed. */
  readonly partial?: string;
}

/** The part of an answer that was there when somebody stopped it. */
export interface StoppedReply extends ReplyMessages {
  readonly outcome: "stopped";
  /** The question is gone: nothing of its answer stays. */
  readonly withdrawn?: boolean;
}

/** The part of a reply that people see. */
interface ReplyMessages {
  /** They are sent one after the other, each as an event of its own. */
  readonly messages: readonly TurnMessage[];
  /** Earlier messages that are deleted, because these take their place. */
  readonly redacts?: readonly string[];
}

/** Tokens as the provider counted them. */
export interface TokenUsage {
  readonly promptTokens: number;
  readonly answerTokens: number;
}

/** The part of a reply that stays in the turn's row when it has been sent. */
export type TurnEnd =
  | Pick<AnsweredReply, "outcome" | "usage">
  | Pick<FailedReply, "outcome" | "failure" | "consentTarget">
  | Pick<StoppedReply, "outcome">;

/** One message of a reply. */
export interface TurnMessage {
  /** Content of the `m.room.message`. */
  readonly content: Readonly<Record<string, unknown>>;
  /** What the agent will remember to have said; undefined for a notice. */
  readonly remembered?: string;
  /** The event that this is an edit of: what people see, and reply to. */
  readonly editOf?: string;
  /** Fixed words that hold nothing of the conversation: they may go in clear, whatever the turn is made of. */
  readonly isFixed?: boolean;
}

/** Somebody asked for the answer to stop, or the question is gone. */
export class TurnStopped extends Error {
  override readonly name = "TurnStopped";
  /** Whether what there is of the answer stays. */
  readonly keeps: boolean;

  constructor({ keeps }: { readonly keeps: boolean }) {
    super("the answer was stopped");
    this.keeps = keeps;
  }
}

/** The conversation a turn belongs to, a thread or what is beside all threads: its turns run one after the other. */
export function conversationOf(turn: Pick<Turn, "ghost" | "roomId" | "threadRoot">): string {
  return `${turn.ghost} ${turn.roomId} ${turn.threadRoot ?? ""}`;
}

/** What names a send of a turn, the same however often it is tried (see Outbox). */
export function stepOf(turn: Pick<Turn, "eventId" | "round">, step: string): string {
  return turn.round === 0 ? `${turn.eventId} ${step}` : `${turn.eventId} ${turn.round} ${step}`;
}
