import type { Agent } from "../agents/agents.ts";
import type { Queryable } from "../database/database.ts";
import type { History } from "../memory/history.ts";
import type { Turn } from "../turns/turn.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import type { RememberMessage } from "../turns/turn-work.ts";

/** The agents' memory of their own answers. */
export class AnswerMemory {
  readonly #history: Pick<History, "remembering" | "answersTo">;
  readonly #turns: Pick<TurnStore, "cameEncrypted">;
  readonly #agentOf: (ghost: string) => Agent | undefined;

  constructor(
    history: Pick<History, "remembering" | "answersTo">,
    turns: Pick<TurnStore, "cameEncrypted">,
    agentOf: (ghost: string) => Agent | undefined,
  ) {
    this.#history = history;
    this.#turns = turns;
    this.#agentOf = agentOf;
  }

  /** Makes ready to store an agent's messages: the returned function stores one, and starts its statement at once. */
  async remembering(tx: Queryable, turn: Turn): Promise<RememberMessage> {
    const [remember, encrypted] = await Promise.all([
      this.#history.remembering(tx, turn.ghost, turn.roomId),
      turn.encrypted || this.#turns.cameEncrypted(turn, tx),
    ]);
    return (eventId, text) =>
      remember({
        eventId,
        author: "agent",
        sender: turn.ghost,
        speaker: this.#agentOf(turn.ghost)?.displayName ?? turn.ghost,
        body: text,
        sentAt: Date.now(),
        answers: turn.position,
        threadRoot: turn.threadRoot,
        encrypted,
      });
  }

  /** The answer that a turn should edit, with all its parts; empty when it should send a new message. */
  async toBeEdited(turn: Turn): Promise<readonly string[]> {
    return turn.kind === "edit" ? this.#history.answersTo(turn.ghost, turn.roomId, turn.eventId) : [];
  }
}
