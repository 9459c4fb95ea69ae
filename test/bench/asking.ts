import { NeverHappened } from "../support/eventually.ts";
import type { User } from "../support/user.ts";

/** A room in which somebody asks an agent. */
export interface Chat {
  readonly person: User;
  readonly roomId: string;
  readonly agent: string;
}

const ANSWER_TIMEOUT_MS = 180_000;

/** Invites agents, each to a direct chat; resolves when they are there. */
export async function openChats(person: User, agents: readonly string[]): Promise<Chat[]> {
  const chats: Chat[] = [];
  for (const agent of agents) {
    const roomId = await person.createRoom({ direct: true, invite: [agent] });
    await person.waitMember(roomId, agent, "join", ANSWER_TIMEOUT_MS);
    chats.push({ person, roomId, agent });
  }
  return chats;
}

export interface AskOptions {
  /** Whether the question names the agent, as it must in a group. Default false. */
  readonly mention?: boolean;
  /** The time until the question counts as unanswered. Default three minutes. */
  readonly timeoutMs?: number;
}

/**
 * Asks, and resolves with the time until the person's client had decrypted the answer, in ms. The model's echo proves
 * that the answer belongs to this question. Throws NeverHappened when no answer comes.
 */
export async function ask(chat: Chat, options: AskOptions = {}): Promise<number> {
  return (await askInParts(chat, options)).ms;
}

/** The time of a question and its answer, in ms. */
export interface AskedInParts {
  /** From the person's word to the readable answer. */
  readonly ms: number;
  /** The part until the homeserver had the question: the person's own client shares its key with the room's devices in it. */
  readonly sendingMs: number;
}

/** The same, with the part that the person's own client takes. */
export async function askInParts({ person, roomId, agent }: Chat, options: AskOptions = {}): Promise<AskedInParts> {
  const { mention = false, timeoutMs = ANSWER_TIMEOUT_MS } = options;
  const body = `question ${crypto.randomUUID()}`;
  const started = performance.now();
  const answered = new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => {
      end();
      reject(new NeverHappened(`waited ${timeoutMs / 1_000} s for an answer of ${agent}`));
    }, timeoutMs);
    const end = person.onEvent((seen) => {
      if (seen.roomId !== roomId || seen.sender !== agent || !seen.encrypted) return;
      if (!String(seen.content["body"]).includes(body)) return;
      end();
      clearTimeout(timer);
      resolve(performance.now() - started);
    });
  });
  const sent = person
    .sendText({ roomId, body, ...(mention ? { mentions: [agent] } : {}) })
    .then(() => performance.now() - started);
  const [ms, sendingMs] = await Promise.all([answered, sent]);
  return { ms, sendingMs };
}
