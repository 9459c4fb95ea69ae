import { hasModel, type Agent } from "../agents/agents.ts";
import type { AnswerSettings } from "../config/config.ts";
import { withAiMark } from "../matrix/ai-mark.ts";
import type { RoomDefaults } from "../rooms/settings.ts";
import type { Turn, TurnReply } from "../turns/turn.ts";
import type { Drafting } from "../turns/turn-work.ts";
import type { LiveStream } from "../ghost/live-stream.ts";
import { beginningOf, edited, targetOf, toAsker, withPartial } from "./answer-messages.ts";
import { StreamedDraft } from "./streamed-draft.ts";
import type { Source } from "./material.ts";
import { draftContent, editContent, type Address, type MessageContent } from "./reply.ts";
import type { ReplyTargets } from "./reply-targets.ts";

/** Makes the stream for a ghost's answer in a room; undefined where there can be none. */
export type MakeStream = (ghost: string, roomId: string) => Promise<LiveStream | undefined>;

/** Gives answers their form while they grow. */
export class AnswerDrafts {
  readonly #targets: ReplyTargets;
  readonly #answers: () => Pick<AnswerSettings, "maxEdits" | "aiMarks">;
  readonly #defaults: () => Pick<RoomDefaults, "stream">;
  readonly #agentOf: (ghost: string) => Agent | undefined;
  readonly #makeStream: MakeStream;

  /** @param options.answers the admin's settings; read anew each time, like the defaults. */
  constructor(options: {
    readonly targets: ReplyTargets;
    readonly answers: () => Pick<AnswerSettings, "maxEdits" | "aiMarks">;
    readonly defaults: () => Pick<RoomDefaults, "stream">;
    readonly agentOf: (ghost: string) => Agent | undefined;
    readonly makeStream: MakeStream;
  }) {
    this.#targets = options.targets;
    this.#answers = options.answers;
    this.#defaults = options.defaults;
    this.#agentOf = options.agentOf;
    this.#makeStream = options.makeStream;
  }

  /** The form in which a turn's growing answer is shown. */
  async of(turn: Turn, { set, company: { next } }: Pick<Source, "set" | "company">): Promise<Drafting> {
    const { stream = this.#defaults().stream } = set;
    const begun = (): boolean => this.#targets.hasBegunFollowing(turn);
    // In a discussion only the end notifies people's phones.
    const address = (): Address => toAsker(turn, begun() || next !== undefined);
    const { aiMarks, maxEdits } = this.#answers();
    const agent = this.#agentOf(turn.ghost);
    const isMarked = aiMarks && agent !== undefined && hasModel(agent);
    const draft = async (text: string): Promise<MessageContent> => {
      const content = draftContent(await beginningOf(text, turn), targetOf(turn, begun()), address());
      return isMarked ? withAiMark(content) : content;
    };
    const whole = async (reply: TurnReply): Promise<TurnReply> => {
      const said = await withPartial(reply, turn, targetOf(turn, begun()), address());
      return isMarked ? marked(said) : said;
    };
    const live =
      stream === "live"
        ? new StreamedDraft({
            make: () => this.#makeStream(turn.ghost, turn.roomId),
            textOf: async (text) => String((await draft(text))["body"]),
          })
        : undefined;
    return {
      live,
      shows: stream !== "off",
      maxEdits,
      begin: async (text) => {
        await this.#targets.begin(turn);
        const content = await draft(text);
        return live === undefined ? content : live.telling(content);
      },
      anew: await draft("…"),
      edit: async (eventId, text) => editContent(eventId, await draft(text)),
      whole,
      finish: async (reply, former) => {
        const isReplaced = stream === "replace" && turn.kind !== "edit";
        return inPlaceOf(former, await whole(reply), isReplaced, address().mentions);
      },
    };
  }
}

/** The reply with its mark on each message of the model's; the bridge's notices have none. */
function marked(reply: TurnReply): TurnReply {
  const messages = reply.messages.map((message) =>
    message.remembered === undefined ? message : { ...message, content: withAiMark(message.content) },
  );
  return { ...reply, messages };
}

/**
 * A reply in place of the events shown before: as an edit of them, or as new messages.
 *
 * @param former the events that were shown, the draft first.
 * @param isReplaced whether the draft is deleted instead of edited.
 * @param mentioned the people that the draft already mentioned.
 */
function inPlaceOf(
  former: readonly [string, ...string[]],
  reply: TurnReply,
  isReplaced: boolean,
  mentioned: readonly string[],
): TurnReply {
  const [draft, ...others] = former;
  if (reply.outcome === "stopped" && reply.withdrawn === true) return { ...reply, redacts: former };
  // A former process's draft stays as it is, because its words are not known here.
  if (reply.messages.length === 0) return reply;
  if (isReplaced) return { ...reply, redacts: former };
  return { ...edited(reply, draft, mentioned), redacts: others };
}
