import type { GhostHandle } from "../ghost/ghost-handle.ts";
import type { GhostMessage } from "../ghost/received.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import { defaultsFor, type RoomDefaults, type RoomSettings } from "../rooms/settings.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import type { Agent, ListedAgent } from "../agents/agents.ts";
import { candidateOf, namesOf } from "../addressing/candidate.ts";
import { classifyMessage, saysToWhom, type MessageClass } from "../addressing/addressing.ts";
import { readCall, type Call, type Callee } from "../addressing/call.ts";
import { writtenCommand } from "../addressing/written-command.ts";
import type { History } from "../memory/history.ts";
import { agentIn } from "../answering/agent-in-room.ts";

/** The surroundings for classifying a message. */
export interface MessageClassifierOptions {
  readonly isAgent: (userId: string) => boolean;
  readonly agents: () => readonly ListedAgent[];
  /** The present agent behind a ghost; undefined when its model is gone. */
  readonly agentOf: (ghost: string) => Agent | undefined;
  readonly history: History;
  /** The sender of an event in a room, if still known. */
  readonly senderOf: (roomId: string, eventId: string) => Promise<string | undefined>;
  readonly turns: TurnStore;
  readonly models: KnownModels;
  /** The values of rooms that set nothing. */
  readonly defaults: () => RoomDefaults;
}

/** Classifies a message for an agent, by the room's settings and earlier messages. */
export class MessageClassifier {
  readonly #options: MessageClassifierOptions;

  constructor(options: MessageClassifierOptions) {
    this.#options = options;
  }

  /** A ghost's default values in a room with these settings. */
  defaultsOf(ghost: string, set: Pick<RoomSettings, "model">): RoomDefaults {
    return defaultsFor(this.#options.defaults(), this.#agentIn(ghost, set));
  }

  #agentIn(ghost: string, set: Pick<RoomSettings, "model">): Agent | undefined {
    return agentIn(this.#options.agentOf(ghost), set, this.#options.models);
  }

  /** Classifies a message for a ghost. */
  async classify(ghost: GhostHandle, message: GhostMessage): Promise<MessageClass> {
    const { isAgent, turns, history } = this.#options;
    const set = message.settings;
    const { repliesTo: target, threadRoot: root } = message.content.relation;
    const { userId } = ghost;
    const repliesToMe = target !== undefined && (await this.#isOwn(userId, message.roomId, target));
    const { respond = this.defaultsOf(userId, set).respond } = set;
    const inThread =
      root !== undefined &&
      ((await turns.isInThread(userId, message.roomId, root)) || (await history.isOwn(userId, message.roomId, root)));
    const addressee = candidateOf(ghost, this.#agentIn(userId, set), message, {
      respond: ghost.isBot ? "mention" : respond,
      inThread,
      others: this.#callees().filter((other) => other.userId !== userId),
    });
    const decision = classifyMessage(message, addressee, isAgent, () => repliesToMe);
    const isCommandToOther =
      decision.kind === "addressed" && !message.direct && this.#isCommandToOther(userId, message);
    return isCommandToOther ? { kind: "ignored", reason: "a command to another agent" } : decision;
  }

  /**
   * The event that a question shares with the agent by replying to it; empty where it is uncertain that the writer
   * meant it. The homeserver could forge the reply of an encrypted message, and the named event would leave the
   * network. So the ciphertext must mention that event's writer, as clients do. The agent's own and remembered messages
   * go to the model anyway.
   */
  async handedOver(ghost: string, message: GhostMessage): Promise<string | undefined> {
    const { roomId, content } = message;
    const target = content.relation.repliesTo;
    if (target === undefined || message.direct || !message.encrypted) return target;
    const { history, senderOf } = this.#options;
    if (this.#agentIn(ghost, message.settings)?.locality !== "cloud") return target;
    if ((await history.find(ghost, roomId, [target])).has(target)) return target;
    const writer = await senderOf(roomId, target);
    const isMeant = writer !== undefined && (writer === ghost || content.mentions.userIds.includes(writer));
    return isMeant ? target : "";
  }

  /** "Llama: !discuss Qwen …" mentions both, but addresses only one. */
  #isCommandToOther(ghost: string, { content }: GhostMessage): boolean {
    const { body = "" } = content;
    if (!body.includes("!")) return false;
    const { called, text } = this.#callOf(content, body);
    return called.length > 0 && !called.includes(ghost) && writtenCommand(text) !== undefined;
  }

  /** Whether a message is a ghost's own: an answer, or a notice. */
  async #isOwn(ghost: string, roomId: string, eventId: string): Promise<boolean> {
    const { history, senderOf } = this.#options;
    return (await history.isOwn(ghost, roomId, eventId)) || (await senderOf(roomId, eventId)) === ghost;
  }

  #callOf({ html, mentions }: GhostMessage["content"], body: string): Call {
    return readCall({ body, html, mentions: mentions.userIds }, this.#callees());
  }

  #callees(): Callee[] {
    return this.#options.agents().map(({ userId, agent }) => ({ userId, names: namesOf(userId, agent) }));
  }

  /** Whether a message addresses any agents, as a ghost sees it. Commands do not count, and are never stored. */
  async isSaidToAgents(ghost: string, message: GhostMessage, text: string): Promise<boolean> {
    const { roomId, content } = message;
    const { isAgent, history, turns } = this.#options;
    const { called, text: words } = this.#callOf(content, text);
    if (writtenCommand(words) !== undefined) return false;
    if (called.length > 0 || content.mentions.userIds.some(isAgent)) return true;
    if (saysToWhom(message)) {
      const agent = this.#agentIn(ghost, message.settings);
      if (agent?.locality === "cloud") return false;
    }
    const { repliesTo: target, threadRoot: root } = content.relation;
    if (target !== undefined && (await history.isAgents(roomId, target))) return true;
    return root !== undefined && (await turns.isAgentsThread(roomId, root));
  }
}
