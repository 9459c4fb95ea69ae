import type { Queryable } from "../database/database.ts";
import type { SendOptions, SentEvent } from "../ghost/form.ts";
import type { Lease } from "../leases/leases.ts";
import type { CallFilePlace } from "./call-file.ts";
import type { CallsWanted, ReadyCall } from "./step-loop.ts";
import type { OpenCall, ProposedCall, TurnStep } from "./turn-step.ts";
import type { Turn, TurnMessage, TurnReply } from "./turn.ts";

/** The port that turns call upwards; the answering and the ghosts implement it. */
export interface TurnWork {
  /** Reads what an attempt at an answer needs of its room. Each attempt reads it anew. */
  attempt(turn: Turn): Promise<AnswerAttempt>;
  /** The reply of a turn that never came to an end, or whose time came too late. */
  giveUp(turn: Turn, why: "unknown" | "waited" | "timeout"): Promise<TurnReply>;
  /**
   * The earlier form of this answer: the draft of a former process (whose interrupted send is finished first), or the
   * answer to be edited, with all its parts.
   */
  former(turn: Turn, content: TurnMessage["content"], options: SendOptions): Promise<readonly string[]>;
  /** Keeps the ghost loaded and shows in the room that it is at work, until `end` is called. Throws LeaseHeld. */
  begin(turn: Turn): Promise<{ readonly lease: Lease; readonly end: () => void }>;
  /** Sends one message, once for the same turn and step. The caller records that it was sent. */
  send(turn: Turn, step: string, content: TurnMessage["content"], options: SendOptions): Promise<SentEvent>;
  /**
   * The content of a message with its file, which is uploaded; a notice where the homeserver does not take it. Throws
   * HomeserverError where it may take it later.
   */
  withUpload(turn: Turn, message: MessageWithFile): Promise<TurnMessage["content"]>;
  /** The event that was sent under a step; undefined when there is none. */
  sent(turn: Turn, step: string): Promise<string | undefined>;
  /** Deletes an event of the ghost, once. */
  redact(turn: Turn, step: string, eventId: string): Promise<void>;
  /** Makes ready to store the agent's words, in the transaction that ends the turn. */
  remembering(tx: Queryable, turn: Turn): Promise<RememberMessage>;
  /** Called when a turn has ended. Returns at once. */
  ended(turn: Turn, reply: TurnReply): void;
  /** The shortest wait until the same call may succeed (a server is away), in ms; undefined when it never will. */
  retryAfterMs(error: unknown): number | undefined;
}

/** A message of a reply whose file is not uploaded yet. */
export type MessageWithFile = Pick<TurnMessage, "content"> & { readonly file: CallFilePlace };

/** One attempt at an answer, with the facts that were read of its room. */
export interface AnswerAttempt {
  /**
   * Asks the model and composes the reply, or the calls that it wants. A model's failure is a reply too (`failed`), and so is an answer that
   * `signal` stopped (TurnStopped) or that took too long (TimeoutError).
   *
   * @param asking.steps the steps so far.
   * @param asking.mayCall whether it may call tools.
   * @param asking.show receives the answer so far.
   */
  respond(asking: Asking): Promise<TurnReply | CallsWanted>;
  /** Makes a call ready; see {@link StepWork}. Throws the signal's reason. */
  ready(step: OpenCall, asking: ReadyAsking): Promise<ReadyCall>;
  /** The reply with the files of the steps' results behind its words. */
  withFiles(reply: TurnReply, steps: readonly TurnStep[]): TurnReply;
  /** The words so far, as the draft shows them while calls wait for a person. */
  waiting(steps: readonly TurnStep[]): Promise<string>;
  /** The reply of an answer that was stopped while a call was under way. */
  stoppedIn(call: ProposedCall, steps: readonly TurnStep[]): Promise<TurnReply>;
  /** The words so far with the call that is about to be made, as the draft shows them. */
  underWay(steps: readonly TurnStep[], call: ProposedCall): Promise<string>;
  /** The content of the edit of a question about a call that says that nobody has answered it in time. */
  timeIsOver(question: string): Promise<TurnMessage["content"]>;
  drafting(): Promise<Drafting>;
}

/** The circumstances of a call that is made ready. */
export interface ReadyAsking extends Pick<Asking, "steps" | "signal"> {
  readonly isAhead: boolean;
}

/** A question to the model of a turn. */
export interface Asking {
  readonly steps: readonly TurnStep[];
  readonly mayCall: boolean;
  readonly show: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Stores a message of the agent as an event. It starts its only statement at once. */
export type RememberMessage = (eventId: string, text: string) => Promise<unknown>;

/** A growing answer as those see it who watch it. */
export interface LiveDraft {
  /** Whether its message is there, and tells of it. Otherwise nothing can be shown so. */
  readonly isOpen: boolean;
  /** Called when the message with its first words is in the room. */
  begun(eventId: string, text: string): Promise<void>;
  /** Shows more; false where it is not open. A failure is nobody's: the whole comes in the end. */
  update(text: string): Promise<boolean>;
  /** Shows nothing more. */
  end(): void;
}

/** The form in which a growing answer is shown. */
export interface Drafting {
  /** Where it is shown by a stream to those who watch, instead of by edits to all. */
  readonly live?: LiveDraft | undefined;
  /** Whether it is shown; otherwise it comes when it is complete. */
  readonly shows: boolean;
  /** The most edits of the draft, without the final form. */
  readonly maxEdits: number;
  /** The content of the draft's event, which is about to be sent. */
  begin(text: string): Promise<TurnMessage["content"]>;
  /** The same for a draft that a former process was about to send, and whose room has become encrypted since. */
  readonly anew: TurnMessage["content"];
  /** The content of an edit of it. */
  edit(eventId: string, text: string): Promise<TurnMessage["content"]>;
  /** The reply of which nothing was shown, with the existing part of a failed answer. */
  whole(reply: TurnReply): Promise<TurnReply>;
  /** The reply whose first message replaces the earlier form (the draft first), by an edit or by deleting it. */
  finish(reply: TurnReply, former: readonly [string, ...string[]]): Promise<TurnReply>;
}
