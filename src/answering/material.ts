import type { Agent } from "../agents/agents.ts";
import type { History } from "../memory/history.ts";
import type { RememberedMessage } from "../memory/remembered-message.ts";
import type { RoomLook } from "../ghost/room-look.ts";
import { MOST_MESSAGES, type Summaries, type Summary } from "../memory/summaries.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import type { RoomDefaults, RoomSettings } from "../rooms/settings.ts";
import { conversationOf, type Turn } from "../turns/turn.ts";
import { ALONE, type Companies, type Company } from "./company.ts";
import type { About, RepliedMessages } from "./replied-messages.ts";
import { agentIn } from "./agent-in-room.ts";

/** The material of a turn's prompt, for any model. */
export interface Material {
  /** The conversation up to the question, oldest first. */
  readonly latest: readonly RememberedMessage[];
  /** The messages that the question refers to, beside the conversation. */
  readonly about: About;
  /** The summary of earlier messages. */
  readonly summary: string | undefined;
  readonly company: Company;
  /** Whether any of it came encrypted. */
  readonly encrypted: boolean;
}

/** The source of an answer, besides its conversation. */
export interface Source {
  /** Whether the room is a direct chat. */
  readonly direct: boolean;
  /** The room's settings. */
  readonly set: RoomSettings;
  readonly company: Company;
  /** See {@link Rooms.isEncrypted}. */
  readonly isEncrypted: boolean;
  /** The summary of messages before the question, where it is wanted. */
  readonly summary: Summary | undefined;
  /** The conversation up to the question, without the messages of the summary. */
  readonly said: readonly RememberedMessage[];
}

/** The facts about a room that an answer needs. */
export type SeenForAnswer = Pick<RoomLook, "partner" | "settings" | "isEncrypted">;

/** The most conversations whose summary's place is remembered. */
const MOST_REMEMBERED = 10_000;

/** The prompt for a model that should continue. */
const GO_ON = "Go on exactly where you stopped. Do not repeat anything that you have said already.";

/** Gathers the material of turns' prompts. */
export class MaterialGatherer {
  readonly #history: Pick<History, "upTo">;
  readonly #summaries: Pick<Summaries, "get">;
  readonly #repliedMessages: RepliedMessages;
  readonly #companies: Companies;
  readonly #models: KnownModels;
  readonly #agentOf: (ghost: string) => Agent | undefined;
  readonly #defaults: () => Pick<RoomDefaults, "summaries">;
  /** By conversation; only of those with a summary. */
  readonly #summedUpTo = new Map<string, number>();

  /** @param options.defaults the values of rooms that set nothing; read anew each time. */
  constructor(options: {
    readonly history: Pick<History, "upTo">;
    readonly summaries: Pick<Summaries, "get">;
    readonly repliedMessages: RepliedMessages;
    readonly companies: Companies;
    readonly models: KnownModels;
    readonly agentOf: (ghost: string) => Agent | undefined;
    readonly defaults: () => Pick<RoomDefaults, "summaries">;
  }) {
    this.#history = options.history;
    this.#summaries = options.summaries;
    this.#repliedMessages = options.repliedMessages;
    this.#companies = options.companies;
    this.#models = options.models;
    this.#agentOf = options.agentOf;
    this.#defaults = options.defaults;
  }

  /**
   * Reads what an answer is made from: in one round trip, unless the conversation has another summary than last time.
   *
   * @param look reads what the ghost sees of the room.
   */
  async sourceOf(turn: Turn, look: () => Promise<SeenForAnswer>): Promise<Source> {
    const conversation = conversationOf(turn);
    const expected = this.#summedUpTo.get(conversation) ?? 0;
    const [{ partner, settings: set, isEncrypted }, before, read] = await Promise.all([
      look(),
      this.#summaries.get(turn),
      this.#saidTo(turn, expected),
    ]);
    const direct = partner !== undefined;
    const { summaries: sums = this.#defaults().summaries } = set;
    // An old question that is answered again gets the prompt of its time.
    const summary = sums === "on" && before !== undefined && before.upTo < turn.position ? before : undefined;
    const upTo = summary?.upTo ?? 0;
    this.#remember(conversation, upTo);
    const [company, said] = await Promise.all([
      direct ? ALONE : this.#companies.of(turn, set),
      upTo === expected ? read : this.#saidTo(turn, upTo),
    ]);
    return { direct, set, company, isEncrypted, summary, said };
  }

  #saidTo({ ghost, roomId, position, kind, threadRoot }: Turn, after: number): Promise<RememberedMessage[]> {
    const withAnswer = kind === "continue";
    return this.#history.upTo(ghost, roomId, position, MOST_MESSAGES, { withAnswer, threadRoot, after });
  }

  /** Remembers the position up to which a conversation is summed up. It only says what is worth reading at once. */
  #remember(conversation: string, upTo: number): void {
    this.#summedUpTo.delete(conversation);
    if (upTo === 0) return;
    this.#summedUpTo.set(conversation, upTo);
    for (const oldest of this.#summedUpTo.keys()) {
      if (this.#summedUpTo.size <= MOST_REMEMBERED) break;
      this.#summedUpTo.delete(oldest);
    }
  }

  async gather(turn: Turn, { direct, set, company, summary, said }: Source, signal: AbortSignal): Promise<Material> {
    const isMore = turn.kind === "continue";
    const about = await this.#repliedMessages.of(turn, said, {
      mayReadRoot: this.#isRootCertain(turn, set, direct),
      signal,
    });
    const messages = inThread(about.root, said);
    const question = said.find(({ eventId }) => eventId === turn.eventId);
    const latest =
      isMore && question !== undefined
        ? [...messages, { ...question, body: GO_ON, attachment: undefined, repliesTo: undefined }]
        : messages;
    const encrypted =
      turn.encrypted ||
      set.encrypted ||
      company.discussion?.encrypted === true ||
      summary?.encrypted === true ||
      [...latest, ...about.replies.values()].some((message) => message.encrypted);
    return { latest, about, summary: summary?.body, company, encrypted };
  }

  /**
   * Whether a message's thread is certain: it stands outside the ciphertext, so the homeserver could have invented it.
   */
  #isRootCertain({ ghost, encrypted }: Turn, set: RoomSettings, direct: boolean): boolean {
    return direct || !encrypted || agentIn(this.#agentOf(ghost), set, this.#models)?.locality === "local";
  }
}

/**
 * A conversation with the first message of its thread. No prompt begins with the agent's own words: the first message
 * that replies to nothing else quotes them.
 */
function inThread(
  root: RememberedMessage | undefined,
  messages: readonly RememberedMessage[],
): readonly RememberedMessage[] {
  if (root === undefined) return messages;
  if (root.author === "person") return [root, ...messages];
  const first = messages.find(
    ({ author, repliesTo = root.eventId }) => author === "person" && repliesTo === root.eventId,
  );
  return messages.map((message) => (message === first ? { ...message, repliesTo: root.eventId } : message));
}
