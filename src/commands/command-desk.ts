import type { ExchangeSettings } from "../config/config.ts";
import type { Agent, ListedAgent } from "../agents/agents.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import { formFor } from "../ghost/form.ts";
import type { GhostMessage } from "../ghost/received.ts";
import { combined, type Outcome } from "../ghost/outcome.ts";
import { withoutPath } from "../agents/model-name.ts";
import type { SettingWord, Words } from "../language/words.ts";
import type { Permissions } from "../permissions/permissions.ts";
import { countedIn } from "../privacy/policy.ts";
import { targetOf, type Consents } from "../privacy/consents.ts";
import { placeAsConfigured, type Place, type PrivacyGate } from "../privacy/gate.ts";
import { sizeInWords, type ProviderRequests } from "../privacy/provider-requests.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import { Patience } from "../providers/patience.ts";
import { ProviderError, type Provider } from "../providers/provider.ts";
import { defaultsFor, type RoomDefaults, type RoomSettings } from "../rooms/settings.ts";
import type { RoomSettingsStore } from "../rooms/settings-store.ts";
import type { Admission, NotNow } from "../turns/admission.ts";
import type { Allowances } from "../turns/allowances.ts";
import type { Exchanges } from "../turns/exchanges.ts";
import { stopping } from "../turns/stopping.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import { mentionsOf } from "../addressing/addressing.ts";
import { afterDecision } from "../answering/after-decision.ts";
import type { Answering } from "../answering/answering.ts";
import { callFor, userLocalpart } from "../addressing/call.ts";
import { answerBot } from "./bot.ts";
import { describeCommands, describeMisspelt, readCommand, type Command } from "./commands.ts";
import { ownWords, type WrittenCommand } from "../addressing/written-command.ts";
import { namedAgents } from "../answering/exchange.ts";
import type { History } from "../memory/history.ts";
import { escapeMarkdown, type RenderedText } from "../text/markdown.ts";
import { identityOf, plainWords } from "../answering/notices.ts";
import { moderates } from "./permitted.ts";
import { mayHaveModel, noteRefusedModel } from "../answering/reach.ts";
import { noticeContent, reactionContent } from "../answering/reply.ts";
import { agentIn } from "../answering/agent-in-room.ts";
import type { RoomLanguage } from "../answering/room-language.ts";

/** What commands are carried out with. */
export interface CommandDeskOptions {
  readonly history: History;
  readonly turns: TurnStore;
  readonly settings: RoomSettingsStore;
  readonly models: KnownModels;
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
  readonly limits: { readonly maxQueued: number };
  readonly exchanges: Exchanges;
  readonly exchangeLimits: ExchangeSettings;
  readonly language: RoomLanguage;
  readonly permissions: Permissions;
  /** Whether nothing has been said since a message in a direct chat of two, as far as is known. */
  readonly isLatest: (message: {
    readonly ghost: string;
    readonly roomId: string;
    readonly eventId: string;
  }) => Promise<boolean>;
  readonly stopTurns: (ids: readonly number[], how: { readonly keeps: boolean }) => void;
  readonly turnQueued: () => void;
}

/** What came of a command, and what is said of that. */
type CommandOutcome = ({ readonly words: string | RenderedText } | { readonly reaction: string }) & Consequence;

interface Consequence extends Outcome {
  /** Whether what is said shows words that came encrypted, in whichever form the command did. */
  readonly encrypted?: boolean;
  /** Where it is said, if not where the command was. */
  readonly threadRoot?: string;
}

/** The reactions to commands that were carried out, where that says enough: what comes of it is seen. */
const AGAIN = "🔁";
const STOPPED = "🛑";

/** How long a discussion is when nobody says. */
const DISCUSSION_TURNS = 4;

/** Carries out what people tell an agent with `!…`, and says what it did. */
export class CommandDesk {
  readonly #options: CommandDeskOptions;
  readonly #answering: Answering;
  readonly #admission: Admission;
  /** While a command is carried out, the agent hears nobody else. */
  readonly #patience = new Patience();

  constructor(
    options: CommandDeskOptions,
    { answering, admission }: { readonly answering: Answering; readonly admission: Admission },
  ) {
    this.#options = options;
    this.#answering = answering;
    this.#admission = admission;
  }

  /**
   * Carries a command out as far as saying what came of it; what is stored of that is returned. Throws what sending or the
   * database throw; then nothing has come of it, and it is carried out again.
   */
  async carryOut(
    ghost: GhostHandle,
    message: GhostMessage,
    written: WrittenCommand,
    threadRoot: string | undefined,
  ): Promise<Outcome> {
    const { roomId, eventId } = message;
    const command = readCommand(written);
    const language = await this.#options.language.words(ghost.userId, roomId, ownWords(written));
    const call = callFor(ghost.userId, this.#options.agentOf(ghost.userId)?.name, message.direct);
    const outcome = await this.#outcome(ghost, message, command, { words: language, threadRoot, call });
    ghost.markRead(roomId, eventId, threadRoot);
    const step = `${eventId} command`;
    if ("reaction" in outcome) {
      await ghost.send(roomId, "m.reaction", reactionContent(eventId, outcome.reaction), step, {
        form: "of_room",
      });
    } else {
      const follows = await this.#options.isLatest({ ghost: ghost.userId, roomId, eventId });
      const target = { eventId, threadRoot: outcome.threadRoot ?? threadRoot, follows };
      const encrypted = message.encrypted || outcome.encrypted === true;
      const isRefused = encrypted && !message.encrypted && !(await this.#options.isEncrypted(roomId));
      const words = isRefused ? inClear(language, this.#nameOf(ghost.userId), call) : outcome.words;
      const notice = noticeContent(words, target, { origin: eventId, hops: 0 });
      await ghost.send(roomId, "m.room.message", notice, step, {
        form: formFor({ encrypted: encrypted && !isRefused }),
      });
    }
    const { store, after } = outcome;
    return {
      store,
      after: async () => {
        // Not what was written: any word can stand behind an exclamation mark.
        ghost.log.info({ room: roomId, event: eventId, command: command.kind }, "command carried out");
        await after?.();
      },
    };
  }

  /**
   * A decision that is said to nobody in particular is for the agent that waits for one, if it is the only one. Which do wait
   * is asked as of when the decision came, so that all agents of the room find the same.
   */
  async carryOutBare(
    ghost: GhostHandle,
    message: GhostMessage,
    written: WrittenCommand,
    threadRoot: string | undefined,
  ): Promise<Outcome> {
    const { agentsIn, turns, language } = this.#options;
    const { roomId, eventId } = message;
    const waiting = await turns.waitedForConsent(roomId, eventId);
    const asking = (await agentsIn(roomId)).filter(({ userId }) => waiting.includes(userId));
    if (asking[0]?.userId !== ghost.userId) return {};
    if (asking.length === 1) return this.carryOut(ghost, message, written, threadRoot);
    const { consent } = await language.words(ghost.userId, roomId);
    const command = readCommand(written);
    const decision = command.kind === "privacy" && command.decision !== undefined ? ` ${command.decision}` : "";
    const commands = asking.map(({ userId, agent }) => `${callFor(userId, agent.name, false)}!privacy${decision}`);
    const notice = noticeContent(consent.which(commands), { eventId, threadRoot });
    await ghost.send(roomId, "m.room.message", notice, `${eventId} command`, { form: "of_room" });
    return {};
  }

  async #outcome(ghost: GhostHandle, message: GhostMessage, command: Command, manner: Manner): Promise<CommandOutcome> {
    const { history, turns, settings, agents, exchanges } = this.#options;
    const { roomId, sender } = message;
    const { words, call } = manner;
    switch (command.kind) {
      case "help":
        return { words: describeCommands(words, message.direct, call, (name) => this.#isOff(name)) };
      case "list":
        return { words: answerBot(words, "list", agents(), this.#options.privacy.reach) };
      case "unknown":
      case "wrong":
      case "too_long":
        return { words: describeMisspelt(words, command, call) };
      case "status":
        return this.#status(ghost, message, manner);
      case "usage": {
        const { here, all } = await turns.usage(ghost.userId, roomId, sender);
        const left = await this.#options.allowances.leftFor(sender);
        const lines = left.map(({ what, left: rest, of }) => `- ${words.left(what, rest, of)}`);
        return { words: [words.usage(here, all), ...lines].join("\n") };
      }
      case "show": {
        if (this.#isOff(command.setting)) return { words: words.commandOff(command.setting) };
        const set = await settings.get(ghost.userId, roomId);
        return { words: this.#shown(manner, command.setting, set, ghost.userId), encrypted: set.encrypted };
      }
      case "stop":
        return this.#stop(ghost, message, words);
      case "privacy":
        return this.#privacy(ghost, message, command.decision, manner);
      case "discuss":
        return this.#discuss(ghost, message, command, manner);
      case "retry": {
        const question = await turns.lastQuestion(ghost.userId, roomId, sender);
        if (question === undefined) return { words: words.nothingToRetry };
        if (question.isOpen) return { words: words.notDoneYet };
        const notNow = await this.#admission.check(question.turn);
        if (notNow !== undefined) return { words: this.#notNow(words, ghost, notNow) };
        return {
          reaction: AGAIN,
          store: async (tx) => {
            await this.#admission.take(tx, question.turn);
            await turns.enqueueAgain(tx, ghost.userId, question.turn.eventId, "again");
          },
          after: this.#options.turnQueued,
        };
      }
      case "reset":
        if (!(await this.#mayChange(ghost, message))) return { words: words.onlyModerators };
        return {
          words: words.settingsReset,
          // What only admins may set is not others' to take back.
          store: (tx) =>
            settings.reset(
              tx,
              { ghost: ghost.userId, roomId, by: sender },
              SETTINGS.filter((name) => !this.#mayAsAdmin(ghost, message, name)),
            ),
        };
      case "forget": {
        if (!(await this.#mayChange(ghost, message))) return { words: words.onlyModerators };
        const stop = stopping(this.#options, { ghost: ghost.userId, roomId }, { keeps: false });
        return {
          words: words.forgotten,
          store: async (tx) => {
            await stop.store(tx);
            await history.forgetAll(tx, ghost.userId, roomId);
            await exchanges.forget(tx, roomId);
            const { encrypted } = message;
            await settings.set(tx, { ghost: ghost.userId, roomId, by: sender, encrypted }, "remember", undefined);
          },
          after: stop.after,
        };
      }
      case "set":
        return this.#set(ghost, message, command.setting, command.value, manner);
    }
  }

  async #set(
    ghost: GhostHandle,
    message: GhostMessage,
    setting: SettingWord,
    value: string | undefined,
    manner: Manner,
  ): Promise<CommandOutcome> {
    const { roomId, sender } = message;
    // A language is confirmed in itself.
    const words =
      setting === "language" ? await this.#options.language.wordsFor(value, ghost.userId, roomId) : manner.words;
    if (this.#isOff(setting)) return { words: words.commandOff(setting) };
    if (!this.#mayAsAdmin(ghost, message, setting)) return { words: words.onlyAdmins(setting) };
    if (!(await this.#mayChange(ghost, message))) return { words: words.onlyModerators };
    if (setting === "model" && value !== undefined) {
      const refusal = await this.#modelRefused(ghost, message, value, words);
      if (refusal !== undefined) return { words: refusal };
    }
    const before = await this.#options.settings.get(ghost.userId, roomId);
    const now = setting === "temperature" && value !== undefined ? Number(value) : value;
    const after = { ...before, [setting]: now };
    return {
      words: `${words.done} ${this.#shown({ ...manner, words }, setting, after, ghost.userId)}`,
      store: (tx) => {
        const { encrypted } = message;
        return this.#options.settings.set(tx, { ghost: ghost.userId, roomId, by: sender, encrypted }, setting, value);
      },
    };
  }

  /** Why a model can't be chosen; undefined when it can. */
  async #modelRefused(
    ghost: GhostHandle,
    { roomId, sender }: GhostMessage,
    model: string,
    words: Words,
  ): Promise<string | undefined> {
    const agent = this.#options.agentOf(ghost.userId);
    const provider = agent === undefined ? undefined : this.#options.provider(agent.provider);
    if (provider === undefined) return words.noProvider;
    try {
      const models = await this.#patience.wait(provider.name, () => provider.models());
      const names = models.map(({ name }) => name);
      const who = { userId: sender, roomId, ghost: ghost.userId };
      const may = (name: string): boolean => mayHaveModel(this.#options, who, { provider: provider.name, model: name });
      if (!names.includes(model) && !names.includes(`${model}:latest`)) {
        return words.noSuchModel(
          provider.name,
          models.flatMap(({ name, canChat }) => (canChat && may(name) ? [`\`${name}\``] : [])),
        );
      }
      if (may(model)) return undefined;
      noteRefusedModel(this.#options, who, { provider: provider.name, model }, "command");
      return words.notYourModel(model);
    } catch (error) {
      ghost.log.warn({ provider: provider.name, error }, "the models could not be listed");
      return words.modelsUnknown(provider.name);
    }
  }

  async #stop(ghost: GhostHandle, message: GhostMessage, words: Words): Promise<CommandOutcome> {
    const { roomId, sender } = message;
    const mayAll = await this.#mayChange(ghost, message);
    const { turns, exchanges } = this.#options;
    const open = await turns.openOf(ghost.userId, roomId, mayAll ? undefined : sender);
    if (open === 0) return { words: words.nothingToStop };
    const whose = mayAll ? {} : { asker: sender };
    const stop = stopping(this.#options, { ghost: ghost.userId, roomId, ...whose }, { keeps: true });
    return { reaction: STOPPED, ...combined(stop, { store: (tx) => exchanges.stop(tx, roomId, whose) }) };
  }

  /** Shows where words go, or decides for this agent whether they may. */
  async #privacy(
    ghost: GhostHandle,
    message: GhostMessage,
    decision: "allow" | "deny" | "default" | undefined,
    { words, call }: Manner,
  ): Promise<CommandOutcome> {
    const { privacy, consents, turns, limits, turnQueued, provider } = this.#options;
    const { roomId, sender } = message;
    const agent = this.#options.agentOf(ghost.userId);
    const source = agent === undefined ? undefined : provider(agent.provider);
    if (agent === undefined || source === undefined) return { words: words.noProvider };
    if (decision === undefined) return { words: await this.#whereWordsGo(ghost, roomId, words) };
    if (!(await this.#mayChange(ghost, message))) return { words: words.onlyModerators };
    const { model = agent.model ?? "" } = await this.#options.settings.get(ghost.userId, roomId);
    const place = await this.#placeOf(source, model);
    // Nobody is told that nothing leaves where that is not known.
    if (place === undefined) return { words: words.modelsUnknown(source.name) };
    const named = { agent: agent.displayName, call, ...place };
    if (place.locality === "local") return { words: words.consent.unneeded(agent.displayName) };
    const policy = await privacy.policyIn(message);
    if (decision === "allow" && policy === "deny") {
      return { words: words.consent.denied(named, await privacy.ruleIn(message)) };
    }
    // Where devices need not be trusted, what comes in clear is read too: the homeserver could have written it.
    if (decision !== "deny" && !message.encrypted && (await this.#options.isEncrypted(roomId))) {
      return { words: words.consent.notEncrypted };
    }
    if (decision === "default") {
      return {
        words: words.consent.revoked[policy](named),
        store: (tx) => consents.revoke(tx, roomId, ghost.userId, sender),
      };
    }
    const granted = decision === "allow";
    const where = { roomId, ghost: ghost.userId, target: targetOf(place.provider, place.host) };
    return {
      words: granted ? words.consent.allowed(named) : words.consent.nowDeclined[policy](named),
      store: async (tx) => {
        await consents.decide(tx, where, { granted, encrypted: message.encrypted }, sender);
        await afterDecision(tx, where, granted, { turns, limits, answering: this.#answering, words });
      },
      after: turnQueued,
    };
  }

  /** Where the words for a model go; undefined where that can't be asked now. */
  async #placeOf(provider: Provider, model: string): Promise<Place | undefined> {
    try {
      return await this.#patience.wait(provider.name, () => this.#options.privacy.placeOf(provider, model));
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return undefined;
    }
  }

  /** For a room, in plain words: whether it is encrypted, where each agent's words go, and what went where. */
  async #whereWordsGo(speaker: GhostHandle, roomId: string, words: Words): Promise<string> {
    const { privacy, consents, requests, agentsIn, provider, isEncrypted, settings } = this.#options;
    const decisions = await consents.ofRoom(roomId);
    const policy = await privacy.policyIn({ roomId, encrypted: false });
    const encrypted = await isEncrypted(roomId);
    const lines = [encrypted ? words.privacy.encrypted : words.privacy.notEncrypted, ""];
    const places = (await agentsIn(roomId)).map(async ({ userId, agent }) => {
      const source = provider(agent.provider);
      if (source === undefined) return [];
      const { model = agent.model ?? "" } = await settings.get(userId, roomId);
      return [{ userId, agent, place: (await this.#placeOf(source, model)) ?? placeAsConfigured(source) }];
    });
    for (const { userId, agent, place } of (await Promise.all(places)).flat()) {
      const named = { agent: agent.displayName, ...place };
      const decided = decisions.find(
        ({ ghost, target }) => ghost === userId && target === targetOf(place.provider, place.host),
      );
      const day = decided?.at.toISOString().slice(0, 10) ?? "";
      const decision =
        decided === undefined || policy === "deny" || countedIn(encrypted, decided) === undefined
          ? words.privacy.policies[policy]
          : (decided.granted ? words.privacy.decidedYes : words.privacy.decidedNo)(
              identityOf({ userId: decided.by, displayName: await speaker.displayNameOf(roomId, decided.by) }),
              day,
            );
      const line =
        place.locality === "local"
          ? words.privacy.agentLocal(named, place.isSure)
          : words.privacy.agentCloud(named, decision);
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
    { words, threadRoot, call }: Manner,
  ): Promise<CommandOutcome> {
    const { agentsIn, exchanges, history, turns, exchangeLimits } = this.#options;
    const { roomId, eventId, sender } = message;
    if (message.direct) return { words: words.notInDirectChats };
    const others = (await agentsIn(roomId)).filter(({ userId }) => userId !== ghost.userId);
    const may = ({ userId }: ListedAgent): boolean =>
      this.#options.permissions.allows({ act: "message", userId: sender, ghost: userId, roomId });
    const { named, rest: topic } = namedAgents(command.rest, others);
    const mentions = mentionsOf(message.content);
    const partners = [...named, ...others.filter((one) => mentions.includes(one.userId) && !named.includes(one))];
    if (partners.length === 0) {
      const names = others.filter(may).map(({ agent }) => `\`${agent.name}\``);
      return { words: words.noSuchAgent(plainWords(command.rest.split(/\s/)[0] ?? ""), names) };
    }
    const closed = partners.filter((partner) => !may(partner));
    if (closed.length > 0) return { words: words.notYourAgents(closed.map(({ agent }) => agent.displayName)) };
    const length = command.turns ?? Math.min(DISCUSSION_TURNS, exchangeLimits.maxTurns);
    if (topic === "" || length < 1 || length > exchangeLimits.maxTurns) {
      return { words: describeMisspelt(words, { kind: "wrong", command: "discuss" }, call) };
    }
    const wish = { asker: sender, roomId, ghost: ghost.userId };
    const notNow = await this.#admission.check(wish);
    if (notNow !== undefined) return { words: this.#notNow(words, ghost, notNow) };
    const root = threadRoot ?? eventId;
    const speaker = await ghost.speakerOf(roomId, sender);
    const participants = [ghost.userId, ...partners.map(({ userId }) => userId)];
    const names = [this.#nameOf(ghost.userId), ...partners.map(({ agent }) => agent.displayName)];
    return {
      words: words.discussing(names, length, call),
      threadRoot: root,
      store: async (tx) => {
        await this.#admission.take(tx, wish);
        const { sentAt, encrypted } = message;
        await exchanges.begin(tx, { roomId, origin: eventId }, sender, { topic, participants, length, encrypted });
        const said = { eventId, author: "person", sender, speaker, body: topic, sentAt, encrypted } as const;
        const position = await history.remember(tx, ghost.userId, roomId, { ...said, threadRoot: root });
        const asked = { ghost: ghost.userId, roomId, eventId, asker: sender, position, threadRoot: root, encrypted };
        await turns.enqueue(tx, { ...asked, origin: eventId, hops: 0 });
      },
      after: this.#options.turnQueued,
    };
  }

  /** What is set here; of the rest, that it is as the admin has it. */
  async #status(ghost: GhostHandle, { roomId }: GhostMessage, { words, call }: Manner): Promise<CommandOutcome> {
    const agent = this.#options.agentOf(ghost.userId);
    const settings = await this.#options.settings.get(ghost.userId, roomId);
    const waiting = await this.#options.turns.openOf(ghost.userId, roomId, undefined);
    const model = settings.model ?? agent?.model;
    const set = SETTINGS.filter((name) => name !== "model" && settings[name] !== undefined);
    const lines = [
      words.iAm(this.#nameOf(ghost.userId), agent?.provider, model === undefined ? undefined : withoutPath(model)),
      "",
      ...set.map(
        (name) => `- ${words.setHere(words.settings[name], words.value(name, escapeMarkdown(String(settings[name]))))}`,
      ),
      `- ${words.restAsAdmin(set.length === 0 && settings.model === undefined, call)}`,
      ...(waiting === 0 ? [] : [`- ${words.waiting(waiting)}`]),
    ];
    return { words: lines.join("\n"), encrypted: settings.encrypted };
  }

  /** How a setting stands, in words. */
  #shown({ words, call }: Manner, name: SettingWord, settings: RoomSettings, ghost: string): string {
    const agent = this.#options.agentOf(ghost);
    const own = settings[name];
    const ofAdmin: RoomDefaults & Readonly<Record<"model" | "system" | "temperature" | "remember", string>> = {
      ...defaultsFor(this.#options.defaults, agentIn(agent, settings, this.#options.models)),
      model: agent?.model ?? words.none,
      system: agent?.systemPrompt ?? words.none,
      temperature: agent?.temperature === undefined ? words.modelsOwn : String(agent.temperature),
      remember: words.nothing,
    };
    const value = words.value(name, escapeMarkdown(String(own ?? ofAdmin[name])));
    return words.setting(words.settings[name], value, own !== undefined, `${call}${words.commands[name].usage}`);
  }

  /** Nothing is asked by then: the same command asks again. */
  #notNow(words: Words, ghost: GhostHandle, notNow: NotNow): string {
    const agent = this.#nameOf(ghost.userId);
    if (notNow.why === "full") return words.tooManyWait(agent);
    return words.tooMany(agent, notNow.kind, Math.ceil(notNow.waitMs / 60_000), false);
  }

  #nameOf(ghost: string): string {
    return this.#options.agentOf(ghost)?.displayName ?? userLocalpart(ghost);
  }

  /** Whether the admin has switched a command off. */
  #isOff(command: string): boolean {
    return this.#options.permissions.settersOf(command) === "nobody";
  }

  /** Whether somebody may change a setting, where that is for the bridge's admins alone; elsewhere {@link #mayChange} tells. */
  #mayAsAdmin(ghost: GhostHandle, { roomId, sender }: GhostMessage, setting: SettingWord): boolean {
    const { permissions } = this.#options;
    if (permissions.settersOf(setting) !== "admins") return true;
    return permissions.allows({ act: "administer", userId: sender, ghost: ghost.userId, roomId });
  }

  /** Who moderates the room may; also where it is a direct chat, for that may have been a group before, with others' words. */
  #mayChange(ghost: GhostHandle, message: GhostMessage): Promise<boolean> {
    return moderates(this.#options.permissions, ghost, message);
  }
}

/** Of requests that are shown, in days. */
const SHOWN_DAYS = 7;

/** What is said in the place of words that came encrypted, where they would go in clear. */
function inClear({ failures }: Words, agent: string, call: string): string {
  return failures.in_clear({ agent, call, model: "", provider: "" });
}

/** How a command is answered: in which words, and in which thread. */
interface Manner {
  readonly words: Words;
  readonly threadRoot: string | undefined;
  /** What stands before a command so that it is for this agent. */
  readonly call: string;
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
