import type { Agent } from "../agents/agents.ts";
import type { History } from "../memory/history.ts";
import type { RememberedMessage } from "../memory/remembered-message.ts";
import type { Summaries } from "../memory/summaries.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import type { RoomDefaults, RoomSettings } from "../rooms/settings.ts";
import type { Turn } from "../turns/turn.ts";
import { ALONE, type Companies, type Company } from "./company.ts";
import type { About, RepliedMessages } from "./replied-messages.ts";
import { agentIn } from "./agent-in-room.ts";

/** What a turn's prompt is made of, whichever model answers. */
export interface Material {
  /** The conversation up to the question, oldest first. */
  readonly latest: readonly RememberedMessage[];
  /** What the question is about beside the conversation. */
  readonly about: About;
  /** What was said before, summed up. */
  readonly summary: string | undefined;
  readonly company: Company;
  /** Whether any of it came encrypted. */
  readonly encrypted: boolean;
}

/** How many messages back a prompt reaches at the most, however short they are. */
const MAX_PROMPT_MESSAGES = 200;

/** What a model is told that is to say more. */
const GO_ON = "Go on exactly where you stopped. Do not repeat anything that you have said already.";

/** Gathers what turns' prompts are made of. */
export class MaterialGatherer {
  readonly #history: Pick<History, "upTo">;
  readonly #summaries: Pick<Summaries, "get">;
  readonly #repliedMessages: RepliedMessages;
  readonly #companies: Companies;
  readonly #models: KnownModels;
  readonly #agentOf: (ghost: string) => Agent | undefined;
  readonly #defaults: () => Pick<RoomDefaults, "summaries">;

  /** @param options.defaults what rooms have that set nothing; asked anew each time. */
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
   * @param set what the room has set.
   * @param direct whether the room is a direct chat.
   */
  async gather(turn: Turn, set: RoomSettings, direct: boolean, signal: AbortSignal): Promise<Material> {
    const { ghost, roomId, position, kind, threadRoot } = turn;
    const isMore = kind === "continue";
    const { summaries: sums = this.#defaults().summaries } = set;
    const before = sums === "on" ? await this.#summaries.get(turn) : undefined;
    // An old question that is answered again is asked as it was then.
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
    const company = direct ? ALONE : await this.#companies.of(turn, set);
    const encrypted =
      turn.encrypted ||
      set.encrypted ||
      company.discussion?.encrypted === true ||
      summary?.encrypted === true ||
      [...latest, ...about.replies.values()].some((message) => message.encrypted);
    return { latest, about, summary: summary?.body, company, encrypted };
  }

  /** The thread that a message stands in is told outside the ciphertext: the homeserver could have made it up. */
  #isRootCertain({ ghost, encrypted }: Turn, set: RoomSettings, direct: boolean): boolean {
    return direct || !encrypted || agentIn(this.#agentOf(ghost), set, this.#models)?.locality === "local";
  }
}

/**
 * A conversation with what its thread begins with. No prompt begins with the agent's own words: the first message that replies to
 * nothing else quotes them.
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
