import type { GhostHandle, GhostMessage } from "../ghost/listener.ts";
import type { RoomDefaults, RoomSettingsStore } from "../rooms/settings.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import type { Agent } from "../ghost/agents.ts";
import { addresseeOf, namesOf } from "./addressee.ts";
import {
  addressedName,
  addressing,
  mentionsOf,
  repliedEvent,
  threadOf,
  withoutName,
  type Addressing,
} from "./addressing.ts";
import type { ListedAgent } from "./bot.ts";
import { writtenCommand } from "./commands.ts";
import type { History } from "./history.ts";
import { roomDefaults } from "./room-defaults.ts";

/** What hearing needs to know. */
export interface HearingOptions {
  readonly isAgent: (userId: string) => boolean;
  readonly agents: () => readonly ListedAgent[];
  /** The agent behind a ghost, as it is now; undefined when its model has gone. */
  readonly agentOf: (ghost: string) => Agent | undefined;
  readonly history: History;
  readonly turns: TurnStore;
  readonly settings: RoomSettingsStore;
  /** What rooms have that set nothing. */
  readonly defaults: RoomDefaults;
}

/** Tells what a message is to an agent, by what the room has set and what was said before. */
export class Hearing {
  readonly #options: HearingOptions;

  constructor(options: HearingOptions) {
    this.#options = options;
  }

  /** What holds for a ghost in rooms that set nothing. */
  defaultsOf(ghost: string): RoomDefaults {
    return roomDefaults(this.#options.defaults, this.#options.agentOf(ghost));
  }

  /** Whether a message is for a ghost. */
  async address(ghost: GhostHandle, message: GhostMessage): Promise<Addressing> {
    const { isAgent, history, turns, settings, agentOf } = this.#options;
    const defaults = this.defaultsOf(ghost.userId);
    const target = repliedEvent(message.content);
    const { userId } = ghost;
    const repliesToMe = target !== undefined && (await history.isOwn(userId, message.roomId, target));
    const { respond = defaults.respond } = await settings.get(userId, message.roomId);
    const root = threadOf(message.content);
    const inThread =
      root !== undefined &&
      ((await turns.isInThread(userId, message.roomId, root)) || (await history.isOwn(userId, message.roomId, root)));
    const addressee = addresseeOf(ghost, agentOf(userId), message, {
      respond: ghost.isBot ? "mention" : respond,
      inThread,
    });
    const decision = addressing(message, addressee, isAgent, () => repliesToMe);
    const isCommandToOther =
      decision.kind === "addressed" && !message.direct && this.#isCommandToOther(userId, message);
    return isCommandToOther ? { kind: "ignored", reason: "a command to another agent" } : decision;
  }

  /** "Llama: !discuss Qwen …" mentions both, and is said to one. */
  #isCommandToOther(ghost: string, { content }: GhostMessage): boolean {
    const { body } = content;
    if (typeof body !== "string" || !body.includes("!")) return false;
    return this.#options.agents().some(({ userId, agent }) => {
      if (userId === ghost) return false;
      const names = namesOf(userId, agent);
      return addressedName(body, names) !== undefined && writtenCommand(withoutName(body, names)) !== undefined;
    });
  }

  /** Whether a message is said to agents, whichever they are; commands are not said, and never kept. */
  async isSaidToAgents({ roomId, content }: GhostMessage, text: string): Promise<boolean> {
    const { agents, isAgent, history, turns } = this.#options;
    const called = agents().find(({ userId, agent }) => addressedName(text, namesOf(userId, agent)) !== undefined);
    const words = called === undefined ? text : withoutName(text, namesOf(called.userId, called.agent));
    if (writtenCommand(words) !== undefined) return false;
    if (called !== undefined || mentionsOf(content).some(isAgent)) return true;
    const target = repliedEvent(content);
    if (target !== undefined && (await history.isAgents(roomId, target))) return true;
    const root = threadOf(content);
    return root !== undefined && (await turns.isAgentsThread(roomId, root));
  }
}
