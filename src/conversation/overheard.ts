import { decideIn, mightAsk, moderates } from "../permissions/in-room.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import { combined, type Outcome } from "../ghost/outcome.ts";
import type { GhostMessage } from "../ghost/received.ts";
import { stopping } from "../turns/stopping.ts";
import type { ConversationOptions } from "./conversation-options.ts";
import type { MessageClassifier } from "./message-classifier.ts";
import type { Questions } from "./questions.ts";
import { refused } from "./refused.ts";
import { remembered } from "./remembered.ts";
import { VoiceCalls, type VoiceCallsOptions } from "./voice-calls.ts";

type OverheardOptions = VoiceCallsOptions &
  Pick<
    ConversationOptions,
    "agentOf" | "exchanges" | "history" | "language" | "permissions" | "waitsStopped" | "stopTurns" | "turns"
  >;

/** Decides about messages to nobody, or to others. */
export class Overheard {
  readonly #options: OverheardOptions;
  readonly #classifier: MessageClassifier;
  readonly #questions: Questions;
  readonly #voiceCalls: VoiceCalls;

  constructor(
    options: OverheardOptions,
    parts: { readonly classifier: MessageClassifier; readonly questions: Questions },
  ) {
    this.#options = options;
    this.#classifier = parts.classifier;
    this.#questions = parts.questions;
    this.#voiceCalls = new VoiceCalls(options);
  }

  /** A voice message with the agent's spoken name is a message to it; any other is overheard. */
  async overheard(
    ghost: GhostHandle,
    message: GhostMessage,
    said: { readonly text: string; readonly threadRoot: string | undefined },
  ): Promise<Outcome> {
    const mayAsk = (): Promise<boolean> => mightAsk(this.#options.permissions, ghost, message);
    const words = ghost.isBot ? undefined : await this.#voiceCalls.wordsTo(ghost, message, mayAsk);
    if (words === undefined) return this.#keep(ghost, message, said);
    const permitted = await decideIn(this.#options.permissions, ghost, "message", message);
    if (!permitted.allowed) {
      return refused(this.#options, ghost, message, { kind: "addressed", ...said }, permitted.reason);
    }
    // Its words replace the recording.
    const content: GhostMessage["content"] = { ...message.content, kind: "text" };
    return this.#questions.ask(ghost, { ...message, content }, words, said.threadRoot);
  }

  /**
   * Messages to other agents are stored unless the room forbids it, messages between people only if the room wants it.
   */
  async #keep(
    ghost: GhostHandle,
    message: GhostMessage,
    { text, threadRoot }: { readonly text: string; readonly threadRoot: string | undefined },
  ): Promise<Outcome> {
    const { history } = this.#options;
    const set = message.settings;
    const { listen = this.#classifier.defaultsOf(ghost.userId, set).listen } = ghost.isBot
      ? { listen: "off" as const }
      : set;
    const isKept =
      listen === "on" || (listen === "agents" && (await this.#classifier.isSaidToAgents(ghost.userId, message, text)));
    if (!isKept || text === "") {
      ghost.log.debug({ room: message.roomId, event: message.eventId, reason: "not addressed" }, "message ignored");
      return {};
    }
    const speaker = message.speaker ?? (await ghost.speakerOf(message.roomId, message.sender));
    // Replies among other people share nothing with the agent.
    const target = message.content.relation.repliesTo ?? "";
    const isKnown = (await history.find(ghost.userId, message.roomId, [target])).has(target);
    const heard = { ...remembered(message, speaker, text), threadRoot, repliesTo: isKnown ? target : undefined };
    return {
      store: async (tx) => {
        await history.remember(tx, ghost.userId, message.roomId, heard);
      },
    };
  }

  /** A moderator's plain `!stop` addresses all agents of the room: each silently ends its present answers. */
  async stopAll(ghost: GhostHandle, message: GhostMessage): Promise<Outcome> {
    const { permissions, exchanges } = this.#options;
    const { roomId, eventId } = message;
    if (!(await moderates(permissions, ghost, message))) return {};
    return combined(stopping(this.#options, { ghost: ghost.userId, roomId }, { keeps: true }), {
      store: (tx) => exchanges.stop(tx, roomId),
      after: () =>
        ghost.log.info({ room: roomId, event: eventId }, "the answers of all agents of the room were stopped"),
    });
  }
}
