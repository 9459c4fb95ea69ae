import { setTimeout as sleep } from "node:timers/promises";
import { answeredEvent } from "../../src/matrix/relation.ts";
import { eventually, NeverHappened } from "../support/eventually.ts";
import type { Message, User } from "../support/user.ts";

/** The results. All but `asked`, `once` and `notices` must be zero. */
export interface Tally {
  readonly asked: number;
  /** Questions with exactly one reply. */
  readonly once: number;
  readonly lost: number;
  readonly twice: number;
  /** Events of the agent that their reader could not decrypt. */
  readonly undecryptable: number;
  /** Questions that got a notice in place of an answer. */
  readonly notices: number;
  /** The words of those notices, each once. */
  readonly said: readonly string[];
  /** Event ids of the questions that were lost or answered twice. */
  readonly bad: readonly string[];
}

/** A room with a person and an agent in it. */
export interface Chat {
  readonly person: User;
  readonly agent: string;
  readonly roomId: string;
}

/** Every question, and its result. */
export class Ledger {
  readonly #asked: { readonly chat: Chat; readonly eventId: string }[] = [];

  /** Asks a question; while the homeserver is away, again and again. Resolves when the homeserver has it. */
  async ask(chat: Chat, body: string): Promise<void> {
    for (;;) {
      try {
        this.#asked.push({ chat, eventId: await chat.person.sendText({ roomId: chat.roomId, body }) });
        return;
      } catch (error) {
        if (!/fail|fetch|connect|timed? ?out|502|503|504/i.test(String(error))) throw error;
        await sleep(300);
      }
    }
  }

  /** Waits until every question has its reply, or `timeoutMs` are over. */
  async settle(timeoutMs = 90_000): Promise<void> {
    try {
      await eventually("every question to be answered", () => this.#asked.every((q) => this.#replies(q).length > 0), {
        timeoutMs,
        intervalMs: 100,
      });
    } catch (error) {
      // Counted as lost, which means more than that it took too long.
      if (!(error instanceof NeverHappened)) throw error;
    }
  }

  /**
   * Waits, and counts. A last question in every room shows that nothing more was in progress: any second answer has
   * been sent by then.
   */
  async tally(timeoutMs?: number): Promise<Tally> {
    await this.settle(timeoutMs);
    const chats = new Set(this.#asked.map(({ chat }) => chat));
    for (const chat of chats) await this.ask(chat, "is that all?");
    await this.settle(timeoutMs);
    const replies = this.#asked.map((question) => this.#replies(question));
    const agents = new Set([...chats].map(({ agent }) => agent));
    return {
      asked: replies.length,
      once: replies.filter(({ length }) => length === 1).length,
      lost: replies.filter(({ length }) => length === 0).length,
      twice: replies.filter(({ length }) => length > 1).length,
      undecryptable: [...chats]
        .flatMap(({ person, roomId }) => person.messages(roomId))
        .filter(({ sender, decryptionError }) => agents.has(sender) && decryptionError !== undefined).length,
      notices: replies.filter(isNotice).length,
      bad: this.#asked.filter((_, index) => replies[index]?.length !== 1).map(({ eventId }) => eventId),
      said: [...new Set(replies.filter(isNotice).map(([reply]) => reply?.body ?? ""))],
    };
  }

  /** The number of answered questions. */
  get answered(): number {
    return this.#asked.filter((question) => this.#replies(question).length > 0).length;
  }

  get asked(): number {
    return this.#asked.length;
  }

  #replies({ chat, eventId }: { readonly chat: Chat; readonly eventId: string }): Message[] {
    return chat.person
      .messages(chat.roomId)
      .filter(
        ({ sender, redacted, content }) => sender === chat.agent && !redacted && answeredEvent(content) === eventId,
      );
  }
}

function isNotice([reply]: readonly Message[]): boolean {
  return reply?.content["msgtype"] === "m.notice";
}
