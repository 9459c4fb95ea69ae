import type { ReadEvent } from "../ghost/ghost-handle.ts";
import { isHomeserverError } from "../homeserver/errors.ts";
import type { Logger } from "../observability/log.ts";
import type { Turn } from "../turns/turn.ts";
import type { History } from "../memory/history.ts";
import type { QuotedMessages } from "../memory/quoted-messages.ts";
import type { FoundMessage, RememberedMessage } from "../memory/remembered-message.ts";
import { saidBy } from "../addressing/said.ts";

/** An event from the room, with its sender's name there. */
export interface ReadMessage extends ReadEvent {
  readonly speaker: string;
}

/** The parts that the search needs. */
export interface RepliedMessagesOptions {
  readonly history: History;
  readonly quoted: QuotedMessages;
  /** An event of a room as a ghost may see it; undefined when it can't. */
  readonly readEvent: (
    ghost: string,
    roomId: string,
    eventId: string,
    signal: AbortSignal,
  ) => Promise<ReadMessage | undefined>;
  readonly log: Logger;
}

/** The messages that a question refers to, beside the conversation itself. */
export interface About {
  /** The messages that messages reply to, by event, the question's own first; a missing one can't be read. */
  readonly replies: ReadonlyMap<string, RememberedMessage>;
  /** The first message of the thread, where no conversation holds it. */
  readonly root: RememberedMessage | undefined;
  readonly isRootUnread: boolean;
}

/**
 * Finds the messages that others reply to: in the memory, or, for a question only, in the room. A person who
 * deliberately replies to a message, or asks in its thread, shares it with the agent. It is remembered for that, and
 * shown where it is replied to.
 */
export class RepliedMessages {
  readonly #options: RepliedMessagesOptions;

  constructor(options: RepliedMessagesOptions) {
    this.#options = options;
  }

  /**
   * @param messages the conversation up to the question of the turn, which is the last.
   * @param options.mayReadRoot whether the question's thread is certain enough.
   */
  async of(
    turn: Turn,
    messages: readonly RememberedMessage[],
    { mayReadRoot, signal }: { readonly mayReadRoot: boolean; readonly signal: AbortSignal },
  ): Promise<About> {
    const { ghost, roomId, threadRoot, eventId } = turn;
    const target = messages.find((message) => message.eventId === eventId)?.repliesTo;
    const root = threadRoot === undefined || threadRoot === eventId ? undefined : threadRoot;
    const wanted = new Set([root, target, ...messages.map(({ repliesTo }) => repliesTo)]);
    const ids = [...wanted].filter((id): id is string => id !== undefined && id !== "");
    const found = await this.#options.history.find(ghost, roomId, ids);
    const read = async (id: string | undefined): Promise<FoundMessage | undefined> => {
      if (id === undefined || id === "" || found.has(id)) return id === undefined ? undefined : found.get(id);
      const message = await this.#read(turn, id, signal);
      if (message !== undefined) found.set(id, message);
      return message;
    };
    await read(target);
    const first =
      root !== undefined && mayReadRoot ? await read(root) : root === undefined ? undefined : found.get(root);
    return {
      replies: found,
      // Messages to the agent, and those that it overheard, are among the messages or in the summary.
      root: first?.isOnlyQuoted === true ? first : undefined,
      isRootUnread: root !== undefined && first === undefined,
    };
  }

  async #read(
    { ghost, roomId, eventId: question }: Turn,
    eventId: string,
    signal: AbortSignal,
  ): Promise<FoundMessage | undefined> {
    const { history, quoted, readEvent, log } = this.#options;
    await quoted.quote(ghost, roomId, eventId, async () => {
      const event = await readEvent(ghost, roomId, eventId, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        if (!isHomeserverError(error)) throw error;
        log.warn({ ghost, room: roomId, event: question, error }, "the message behind a reply could not be fetched");
        return undefined;
      });
      const said = event && saidBy(event.content);
      if (event === undefined || said === undefined) {
        log.info({ ghost, room: roomId, event: question }, "the message behind a reply could not be decrypted");
        return undefined;
      }
      const { sender, speaker, sentAt, encrypted } = event;
      return { author: sender === ghost ? "agent" : "person", sender, speaker, sentAt, encrypted, ...said };
    });
    return (await history.find(ghost, roomId, [eventId])).get(eventId);
  }
}
