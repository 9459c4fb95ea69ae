import type { CallFilePlace } from "./call-file.ts";
/**
 * A turn is one question to one agent, and its course until its end; there is one per ghost and event, and one running per
 * conversation.
 *
 * ```
 * queued ──▶ running ──▶ sending ──▶ answered
 *   ▲           │            └─────▶ failed      (what was sent is a notice, or nothing could be sent)
 *   ├───────────┘ the process ended meanwhile; counted
 *   └──────── waiting ◀── running                (calls of tools wait for a person; decided, or its time is over)
 * queued ──▶ cancelled                            (the question was deleted, or its answer stopped, before it was begun;
 * waiting ─▶ cancelled                             or while it waited)
 * sending ─▶ cancelled                            (stopped; what was there by then is kept)
 * sending ─▶ failed                               (declined at once: too many others wait)
 * ```
 *
 * While it is `running` the answer may be shown as a draft, an event of its own that is edited (draft.ts). A turn that is
 * taken up again after a crash finds its draft by the transaction id, and goes on editing it.
 *
 * A `waiting` turn is only a row: it holds no place in memory, at a model or in its conversation, whose later questions are
 * answered meanwhile.
 *
 * The reply is stored with the step to `sending`. From there on the model is not asked again, and every send
 * has a transaction id made of ghost, question and step, so that a repeat after a crash is the same message.
 */
export type TurnState = "queued" | "running" | "waiting" | "sending" | "answered" | "failed" | "cancelled";

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
  /** The person's message behind it: the question itself, unless an agent asked it. */
  readonly origin: string;
  /** The number of agents that the question passed through. */
  readonly hops: number;
  /** The number of earlier answers to the question. */
  readonly round: number;
  readonly kind: TurnKind;
  /**
   * Whether the question, or any part of its earlier prompts, came encrypted. Anything found during the answer is only
   * in the row: see TurnStore.cameEncrypted.
   */
  readonly encrypted: boolean;
  /**
   * Whether a person asks it now by words of her own that came encrypted, which nobody else can have said: no repetition, no
   * edit, and no agent's question. Unlike `encrypted`, this never changes.
   */
  readonly isAuthentic?: true;
}

/** A question that is asked for the first time. */
export interface NewTurn extends Omit<Turn, "id" | "round" | "kind" | "isAuthentic"> {
  /** False where its words may be somebody else's, however they came. */
  readonly isAuthentic?: boolean;
}

/** A question as its first turn. */
export function firstTurn(turn: NewTurn): Omit<Turn, "id"> {
  const { isAuthentic: told = true, ...question } = turn;
  const isAuthentic = told && turn.encrypted && turn.hops === 0;
  return { ...question, round: 0, kind: "answer", ...(isAuthentic ? { isAuthentic } : {}) };
}

/**
 * The reason for answering a question: it was asked; somebody wants another answer, or more of the present one; or it
 * was edited, and the answer should be edited too.
 */
export type TurnKind = "answer" | "again" | "continue" | "edit";

/** A turn that somebody refers to. */
export interface TurnAbout {
  readonly turn: Turn;
  /** Whether it has not ended. */
  readonly isOpen: boolean;
  /** The message referred to, as people see it, where it is an answer or a part of one. */
  readonly answer?: string;
}

/** Turns of a conversation: all, or those of a question or of a person. */
export interface WhichTurns {
  readonly ghost: string;
  readonly roomId: string;
  readonly eventId?: string;
  readonly asker?: string;
}

/** The result of stopping turns. */
export interface StoppedTurns {
  /** The ids of turns that run. */
  readonly running: readonly number[];
  /** The number of the others. */
  readonly cancelled: number;
  /** The turns of these that waited for people's words about calls. */
  readonly waiting: readonly StoppedWait[];
}

/** A stopped turn whose calls waited for people. */
export interface StoppedWait {
  readonly turn: Turn;
  /** The codes of the questions about its calls. */
  readonly codes: readonly string[];
  /** The event in which its answer was shown so far, if any. */
  readonly draft: string | undefined;
  /** The model's words in it; empty where it said none, or they can't be opened any more. */
  readonly said: string;
}

/** The outcome of a turn, as it is sent. The turn's row holds it as JSON from the step to `sending` on. */
export type TurnReply = AnsweredReply | FailedReply | StoppedReply;

/** The model's answer. */
export interface AnsweredReply extends ReplyMessages {
  readonly outcome: "answered";
  readonly usage?: TokenUsage;
}

/** A notice with the reason why there is no answer, or the existing part of one and a notice below it. */
export interface FailedReply extends ReplyMessages {
  readonly outcome: "failed";
  /** The kind of failure, for the log and the row. It holds no text of the conversation. */
  readonly failure: string;
  /** The provider whose consent the question waits for: see privacy/consents.ts. */
  readonly consentTarget?: string;
  /** The same question may be answered soon: nothing was said, because the model's server was away. */
  readonly retry?: true;
  /** The text that was said, and perhaps shown, before it failed. */
  readonly partial?: string;
}

/** The part of an answer that existed when somebody stopped it. */
export interface StoppedReply extends ReplyMessages {
  readonly outcome: "stopped";
  /** The question is deleted: nothing of its answer stays. */
  readonly withdrawn?: boolean;
}

/** The part of a reply that people see. */
interface ReplyMessages {
  /** They are sent one after the other, each as a separate event. */
  readonly messages: readonly TurnMessage[];
  /** Earlier messages that are deleted, because these replace them. */
  readonly redacts?: readonly string[];
}

/** Tokens by the provider's count. */
export interface TokenUsage {
  readonly promptTokens: number;
  readonly answerTokens: number;
}

/** The part of a sent reply that stays in the turn's row. */
export type TurnEnd =
  | Pick<AnsweredReply, "outcome" | "usage">
  | Pick<FailedReply, "outcome" | "failure" | "consentTarget">
  | Pick<StoppedReply, "outcome">;

/** One message of a reply. */
export interface TurnMessage {
  /** Content of the `m.room.message`. */
  readonly content: Readonly<Record<string, unknown>>;
  /** The text that the agent will remember as its own; undefined for a notice. */
  readonly remembered?: string;
  /** The event that it edits, which people see and reply to. */
  readonly editOf?: string;
  /** A file in a result of the turn's calls that is uploaded when this is sent; the content lacks it until then. */
  readonly file?: CallFilePlace;
  /** Fixed words without anything of the conversation: they may go unencrypted in any case. */
  readonly isFixed?: boolean;
}

/** Somebody stopped the answer, or the question was deleted. */
export class TurnStopped extends Error {
  override readonly name = "TurnStopped";
  /** Whether the existing part of the answer stays. */
  readonly keeps: boolean;

  constructor({ keeps }: { readonly keeps: boolean }) {
    super("the answer was stopped");
    this.keeps = keeps;
  }
}

/** The conversation of a turn, which is a thread or everything outside threads: its turns run one after the other. */
export function conversationOf(turn: Pick<Turn, "ghost" | "roomId" | "threadRoot">): string {
  return `${turn.ghost} ${turn.roomId} ${turn.threadRoot ?? ""}`;
}

/** The name of a turn's send, the same at every attempt (see Outbox). */
export function stepOf(turn: Pick<Turn, "eventId" | "round">, step: string): string {
  return turn.round === 0 ? `${turn.eventId} ${step}` : `${turn.eventId} ${turn.round} ${step}`;
}

/** The ids of a turn, for the log. */
export function idsOfTurn({
  id,
  ghost,
  roomId,
  eventId,
}: Turn): Readonly<Record<"turn", number> & Record<"ghost" | "room" | "event", string>> {
  return { turn: id, ghost, room: roomId, event: eventId };
}
