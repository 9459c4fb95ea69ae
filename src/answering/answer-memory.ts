import type { Agent } from "../agents/agents.ts";
import type { Queryable } from "../database/database.ts";
import type { History } from "../memory/history.ts";
import type { Turn } from "../turns/turn.ts";
import type { TurnStore } from "../turns/turn-store.ts";

/** The agents' memory of their own answers. */
export class AnswerMemory {
  readonly #history: Pick<History, "remember" | "answersTo">;
  readonly #turns: Pick<TurnStore, "cameEncrypted">;
  readonly #agentOf: (ghost: string) => Agent | undefined;

  constructor(
    history: Pick<History, "remember" | "answersTo">,
    turns: Pick<TurnStore, "cameEncrypted">,
    agentOf: (ghost: string) => Agent | undefined,
  ) {
    this.#history = history;
    this.#turns = turns;
    this.#agentOf = agentOf;
  }

  /** Stores an agent's message. */
  async remember(tx: Queryable, turn: Turn, eventId: string, text: string): Promise<void> {
    await this.#history.remember(tx, turn.ghost, turn.roomId, {
      eventId,
      author: "agent",
      sender: turn.ghost,
      speaker: this.#agentOf(turn.ghost)?.displayName ?? turn.ghost,
      body: text,
      sentAt: Date.now(),
      answers: turn.position,
      threadRoot: turn.threadRoot,
      encrypted: await this.#turns.cameEncrypted(turn, tx),
    });
  }

  /** The answer that a turn should edit, with all its parts; empty when it should send a new message. */
  async toBeEdited(turn: Turn): Promise<readonly string[]> {
    return turn.kind === "edit" ? this.#history.answersTo(turn.ghost, turn.roomId, turn.eventId) : [];
  }
}
