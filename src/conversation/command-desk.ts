import type { AnswerSettings } from "../config/config.ts";
import type { Queryable } from "../database/database.ts";
import type { Agent } from "../ghost/agents.ts";
import type { GhostHandle, GhostMessage, Settle } from "../ghost/listener.ts";
import type { Provider } from "../providers/provider.ts";
import type { RoomSettings, RoomSettingsStore } from "../rooms/settings.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import { answerBot } from "./bot.ts";
import { describeCommands, FORMS, readCommand, type Command, type WrittenCommand } from "./commands.ts";
import type { History } from "./history.ts";
import { noticeContent } from "./reply.ts";

/** What commands are carried out with. */
export interface CommandDeskOptions {
  readonly history: History;
  readonly turns: TurnStore;
  readonly settings: RoomSettingsStore;
  readonly agentOf: (ghost: string) => Agent | undefined;
  readonly agents: () => readonly { readonly userId: string; readonly agent: Agent }[];
  readonly provider: (name: string) => Provider | undefined;
  readonly answers: AnswerSettings;
  readonly stopTurns: (ids: readonly number[], how: { readonly keeps: boolean }) => void;
  readonly turnQueued: () => void;
}

/** What came of a command: what is said, what is stored with the end of the message, and what happens after that. */
interface Outcome {
  readonly words: string;
  readonly store?: (tx: Queryable) => Promise<void>;
  readonly after?: () => void;
}

const NOT_A_MODERATOR = "Only moderators of this room can change that.";

/** Carries out what people tell an agent with `!…`, and says what it did. */
export class CommandDesk {
  readonly #options: CommandDeskOptions;

  constructor(options: CommandDeskOptions) {
    this.#options = options;
  }

  /** Throws what sending or the database throw; then nothing has come of it, and it is carried out again. */
  async carryOut(
    ghost: GhostHandle,
    message: GhostMessage,
    written: WrittenCommand,
    threadRoot: string | undefined,
    settle: Settle,
  ): Promise<void> {
    const { roomId, eventId } = message;
    const command = readCommand(written);
    const { words, store, after } = await this.#outcome(ghost, message, command);
    ghost.markRead(roomId, eventId, threadRoot);
    await ghost.send(roomId, "m.room.message", noticeContent(words, { eventId, threadRoot }), `${eventId} command`);
    await settle(store);
    // Not what was written: any word can stand behind an exclamation mark.
    ghost.log.info({ room: roomId, event: eventId, command: command.kind }, "command carried out");
    after?.();
  }

  async #outcome(ghost: GhostHandle, message: GhostMessage, command: Command): Promise<Outcome> {
    const { history, turns, settings, agents } = this.#options;
    const { roomId, sender } = message;
    switch (command.kind) {
      case "help":
        return { words: describeCommands() };
      case "list":
        return { words: answerBot("list", ghost.userId, agents()) };
      case "wrong":
        return { words: command.words };
      case "status":
        return { words: await this.#status(ghost, message) };
      case "usage":
        return { words: await this.#usage(ghost, message) };
      case "show":
        return { words: this.#shown(command.setting, await settings.get(ghost.userId, roomId), ghost.userId) };
      case "stop":
        return this.#stop(ghost, message);
      case "retry": {
        const question = await turns.lastQuestion(ghost.userId, roomId, sender);
        if (question === undefined) return { words: "You have asked me nothing here that I could answer again." };
        if (question.isOpen) return { words: "I am not done with your last question yet." };
        return {
          words: "I answer your last question again.",
          store: async (tx) => {
            await turns.enqueueAgain(tx, ghost.userId, question.turn.eventId, "again");
          },
          after: this.#options.turnQueued,
        };
      }
      case "reset":
        if (!(await this.#mayChange(ghost, message))) return { words: NOT_A_MODERATOR };
        return {
          words: "All settings of this room are as the admin has them again.",
          store: (tx) => settings.reset(tx, ghost.userId, roomId),
        };
      case "forget": {
        if (!(await this.#mayChange(ghost, message))) return { words: NOT_A_MODERATOR };
        let running: readonly number[] = [];
        return {
          words: "I have forgotten all that was said to me here, and what I was to keep in mind.",
          store: async (tx) => {
            ({ running } = await turns.stop(tx, { ghost: ghost.userId, roomId }));
            await history.forgetAll(tx, ghost.userId, roomId);
            await settings.set(tx, { ghost: ghost.userId, roomId, by: sender }, "remember", undefined);
          },
          after: () => {
            this.#options.stopTurns(running, { keeps: false });
          },
        };
      }
      case "set":
        return this.#set(ghost, message, command.setting, command.value);
    }
  }

  async #set(
    ghost: GhostHandle,
    message: GhostMessage,
    setting: keyof RoomSettings,
    value: string | undefined,
  ): Promise<Outcome> {
    const { roomId, sender } = message;
    if (!(await this.#mayChange(ghost, message))) return { words: NOT_A_MODERATOR };
    if (setting === "model" && value !== undefined) {
      const refusal = await this.#modelRefused(ghost, value);
      if (refusal !== undefined) return { words: refusal };
    }
    const before = await this.#options.settings.get(ghost.userId, roomId);
    const now = setting === "temperature" && value !== undefined ? Number(value) : value;
    return {
      words: `Done. ${this.#shown(setting, { ...before, [setting]: now }, ghost.userId)}`,
      store: (tx) => this.#options.settings.set(tx, { ghost: ghost.userId, roomId, by: sender }, setting, value),
    };
  }

  /** Why a model can't be chosen; undefined when it can. */
  async #modelRefused(ghost: GhostHandle, model: string): Promise<string | undefined> {
    const agent = this.#options.agentOf(ghost.userId);
    const provider = agent === undefined ? undefined : this.#options.provider(agent.provider);
    if (provider === undefined) return "I have no model server any more.";
    try {
      const names = (await provider.models()).map(({ name }) => name);
      if (names.includes(model) || names.includes(`${model}:latest`)) return undefined;
      return `There is no such model on “${provider.name}”. There are: ${names.map((name) => `\`${name}\``).join(", ")}.`;
    } catch (error) {
      ghost.log.warn({ provider: provider.name, error }, "the models could not be listed");
      return `“${provider.name}” can't be asked now for its models. Please try again later.`;
    }
  }

  async #stop(ghost: GhostHandle, message: GhostMessage): Promise<Outcome> {
    const { roomId, sender } = message;
    const mayAll = await this.#mayChange(ghost, message);
    const { turns, stopTurns } = this.#options;
    const open = await turns.openOf(ghost.userId, roomId, mayAll ? undefined : sender);
    if (open === 0) return { words: "I am not answering anything here that you could stop." };
    let running: readonly number[] = [];
    return {
      words: "Stopped.",
      store: async (tx) => {
        const which = { ghost: ghost.userId, roomId, ...(mayAll ? {} : { asker: sender }) };
        ({ running } = await turns.stop(tx, which));
      },
      after: () => {
        stopTurns(running, { keeps: true });
      },
    };
  }

  async #status(ghost: GhostHandle, { roomId }: GhostMessage): Promise<string> {
    const agent = this.#options.agentOf(ghost.userId);
    const settings = await this.#options.settings.get(ghost.userId, roomId);
    const waiting = await this.#options.turns.openOf(ghost.userId, roomId, undefined);
    const names = ["model", "system", "temperature", "respond", "listen", "threads", "stream", "remember"] as const;
    return [
      `I am ${agent?.displayName ?? ghost.userId}${agent === undefined ? ", and have no model any more" : `, run by “${agent.provider}”`}.`,
      "",
      ...names.map((name) => `- ${this.#shown(name, settings, ghost.userId)}`),
      `- Questions that wait for an answer: ${waiting}.`,
    ].join("\n");
  }

  async #usage(ghost: GhostHandle, { roomId, sender }: GhostMessage): Promise<string> {
    const { here, all } = await this.#options.turns.usage(ghost.userId, roomId, sender);
    const line = (what: string, { questions, tokens }: { questions: number; tokens: number }): string =>
      `- ${what}: ${questions} ${questions === 1 ? "question" : "questions"}, ${tokens} tokens`;
    return ["Yours in the last 30 days:", "", line("Here, to me", here), line("Everywhere, to all agents", all)].join(
      "\n",
    );
  }

  /** How a setting stands, in words. */
  #shown(name: keyof RoomSettings, settings: RoomSettings, ghost: string): string {
    const agent = this.#options.agentOf(ghost);
    const own = settings[name];
    const ofAdmin: Readonly<Record<keyof RoomSettings, string>> = {
      model: agent?.model ?? "none",
      system: agent?.systemPrompt ?? "none",
      temperature: agent?.temperature === undefined ? "the model's own" : String(agent.temperature),
      respond: "thread",
      listen: "off",
      threads: "off",
      stream: this.#options.answers.stream,
      remember: "nothing",
    };
    const value = own === undefined ? `${ofAdmin[name]} (nothing else is set here)` : `${own} (set in this room)`;
    return `${TITLES[name]}: ${value}. Change it with \`${FORMS[name]?.usage ?? ""}\`.`;
  }

  /** In a direct chat the person; in a group who moderates it. */
  async #mayChange(ghost: GhostHandle, { direct, roomId, sender }: GhostMessage): Promise<boolean> {
    return direct || (await ghost.isModerator(roomId, sender));
  }
}

const TITLES: Readonly<Record<keyof RoomSettings, string>> = {
  model: "Model",
  system: "Instruction",
  temperature: "Temperature",
  respond: "In groups I answer (mention, thread or all)",
  listen: "Remembering what is said to others in a group",
  threads: "A thread for each question in a group",
  stream: "Answers while they are made",
  remember: "What I keep in mind",
};
