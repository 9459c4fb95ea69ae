import type { ExchangeSettings } from "../config/config.ts";
import type { Queryable } from "../database/database.ts";
import type { Agent } from "../ghost/agents.ts";
import type { GhostHandle, GhostMessage, Settle } from "../ghost/listener.ts";
import type { SettingWord, Words } from "../language/words.ts";
import type { Permissions } from "../permissions/permissions.ts";
import { targetOf, type Consents } from "../privacy/consents.ts";
import type { Place, PrivacyGate } from "../privacy/gate.ts";
import { sizeInWords, type ProviderRequests } from "../privacy/provider-requests.ts";
import { ProviderError, type Provider } from "../providers/provider.ts";
import type { RoomDefaults, RoomSettings, RoomSettingsStore } from "../rooms/settings.ts";
import { usersOf, type Allowances, type TooMany } from "../turns/allowances.ts";
import type { Exchanges } from "../turns/exchanges.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import { mentionsOf } from "./addressing.ts";
import { answerBot, type ListedAgent } from "./bot.ts";
import { describeCommands, describeMisspelt, readCommand, type Command, type WrittenCommand } from "./commands.ts";
import { namedAgents } from "./exchange.ts";
import type { History } from "./history.ts";
import { moderates } from "./permitted.ts";
import { noticeContent } from "./reply.ts";
import { roomDefaults } from "./room-defaults.ts";
import type { RoomLanguage } from "./room-language.ts";

/** What commands are carried out with. */
export interface CommandDeskOptions {
  readonly history: History;
  readonly turns: TurnStore;
  readonly settings: RoomSettingsStore;
  readonly agentOf: (ghost: string) => Agent | undefined;
  readonly agents: () => readonly ListedAgent[];
  /** The agents that are in a room. */
  readonly agentsIn: (roomId: string) => Promise<readonly ListedAgent[]>;
  readonly provider: (name: string) => Provider | undefined;
  /** What rooms have that set nothing. */
  readonly defaults: RoomDefaults;
  readonly privacy: PrivacyGate;
  readonly consents: Consents;
  readonly requests: ProviderRequests;
  readonly isEncrypted: (roomId: string) => Promise<boolean>;
  readonly allowances: Allowances;
  readonly exchanges: Exchanges;
  readonly exchangeLimits: ExchangeSettings;
  readonly language: RoomLanguage;
  readonly permissions: Permissions;
  readonly stopTurns: (ids: readonly number[], how: { readonly keeps: boolean }) => void;
  readonly turnQueued: () => void;
}

/** What came of a command: what is said, what is stored with the end of the message, and what happens after that. */
interface Outcome {
  readonly words: string;
  /** Where it is said, if not where the command was. */
  readonly threadRoot?: string;
  readonly store?: (tx: Queryable) => Promise<void>;
  readonly after?: () => void;
}

/** How long a discussion is when nobody says. */
const DISCUSSION_TURNS = 4;

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
    const language = await this.#options.language.words(ghost.userId, roomId, written.rest);
    const outcome = await this.#outcome(ghost, message, command, { words: language, threadRoot });
    const { words, store, after } = outcome;
    ghost.markRead(roomId, eventId, threadRoot);
    const notice = noticeContent(words, { eventId, threadRoot: outcome.threadRoot ?? threadRoot });
    await ghost.send(roomId, "m.room.message", notice, `${eventId} command`);
    await settle(store);
    // Not what was written: any word can stand behind an exclamation mark.
    ghost.log.info({ room: roomId, event: eventId, command: command.kind }, "command carried out");
    after?.();
  }

  async #outcome(ghost: GhostHandle, message: GhostMessage, command: Command, manner: Manner): Promise<Outcome> {
    const { history, turns, settings, agents, exchanges } = this.#options;
    const { roomId, sender } = message;
    const { words } = manner;
    switch (command.kind) {
      case "help":
        return { words: describeCommands(words) };
      case "list":
        return { words: answerBot(words, "list", ghost.userId, agents()) };
      case "unknown":
      case "wrong":
      case "too_long":
        return { words: describeMisspelt(words, command) };
      case "status":
        return { words: await this.#status(ghost, message, words) };
      case "usage": {
        const { here, all } = await turns.usage(ghost.userId, roomId, sender);
        const left = await this.#options.allowances.leftFor(sender);
        const lines = left.map(({ what, left: rest, of }) => `- ${words.left(what, rest, of)}`);
        return { words: [words.usage(here, all), ...lines].join("\n") };
      }
      case "show": {
        const set = await settings.get(ghost.userId, roomId);
        return { words: this.#shown(words, command.setting, set, ghost.userId) };
      }
      case "stop":
        return this.#stop(ghost, message, words);
      case "privacy":
        return this.#privacy(ghost, message, command.decision, words);
      case "discuss":
        return this.#discuss(ghost, message, command, manner);
      case "retry": {
        const question = await turns.lastQuestion(ghost.userId, roomId, sender);
        if (question === undefined) return { words: words.nothingToRetry };
        if (question.isOpen) return { words: words.notDoneYet };
        const notNow = await this.#options.allowances.check(usersOf(question.turn));
        if (notNow !== undefined) return { words: this.#tooMany(words, ghost, notNow) };
        return {
          words: words.answeringAgain,
          store: async (tx) => {
            await this.#options.allowances.take(tx, usersOf(question.turn));
            await turns.enqueueAgain(tx, ghost.userId, question.turn.eventId, "again");
          },
          after: this.#options.turnQueued,
        };
      }
      case "reset":
        if (!(await this.#mayChange(ghost, message))) return { words: words.onlyModerators };
        return {
          words: words.settingsReset,
          store: (tx) => settings.reset(tx, { ghost: ghost.userId, roomId, by: sender }),
        };
      case "forget": {
        if (!(await this.#mayChange(ghost, message))) return { words: words.onlyModerators };
        let running: readonly number[] = [];
        return {
          words: words.forgotten,
          store: async (tx) => {
            ({ running } = await turns.stop(tx, { ghost: ghost.userId, roomId }));
            await history.forgetAll(tx, ghost.userId, roomId);
            await exchanges.forget(tx, roomId);
            await settings.set(tx, { ghost: ghost.userId, roomId, by: sender }, "remember", undefined);
          },
          after: () => {
            this.#options.stopTurns(running, { keeps: false });
          },
        };
      }
      case "set":
        return this.#set(ghost, message, command.setting, command.value, words);
    }
  }

  async #set(
    ghost: GhostHandle,
    message: GhostMessage,
    setting: SettingWord,
    value: string | undefined,
    words: Words,
  ): Promise<Outcome> {
    const { roomId, sender } = message;
    if (!(await this.#mayChange(ghost, message))) return { words: words.onlyModerators };
    if (setting === "model" && value !== undefined) {
      const refusal = await this.#modelRefused(ghost, value, words);
      if (refusal !== undefined) return { words: refusal };
    }
    const before = await this.#options.settings.get(ghost.userId, roomId);
    const now = setting === "temperature" && value !== undefined ? Number(value) : value;
    const after = { ...before, [setting]: now };
    return {
      words: `${words.done} ${this.#shown(words, setting, after, ghost.userId)}`,
      store: (tx) => this.#options.settings.set(tx, { ghost: ghost.userId, roomId, by: sender }, setting, value),
    };
  }

  /** Why a model can't be chosen; undefined when it can. */
  async #modelRefused(ghost: GhostHandle, model: string, words: Words): Promise<string | undefined> {
    const agent = this.#options.agentOf(ghost.userId);
    const provider = agent === undefined ? undefined : this.#options.provider(agent.provider);
    if (provider === undefined) return words.noProvider;
    try {
      const names = (await provider.models()).map(({ name }) => name);
      if (names.includes(model) || names.includes(`${model}:latest`)) return undefined;
      return words.noSuchModel(
        provider.name,
        names.map((name) => `\`${name}\``),
      );
    } catch (error) {
      ghost.log.warn({ provider: provider.name, error }, "the models could not be listed");
      return words.modelsUnknown(provider.name);
    }
  }

  async #stop(ghost: GhostHandle, message: GhostMessage, words: Words): Promise<Outcome> {
    const { roomId, sender } = message;
    const mayAll = await this.#mayChange(ghost, message);
    const { turns, stopTurns, exchanges } = this.#options;
    const open = await turns.openOf(ghost.userId, roomId, mayAll ? undefined : sender);
    if (open === 0) return { words: words.nothingToStop };
    let running: readonly number[] = [];
    return {
      words: words.stopped,
      store: async (tx) => {
        const whose = mayAll ? {} : { asker: sender };
        ({ running } = await turns.stop(tx, { ghost: ghost.userId, roomId, ...whose }));
        await exchanges.stop(tx, roomId, whose);
      },
      after: () => {
        stopTurns(running, { keeps: true });
      },
    };
  }

  /** Shows where words go, or decides for this agent whether they may. */
  async #privacy(
    ghost: GhostHandle,
    message: GhostMessage,
    decision: "allow" | "deny" | "default" | undefined,
    words: Words,
  ): Promise<Outcome> {
    const { privacy, consents, turns, turnQueued, provider } = this.#options;
    const { roomId, sender } = message;
    const agent = this.#options.agentOf(ghost.userId);
    const source = agent === undefined ? undefined : provider(agent.provider);
    if (agent === undefined || source === undefined) return { words: words.noProvider };
    if (decision === undefined) return { words: await this.#whereWordsGo(roomId, words) };
    if (!(await this.#mayChange(ghost, message))) return { words: words.onlyModerators };
    const { model = agent.model ?? "" } = await this.#options.settings.get(ghost.userId, roomId);
    const place = await placeNow(privacy, source, model);
    const named = { agent: agent.displayName, ...place };
    if (place.locality === "local") return { words: words.consent.unneeded(agent.displayName) };
    const policy = await privacy.policyIn(roomId);
    if (decision === "allow" && policy === "deny") return { words: words.consent.denied(named) };
    // Where devices need not be trusted, what comes in clear is read too: the homeserver could have written it.
    if (decision === "allow" && !message.encrypted && (await this.#options.isEncrypted(roomId))) {
      return { words: words.consent.notEncrypted };
    }
    if (decision === "default") {
      return { words: words.consent.revoked(named), store: (tx) => consents.revoke(tx, roomId, ghost.userId, sender) };
    }
    const granted = decision === "allow";
    const target = targetOf(place.provider, place.host);
    return {
      words: granted ? words.consent.allowed(named) : words.consent.nowDeclined(named),
      store: async (tx) => {
        await consents.decide(tx, { roomId, ghost: ghost.userId, target }, granted, sender);
        await turns.consented(tx, ghost.userId, roomId, target, granted);
      },
      after: turnQueued,
    };
  }

  /** For a room, in plain words: whether it is encrypted, where each agent's words go, and what went where. */
  async #whereWordsGo(roomId: string, words: Words): Promise<string> {
    const { privacy, consents, requests, agentsIn, provider, isEncrypted } = this.#options;
    const decisions = await consents.ofRoom(roomId);
    const policy = await privacy.policyIn(roomId);
    const lines = [(await isEncrypted(roomId)) ? words.privacy.encrypted : words.privacy.notEncrypted, ""];
    for (const { userId, agent } of await agentsIn(roomId)) {
      const source = provider(agent.provider);
      if (source === undefined) continue;
      const place = await placeNow(privacy, source, agent.model ?? "");
      const named = { agent: agent.displayName, ...place };
      const decided = decisions.find(
        ({ ghost, target }) => ghost === userId && target === targetOf(place.provider, place.host),
      );
      const day = decided?.at.toISOString().slice(0, 10) ?? "";
      const decision =
        decided === undefined || policy === "deny"
          ? words.privacy.policies[policy]
          : (decided.granted ? words.privacy.decidedYes : words.privacy.decidedNo)(decided.by, day);
      const line =
        place.locality === "local" ? words.privacy.agentLocal(named) : words.privacy.agentCloud(named, decision);
      lines.push(`- ${line}`);
    }
    const sent = await requests.since(roomId, SHOWN_DAYS);
    lines.push("", words.privacy.lastDays(SHOWN_DAYS), "");
    if (sent.length === 0) lines.push(`- ${words.privacy.sentNothing}`);
    for (const { ghost, provider: name, host, locality, requests: count, bytes } of sent) {
      const named = { agent: this.#nameOf(ghost), provider: name, host };
      lines.push(`- ${words.privacy.sent(named, count, sizeInWords(bytes), locality === "cloud")}`);
    }
    return lines.join("\n");
  }

  /** Begins a discussion: this agent has the first turn, on the topic. */
  async #discuss(
    ghost: GhostHandle,
    message: GhostMessage,
    command: Extract<Command, { kind: "discuss" }>,
    { words, threadRoot }: Manner,
  ): Promise<Outcome> {
    const { agentsIn, exchanges, history, turns, exchangeLimits } = this.#options;
    const { roomId, eventId, sender } = message;
    if (message.direct) return { words: words.notInDirectChats };
    const others = (await agentsIn(roomId)).filter(({ userId }) => userId !== ghost.userId);
    const { named, rest: topic } = namedAgents(command.rest, others);
    const mentions = mentionsOf(message.content);
    const partners = [...named, ...others.filter((one) => mentions.includes(one.userId) && !named.includes(one))];
    if (partners.length === 0) {
      const names = others.map(({ agent }) => `\`${agent.name}\``);
      return { words: words.noSuchAgent(command.rest.split(/\s/)[0]?.slice(0, 100) ?? "", names) };
    }
    const length = command.turns ?? Math.min(DISCUSSION_TURNS, exchangeLimits.maxTurns);
    if (topic === "" || length < 1 || length > exchangeLimits.maxTurns) {
      return { words: describeMisspelt(words, { kind: "wrong", command: "discuss" }) };
    }
    const users = usersOf({ asker: sender, roomId, ghost: ghost.userId });
    const notNow = await this.#options.allowances.check(users);
    if (notNow !== undefined) return { words: this.#tooMany(words, ghost, notNow) };
    const root = threadRoot ?? eventId;
    const speaker = await ghost.displayNameOf(roomId, sender);
    const participants = [ghost.userId, ...partners.map(({ userId }) => userId)];
    const names = [this.#nameOf(ghost.userId), ...partners.map(({ agent }) => agent.displayName)];
    return {
      words: words.discussing(names, length),
      threadRoot: root,
      store: async (tx) => {
        await this.#options.allowances.take(tx, users);
        await exchanges.begin(tx, { roomId, origin: eventId }, sender, { topic, participants, length });
        const { sentAt } = message;
        const question = { eventId, author: "person" as const, sender, speaker, body: topic, sentAt, threadRoot: root };
        const position = await history.remember(tx, ghost.userId, roomId, question);
        const asked = { ghost: ghost.userId, roomId, eventId, asker: sender, position, threadRoot: root };
        await turns.enqueue(tx, { ...asked, origin: eventId, hops: 0 });
      },
      after: this.#options.turnQueued,
    };
  }

  async #status(ghost: GhostHandle, { roomId }: GhostMessage, words: Words): Promise<string> {
    const agent = this.#options.agentOf(ghost.userId);
    const settings = await this.#options.settings.get(ghost.userId, roomId);
    const waiting = await this.#options.turns.openOf(ghost.userId, roomId, undefined);
    return [
      words.iAm(this.#nameOf(ghost.userId), agent?.provider),
      "",
      ...SETTINGS.map((name) => `- ${this.#shown(words, name, settings, ghost.userId)}`),
      `- ${words.waiting(waiting)}`,
    ].join("\n");
  }

  /** How a setting stands, in words. */
  #shown(words: Words, name: SettingWord, settings: RoomSettings, ghost: string): string {
    const agent = this.#options.agentOf(ghost);
    const own = settings[name];
    const ofAdmin: RoomDefaults & Readonly<Record<"model" | "system" | "temperature" | "remember", string>> = {
      ...roomDefaults(this.#options.defaults, agent),
      model: agent?.model ?? words.none,
      system: agent?.systemPrompt ?? words.none,
      temperature: agent?.temperature === undefined ? words.modelsOwn : String(agent.temperature),
      remember: words.nothing,
    };
    const value = String(own ?? ofAdmin[name]);
    return words.setting(words.settings[name], value, own !== undefined, words.commands[name].usage);
  }

  #tooMany(words: Words, ghost: GhostHandle, { kind, waitMs }: TooMany): string {
    return words.tooMany(this.#nameOf(ghost.userId), kind, Math.ceil(waitMs / 60_000));
  }

  #nameOf(ghost: string): string {
    return this.#options.agentOf(ghost)?.displayName ?? ghost;
  }

  /** In a direct chat the person; in a group who moderates it. */
  async #mayChange(ghost: GhostHandle, message: GhostMessage): Promise<boolean> {
    return message.direct || (await moderates(this.#options.permissions, ghost, message));
  }
}

/** Of requests that are shown, in days. */
const SHOWN_DAYS = 7;

/** Where words would go now; as the configuration says where the provider can't be asked. */
async function placeNow(privacy: PrivacyGate, provider: Provider, model: string): Promise<Place> {
  return privacy.placeOf(provider, model).catch((error: unknown) => {
    if (!(error instanceof ProviderError)) throw error;
    return { provider: provider.name, host: provider.host, locality: provider.locality };
  });
}

/** How a command is answered: in which words, and in which thread. */
interface Manner {
  readonly words: Words;
  readonly threadRoot: string | undefined;
}

/** As `status` shows them. */
const SETTINGS: readonly SettingWord[] = [
  "model",
  "system",
  "temperature",
  "respond",
  "listen",
  "threads",
  "delegate",
  "summaries",
  "stream",
  "language",
  "remember",
];
