import type { Queryable } from "../database/database.ts";
import type { SendOptions } from "../ghost/form.ts";
import type { Lease } from "../leases/leases.ts";
import type { Turn, TurnMessage, TurnReply } from "./turn.ts";

/** The port that points up: what turns ask of their surroundings. The answering and the ghosts provide it. */
export interface TurnWork {
  /**
   * Asks the model and composes what to say; a model's failure is an answer too (`failed`), and so is one that `signal`
   * stopped (TurnStopped) or that took too long (TimeoutError).
   *
   * @param show is told the answer as far as it has come.
   */
  respond(turn: Turn, show: (text: string) => void, signal: AbortSignal): Promise<TurnReply>;
  /** What to say of a turn that never came to an end, or whose time came too late. */
  giveUp(turn: Turn, why: "unknown" | "waited" | "timeout"): Promise<TurnReply>;
  drafting(turn: Turn): Promise<Drafting>;
  /**
   * What was said of this answer before: the draft of a former process (a send that was interrupted is finished first), or
   * the answer that is to be edited, all its parts.
   */
  former(turn: Turn, content: TurnMessage["content"], options: SendOptions): Promise<readonly string[]>;
  /** Keeps the ghost loaded and shows in the room that it is at work, until `end` is called. Throws LeaseHeld. */
  begin(turn: Turn): Promise<{ readonly lease: Lease; readonly end: () => void }>;
  /** Sends one message, once, however often it is called with the same turn and step. Returns the event's id. */
  send(turn: Turn, step: string, content: TurnMessage["content"], options: SendOptions): Promise<string>;
  /** Takes an event of the ghost's back, once. */
  redact(turn: Turn, step: string, eventId: string): Promise<void>;
  /** Keeps what the agent has said, in the transaction that ends the turn. */
  remember(tx: Queryable, turn: Turn, eventId: string, text: string): Promise<void>;
  /** Is told that a turn has come to its end. Returns at once. */
  ended(turn: Turn, reply: TurnReply): void;
  /** How long to wait at least until the same may work (a server is away), in ms; undefined when it never will. */
  retryAfterMs(error: unknown): number | undefined;
}

/** How an answer is shown while it is made. */
export interface Drafting {
  /** Whether it is; else it comes when it is whole. */
  readonly shows: boolean;
  /** How often the draft may be edited, the final form not counted. */
  readonly maxEdits: number;
  /** The content of the draft's event, which is about to be sent. */
  begin(text: string): Promise<TurnMessage["content"]>;
  /** The same, for one that a former process was about to send and whose room has become encrypted since. */
  readonly anew: TurnMessage["content"];
  /** The content of an edit of it. */
  edit(eventId: string, text: string): Promise<TurnMessage["content"]>;
  /** The reply of which nothing was shown, with what there is of the answer where it failed. */
  whole(reply: TurnReply): Promise<TurnReply>;
  /** The reply with what was said before (the draft first) in the place of its first message, or gone. */
  finish(reply: TurnReply, former: readonly [string, ...string[]]): Promise<TurnReply>;
}
