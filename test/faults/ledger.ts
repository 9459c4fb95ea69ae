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

const SETTLE_MS = 90_000;

/** Every question, and its result. */
export class Ledger {
  readonly #questions = new Map<Chat, string[]>();
  /** The number of questions of a chat when all of them had their reply. */
  readonly #settled = new Map<Chat, number>();
  /** Chats that have had their last question. */
  readonly #finished = new Set<Chat>();

  /** Asks a question; while the homeserver is away, again and again. Resolves when the homeserver has it. */
  async ask(chat: Chat, body: string): Promise<void> {
    const questions = this.#questions.get(chat) ?? [];
    this.#questions.set(chat, questions);
    for (;;) {
      try {
        questions.push(await chat.person.sendText({ roomId: chat.roomId, body }));
        return;
      } catch (error) {
        if (!/fail|fetch|connect|timed? ?out|502|503|504/i.test(String(error))) throw error;
        await sleep(300);
      }
    }
  }

  /** Waits until every question has its reply, or `timeoutMs` are over. */
  settle(timeoutMs = SETTLE_MS): Promise<void> {
    return this.#settle(() => [...this.#questions.keys()], timeoutMs);
  }

  /** The same for the questions of one chat. */
  settleIn(chat: Chat, timeoutMs = SETTLE_MS): Promise<void> {
    return this.#settle(() => [chat], timeoutMs);
  }

  /**
   * Asks a last question in a chat and waits for the replies: nothing more is in progress then, because any second answer
   * has been sent by then. The person may leave.
   */
  async finish(chat: Chat, timeoutMs?: number): Promise<void> {
    await this.settleIn(chat, timeoutMs);
    await this.ask(chat, "is that all?");
    await this.settleIn(chat, timeoutMs);
    this.#finished.add(chat);
  }

  /** Waits, finishes every chat, and counts. */
  async tally(timeoutMs?: number): Promise<Tally> {
    await this.settle(timeoutMs);
    const chats = [...this.#questions.keys()];
    await Promise.all(chats.filter((chat) => !this.#finished.has(chat)).map((chat) => this.finish(chat, timeoutMs)));
    const results = [...this.#questions].flatMap(([chat, questions]) => {
      const replies = repliesIn(chat);
      return questions.map((eventId) => ({ eventId, replies: replies.get(eventId) ?? [] }));
    });
    const notices = results.filter(({ replies: [reply] }) => reply?.content["msgtype"] === "m.notice");
    return {
      asked: results.length,
      once: results.filter(({ replies }) => replies.length === 1).length,
      lost: results.filter(({ replies }) => replies.length === 0).length,
      twice: results.filter(({ replies }) => replies.length > 1).length,
      undecryptable: chats
        .flatMap(({ person, agent, roomId }) => person.messages(roomId).filter(({ sender }) => sender === agent))
        .filter(({ decryptionError }) => decryptionError !== undefined).length,
      notices: notices.length,
      bad: results.filter(({ replies }) => replies.length !== 1).map(({ eventId }) => eventId),
      said: [...new Set(notices.map(({ replies: [reply] }) => reply?.body ?? ""))],
    };
  }

  /** The number of answered questions. */
  get answered(): number {
    return [...this.#questions].reduce((sum, [chat, questions]) => {
      if (this.#settled.get(chat) === questions.length) return sum + questions.length;
      const replies = repliesIn(chat);
      return sum + questions.filter((eventId) => replies.has(eventId)).length;
    }, 0);
  }

  get asked(): number {
    return [...this.#questions.values()].reduce((sum, questions) => sum + questions.length, 0);
  }

  async #settle(chats: () => readonly Chat[], timeoutMs: number): Promise<void> {
    try {
      const isSettled = (): boolean => chats().every((chat) => this.#isSettled(chat));
      await eventually("every question to be answered", isSettled, { timeoutMs, intervalMs: 100 });
    } catch (error) {
      // Counted as lost, which means more than that it took too long.
      if (!(error instanceof NeverHappened)) throw error;
    }
  }

  #isSettled(chat: Chat): boolean {
    const questions = this.#questions.get(chat) ?? [];
    if (this.#settled.get(chat) === questions.length) return true;
    const replies = repliesIn(chat);
    const isSettled = questions.every((eventId) => replies.has(eventId));
    if (isSettled) this.#settled.set(chat, questions.length);
    return isSettled;
  }
}

/** The replies of a chat's agent, by question. */
function repliesIn({ person, agent, roomId }: Chat): ReadonlyMap<string, readonly Message[]> {
  const replies = new Map<string, Message[]>();
  for (const message of person.messages(roomId)) {
    const question = answeredEvent(message.content);
    if (message.sender !== agent || message.redacted || question === undefined) continue;
    replies.set(question, [...(replies.get(question) ?? []), message]);
  }
  return replies;
}
