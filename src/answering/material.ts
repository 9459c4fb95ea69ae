import type { Agent } from "../agents/agents.ts";
import type { History } from "../memory/history.ts";
import type { RememberedMessage } from "../memory/remembered-message.ts";
import type { RoomLook } from "../ghost/room-look.ts";
import type { Summaries, Summary } from "../memory/summaries.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import type { RoomDefaults, RoomSettings } from "../rooms/settings.ts";
import type { Turn } from "../turns/turn.ts";
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

/** What an answer is made from, besides its conversation. */
export interface Source {
  /** Whether the room is a direct chat. */
  readonly direct: boolean;
  /** The room's settings. */
  readonly set: RoomSettings;
  readonly company: Company;
  /** The summary of earlier messages, whether it is wanted or not. */
  readonly summary: Summary | undefined;
}

/** The most messages in a prompt, however short they are. */
const MAX_PROMPT_MESSAGES = 200;

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

  /** @param look reads what the ghost sees of the room. */
  async sourceOf(turn: Turn, look: () => Promise<Pick<RoomLook, "partner" | "settings">>): Promise<Source> {
    const [{ partner, settings: set }, summary] = await Promise.all([look(), this.#summaries.get(turn)]);
    const direct = partner !== undefined;
    return { direct, set, company: direct ? ALONE : await this.#companies.of(turn, set), summary };
  }

  async gather(turn: Turn, { direct, set, company, summary: known }: Source, signal: AbortSignal): Promise<Material> {
    const { ghost, roomId, position, kind, threadRoot } = turn;
    const isMore = kind === "continue";
    const { summaries: sums = this.#defaults().summaries } = set;
    const before = sums === "on" ? known : undefined;
    // An old question that is answered again gets the prompt of its time.
    const summary = before !== undefined && before.upTo < position ? before : undefined;
    const said = await this.#history.upTo(ghost, roomId, position, MAX_PROMPT_MESSAGES, {
      withAnswer: isMore,
      threadRoot,
      after: summary?.upTo ?? 0,
    });
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
