import type { Agent } from "../agents/agents.ts";
import { DEMO_MODEL } from "../providers/demo.ts";
import type { ChatMessage } from "../providers/provider.ts";
import type { ToolDefinition, ToolRound } from "../providers/tool-call.ts";
import type { Discussion } from "../turns/exchanges.ts";
import type { Turn } from "../turns/turn.ts";
import { LESS } from "./context-windows.ts";
import type { Material } from "./material.ts";
import type { ModelLimits } from "./model-limits.ts";
import { answerReserve, buildPrompt, type PromptMessage, type PromptParts } from "./prompt.ts";
import type { ReadMessages, TurnFiles } from "./turn-files.ts";
import { unlessAborted } from "../concurrency/unless-aborted.ts";
import type { Voice, Voices } from "./voices.ts";

/** The parts left out of a refused prompt. */
export interface Plan {
  readonly withoutOldPictures: boolean;
  readonly isShorter: boolean;
  readonly withoutTools: boolean;
}

/** A prompt for a model. */
export interface ModelPrompt {
  readonly messages: readonly ChatMessage[];
  /** The window that it was planned for, in tokens. */
  readonly contextTokens: number;
  readonly estimateTokens: (text: string) => number;
  /** Earlier messages with pictures, including those whose pictures were left out. */
  readonly oldPictures: readonly PromptMessage[];
  readonly leftOut: readonly PromptMessage[];
  /** The tokens of the tools, and of earlier calls with their results. */
  readonly toolTokens: number;
}

/** The source of a prompt, and the kind of the room. */
export interface PromptSource {
  readonly material: Material;
  /** Whether the room is a direct chat. */
  readonly direct: boolean;
}

/** The tools beside a prompt, and what was called before. */
interface BesidePrompt {
  readonly tools: readonly ToolDefinition[];
  readonly rounds: readonly ToolRound[];
}

/** Makes the prompts of turns, with as much of the conversation as the model can take. */
export class ModelPrompts {
  readonly #voices: Pick<Voices, "contextOf">;
  readonly #limits: ModelLimits;
  readonly #files: TurnFiles;
  readonly #agentOf: (ghost: string) => Agent | undefined;

  constructor(options: {
    readonly voices: Pick<Voices, "contextOf">;
    readonly limits: ModelLimits;
    readonly files: TurnFiles;
    readonly agentOf: (ghost: string) => Agent | undefined;
  }) {
    this.#voices = options.voices;
    this.#limits = options.limits;
    this.#files = options.files;
    this.#agentOf = options.agentOf;
  }

  /** Rejects with UnreadableFile where the question's own file can't be read, and with the signal's reason. */
  async of(
    voice: Voice,
    turn: Turn,
    { material, direct, tools, rounds }: PromptSource & BesidePrompt,
    plan: Plan,
    signal: AbortSignal,
  ): Promise<ModelPrompt> {
    const { agent, set } = voice;
    const contextTokens = this.#limits.windowOf(voice, await this.#voices.contextOf(voice));
    const counting = { group: !direct, estimateTokens: this.#limits.counterOf(voice) };
    const toolTokens =
      tools.length + rounds.length === 0 ? 0 : counting.estimateTokens(JSON.stringify([tools, rounds]));
    const budgetTokens =
      Math.floor((contextTokens - answerReserve(contextTokens)) * (plan.isShorter ? LESS : 1)) - toolTokens;
    const reading = this.#files.read(turn, voice, material, { ...counting, budgetTokens, signal });
    const { messages: read, replies } = await unlessAborted(reading, signal);
    const shown = this.#shown(voice, read, plan);
    const messages = buildPrompt({
      systemPrompt: set.system ?? agent.systemPrompt,
      keepInMind: set.remember,
      agentName: agent.displayName,
      hasTools: tools.length > 0,
      ...counting,
      helpers: helpersIn(material),
      discussion: material.company.discussion && this.#described(turn, material.company.discussion),
      summary: material.summary,
      messages: shown,
      replies,
      isRootUnread: material.about.isRootUnread,
      budgetTokens,
    });
    const target = read.at(-1)?.repliesTo;
    const oldPictures = shown.slice(0, -1).filter(({ eventId, images }) => images !== undefined && eventId !== target);
    const leftOut = read.filter(({ images }, at) => images !== undefined && shown[at]?.images === undefined);
    return { messages, contextTokens, estimateTokens: counting.estimateTokens, oldPictures, leftOut, toolTokens };
  }

  /** The messages, without earlier pictures that the model refuses; the question's own picture stays. */
  #shown(voice: Voice, read: ReadMessages["messages"], { withoutOldPictures }: Plan): readonly PromptMessage[] {
    const target = read.at(-1)?.repliesTo;
    return read.map((message, at) => {
      const isAsked = at === read.length - 1 || message.eventId === target;
      const isRefused = withoutOldPictures || this.#limits.refusesPictureOf(voice, message);
      return message.images === undefined || isAsked || !isRefused ? message : withoutPictures(message);
    });
  }

  #described({ ghost, hops }: Turn, { topic, participants, length }: Discussion): PromptParts["discussion"] {
    const others = participants.filter((userId) => userId !== ghost);
    const names = others.map((userId) => this.#agentOf(userId)?.displayName ?? userId);
    return { topic, others: names, turn: hops + 1, length };
  }
}

function helpersIn({ company }: Material): NonNullable<PromptParts["helpers"]> {
  return company.helpers.map(({ agent }) => ({
    localpart: agent.localpart,
    name: agent.displayName,
    model: agent.model ?? DEMO_MODEL,
  }));
}

/** A message whose picture is only named. */
function withoutPictures(message: PromptMessage): PromptMessage {
  const shown: { images?: unknown } = { ...message };
  delete shown.images;
  return shown as PromptMessage;
}
