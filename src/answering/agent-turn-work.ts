import type { Background } from "../concurrency/background.ts";
import type { Queryable } from "../database/database.ts";
import type { SendOptions, SentEvent } from "../ghost/form.ts";
import type { Ghost } from "../ghost/ghost.ts";
import { GhostHalted, HALTED_WAIT_MS } from "../ghost/halted.ts";
import { askedToWaitMs } from "../homeserver/errors.ts";
import type { Lease } from "../leases/leases.ts";
import { isRetryable } from "../observability/retryable.ts";
import { DRAFT_STEP } from "../turns/turn-runner.ts";
import type { AnswerAttempt, MessageWithFile, RememberMessage, TurnWork } from "../turns/turn-work.ts";
import { stepOf, type Turn, type TurnMessage, type TurnReply } from "../turns/turn.ts";
import type { Answering } from "./answering.ts";

/** The surroundings of turns: agents answer them, and their ghosts send the answers. */
export class AgentTurnWork implements TurnWork {
  readonly #answering: Answering;
  readonly #ghostOf: (userId: string) => Ghost;
  readonly #background: Background;

  constructor(answering: Answering, ghostOf: (userId: string) => Ghost, background: Background) {
    this.#answering = answering;
    this.#ghostOf = ghostOf;
    this.#background = background;
  }

  attempt(turn: Turn): Promise<AnswerAttempt> {
    return this.#answering.attempt(turn, () => this.#ghostOf(turn.ghost).look(turn.roomId));
  }

  giveUp(turn: Turn, why: "unknown" | "waited" | "timeout"): Promise<TurnReply> {
    return this.#answering.giveUp(turn, why);
  }

  async former(turn: Turn, content: TurnMessage["content"], options: SendOptions): Promise<readonly string[]> {
    const answer = await this.#answering.toBeEdited(turn);
    if (answer.length > 0) return answer;
    const step = stepOf(turn, DRAFT_STEP);
    const draft = await this.#ghostOf(turn.ghost).resend(turn.roomId, "m.room.message", content, step, options);
    return draft === undefined ? [] : [draft];
  }

  async begin(turn: Turn): Promise<{ readonly lease: Lease; readonly end: () => void }> {
    const { lease, release } = await this.#ghostOf(turn.ghost).hold();
    const endTyping = this.#ghostOf(turn.ghost).startTyping(turn.roomId);
    return {
      lease,
      end: () => {
        endTyping();
        release();
      },
    };
  }

  send(turn: Turn, step: string, content: TurnMessage["content"], options: SendOptions): Promise<SentEvent> {
    return this.#ghostOf(turn.ghost).sendUnmarked(turn.roomId, "m.room.message", content, stepOf(turn, step), options);
  }

  withUpload(turn: Turn, message: MessageWithFile): Promise<TurnMessage["content"]> {
    return this.#answering.withUpload(turn, message);
  }

  sent(turn: Turn, step: string): Promise<string | undefined> {
    return this.#ghostOf(turn.ghost).sent(turn.roomId, stepOf(turn, step));
  }

  redact(turn: Turn, step: string, eventId: string): Promise<void> {
    return this.#ghostOf(turn.ghost).redact(turn.roomId, eventId, stepOf(turn, step));
  }

  remembering(tx: Queryable, turn: Turn): Promise<RememberMessage> {
    return this.#answering.remembering(tx, turn);
  }

  ended(turn: Turn, reply: TurnReply): void {
    this.#background.run("what follows an answer", () => this.#answering.ended(turn, reply));
  }

  retryAfterMs(error: unknown): number | undefined {
    if (error instanceof GhostHalted) return HALTED_WAIT_MS;
    return isRetryable(error) ? askedToWaitMs(error) : undefined;
  }
}
