import { AgentPauses } from "../../src/agents/pauses.ts";
import assert from "node:assert/strict";
import { AuditLog } from "../../src/audit/audit-log.ts";
import type { Language } from "../../src/language/languages.ts";
import { CommandMenus } from "../../src/commands/command-menus.ts";
import { Answering } from "../../src/answering/answering.ts";
import { FailureNotices } from "../../src/answering/failure-notices.ts";
import type { AnsweringOptions } from "../../src/answering/parts.ts";
import { ToolDecisions } from "../../src/answering/tool-decisions.ts";
import type { ConversationOptions } from "../../src/conversation/conversation-options.ts";
import { Conversation } from "../../src/conversation/conversation.ts";
import { Forgetting } from "../../src/memory/forgetting.ts";
import { QuotedMessages } from "../../src/memory/quoted-messages.ts";
import { History } from "../../src/memory/history.ts";
import { Pulls } from "../../src/commands/pulls.ts";
import { RoomLanguage } from "../../src/answering/room-language.ts";
import { Summaries } from "../../src/memory/summaries.ts";
import type {
  AnswerSettings,
  CloudPolicy,
  Level,
  Limits,
  Locality,
  SettingUsers,
  ToolServerConfig,
} from "../../src/config/config.ts";
import { Permissions, type Refused } from "../../src/permissions/permissions.ts";
import { Bans } from "../../src/permissions/bans.ts";
import { Consents } from "../../src/privacy/consents.ts";
import { PrivacyGate } from "../../src/privacy/gate.ts";
import { ProviderRequests } from "../../src/privacy/provider-requests.ts";
import { KnownModels } from "../../src/providers/model-facts.ts";
import type { Database, Queryable } from "../../src/database/database.ts";
import type { Agent } from "../../src/agents/agents.ts";
import type { GhostHandle, ReadEvent } from "../../src/ghost/ghost-handle.ts";
import type { Form } from "../../src/ghost/form.ts";
import type { GhostMessage } from "../../src/ghost/received.ts";
import type { Outcome } from "../../src/ghost/outcome.ts";
import { acquireLease } from "../../src/leases/leases.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { ReadFiles } from "../../src/memory/read-files.ts";
import { UnreadableFile } from "../../src/answering/unreadable-file.ts";
import { Memberships } from "../../src/mailbox/memberships.ts";
import { configuredDefaults } from "../../src/rooms/settings.ts";
import { RoomSettingsStore } from "../../src/rooms/settings-store.ts";
import {
  ProviderError,
  type ChatChunk,
  type ChatRequest,
  type DrawRequest,
  type InstalledModel,
  type ModelFacts,
  type Provider,
  type Relay,
  type TranscribeRequest,
} from "../../src/providers/provider.ts";
import { Allowances } from "../../src/turns/allowances.ts";
import { Exchanges } from "../../src/turns/exchanges.ts";
import { Reminders } from "../../src/reminders/reminders.ts";
import { makeToolSignIns } from "../../src/bridge/tool-sign-ins.ts";
import { Background } from "../../src/concurrency/background.ts";
import { ToolAccess } from "../../src/tools/tool-access.ts";
import { ToolGrants } from "../../src/tools/tool-grants.ts";
import { ToolServers } from "../../src/tools/tool-servers.ts";
import { noSuchTools } from "./tool-servers.ts";
import type { AnswerAttempt } from "../../src/turns/turn-work.ts";
import type { Turn, TurnReply } from "../../src/turns/turn.ts";
import { TurnStore } from "../../src/turns/turn-store.ts";
import { parseContent } from "../../src/matrix/received-content.ts";
import { parseRelation } from "../../src/matrix/relation.ts";
import { addProcess } from "./lease.ts";
import { sealsOf } from "./seals.ts";

export const LLAMA = "@agent_llama:example.test";
export const QWEN = "@agent_qwen:example.test";
export const BOT = "@agents:example.test";
export const ROOM = "!room:example.test";
export const ALICE = "@alice:example.test";
export const BOB = "@bob:example.test";
export const MODERATOR = "@moderator:example.test";

export const AGENT: Agent = {
  localpart: "agent_llama",
  name: "llama",
  provider: "local",
  model: "llama3.2:3b",
  displayName: "Llama",
  systemPrompt: "Be brief.",
  contextTokens: 4_096,
  makes: "text",
  locality: "local",
  temperature: 0.5,
};

export const OTHER: Agent = {
  ...AGENT,
  localpart: "agent_qwen",
  name: "qwen",
  displayName: "Qwen",
  model: "qwen2.5:7b",
};

/** The header of a PNG of 3 by 2 pixels. */
export const PICTURE = Buffer.from("89504e470d0a1a0a0000000d494844520000000300000002", "hex");

/** A provider that gives scripted answers, and records its requests. */
export class Script implements Provider {
  readonly name = "local";
  host = "127.0.0.1:11434";
  locality: Locality = "local";
  /** Whether it says where its models run. */
  saysWhere = true;
  relay: Relay | undefined = {
    facts: (model) => (this.saysWhere ? this.facts(model) : Promise.resolve(undefined)),
    saysWhere: () => Promise.resolve(this.saysWhere),
  };
  remoteHost: string | undefined;
  contextTokens: number | undefined;
  readonly asked: ChatRequest[] = [];
  says: (request: ChatRequest) => AsyncIterable<ChatChunk> = () => chunks("An ", "answer.");

  chat(request: ChatRequest): AsyncIterable<ChatChunk> {
    this.asked.push(request);
    return this.says(request);
  }
  installed: readonly string[] = [];
  sees = false;
  facts: (model: string) => Promise<ModelFacts> = () => {
    const remote = this.remoteHost === undefined ? {} : { remoteHost: this.remoteHost };
    const known = this.contextTokens === undefined ? {} : { contextTokens: this.contextTokens };
    return Promise.resolve({ sees: this.sees, ...remote, ...known });
  };
  /** The words in a recording. */
  hears = (): Promise<string> => Promise.reject(new ProviderError("unreachable", "nobody listens"));
  transcribe(request: TranscribeRequest): Promise<string> {
    this.recordings.push(request);
    return this.hears();
  }
  readonly recordings: TranscribeRequest[] = [];
  readonly drawn: DrawRequest[] = [];
  draw(request: DrawRequest): Promise<Uint8Array> {
    this.drawn.push(request);
    return Promise.resolve(PICTURE);
  }
  models(): Promise<InstalledModel[]> {
    return Promise.resolve(this.installed.map((name) => ({ name, canChat: true })));
  }
}

/** An answer in these pieces. */
export async function* chunks(...texts: string[]): AsyncIterable<ChatChunk> {
  for (const text of texts) yield await Promise.resolve({ kind: "text", text } as const);
  yield { kind: "done", reason: "stop" };
}

/** Fails if any row of the database holds the words. */
export async function assertNowhere(database: Database, words: RegExp): Promise<void> {
  const { rows: tables } = await database.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
  );
  assert.ok(tables.length > 10);
  for (const { name } of tables) {
    const { rows } = await database.query(`select * from ${name}`);
    assert.doesNotMatch(JSON.stringify(rows), words, name);
  }
}

/** A readable event of a room, as it came. */
export interface EventInRoom extends Omit<ReadEvent, "eventId" | "content"> {
  readonly type: string;
  readonly content: Readonly<Record<string, unknown>>;
}

function readOf(eventId: string, { type, content, ...event }: EventInRoom): ReadEvent {
  return { ...event, eventId, content: parseContent(type, content) };
}

/** The options of a message. */
export type Saying = Partial<Omit<GhostMessage, "content">> & {
  readonly to?: string;
  /** Further fields of its content. */
  readonly also?: object;
  /** The content, instead of one made from the words. */
  readonly content?: Readonly<Record<string, unknown>>;
};

/** A conversation with agents whose models give scripted answers, on a database. */
export class World {
  readonly database: Database;
  readonly provider = new Script();
  readonly pauses: AgentPauses;
  /** Servers of tools; a test may configure some. */
  readonly tools = new ToolServers(new Map(), { makeOwn: noSuchTools, makePersonal: noSuchTools, log: silentLogger() });
  /** The configured ones, as people sign in to them. */
  servers: ReadonlyMap<string, ToolServerConfig> = new Map();
  readonly answering: Answering;
  readonly conversation: Conversation;
  readonly history: History;
  readonly quoted: QuotedMessages;
  readonly forgetting: Forgetting;
  readonly reminders: Reminders;
  readonly exchanges: Exchanges;
  readonly summaries: Summaries;
  readonly settings: RoomSettingsStore;
  readonly requests: ProviderRequests;
  readonly policy = {
    cloud: "ask" as CloudPolicy,
    encrypted: "deny" as CloudPolicy,
    rooms: new Map<string, CloudPolicy>(),
  };
  encrypted = false;
  /** The room's encryption as the gate sees it, if that differs. */
  gateSees: boolean | undefined;
  /** The permissions; a test may change them. */
  readonly access = permissive();
  /** The refusals. */
  readonly refused: Refused[] = [];
  readonly permissions = new Permissions({
    settings: () => this.access,
    botUserId: BOT,
    bans: () => this.access.bans,
    refused: (refused) => this.refused.push(refused),
  });
  /** Whether agents describe their commands. */
  describes = true;
  /** Whether agents may set state. */
  maySetState = true;
  /** Whether newcomers introduce themselves. */
  welcomes = true;
  /** The number of joined members. */
  members = 3;
  /** The users in direct chats that somebody else made; in others, the member is a moderator. */
  readonly leftAlone = new Set<string>();
  /** The readable events of the room, besides messages to an agent; and the events that were looked up. */
  readonly events = new Map<string, EventInRoom>();
  readonly lookedUp: string[] = [];
  /** The error of every lookup. */
  lookFails: Error | undefined;
  /** The senders of further events. */
  readonly senders = new Map<string, string>();
  /** Whether the answered message is still the last one, in a direct chat of two. */
  latest = false;
  /** The other agent's differences. */
  other: Partial<Agent> = {};
  /** The events sent under steps, where a test names them. */
  readonly sentAs = new Map<string, string>();
  /** The agents in the room. */
  readonly present = new Set([LLAMA, QWEN]);
  readonly sent: { content: Record<string, unknown>; step: string; form?: Form }[] = [];
  readonly read: string[] = [];
  readonly showsThinking: boolean;
  readonly redacted: string[] = [];
  readonly reactions: string[] = [];
  readonly state: { readonly type: string; readonly stateKey: string; readonly content: object }[] = [];
  readonly uploaded: { readonly bytes: Uint8Array; readonly mimetype: string; readonly form: Form }[] = [];
  readonly files = new Map<string, Uint8Array | Promise<Uint8Array>>();
  /** The fetched files, once for each fetch. */
  readonly downloads: string[] = [];
  /** The codes of questions about calls whose answers were stopped. */
  readonly waitsStopped: string[] = [];
  readonly stopped: { readonly id: number; readonly keeps: boolean }[] = [];
  agent: Agent | undefined = AGENT;
  queued = 0;
  finished = 0;
  /** The error of every commit. */
  commitFails: Error | undefined;
  #count = 0;

  constructor(
    database: Database,
    {
      showsThinking = false,
      language = "auto",
      limits = { user: {}, room: {}, server: {}, agent: {} },
      maxQueued = 3,
    }: { showsThinking?: boolean; language?: Language | "auto"; limits?: Limits; maxQueued?: number } = {},
  ) {
    this.database = database;
    this.showsThinking = showsThinking;
    this.history = new History(database, sealsOf(database));
    this.quoted = new QuotedMessages(database, sealsOf(database));
    this.forgetting = new Forgetting(database, sealsOf(database));
    this.pauses = new AgentPauses(database);
    this.reminders = new Reminders(database, sealsOf(database));
    this.exchanges = new Exchanges(database, sealsOf(database));
    this.summaries = new Summaries(database, sealsOf(database), this.history, silentLogger());
    const settings = (this.settings = new RoomSettingsStore(
      database,
      sealsOf(database),
      (name) => this.permissions.settersOf(name) === "nobody",
    ));
    const models = new KnownModels();
    const consents = new Consents(database);
    this.requests = new ProviderRequests(database);
    const isEncrypted = (): Promise<boolean> => Promise.resolve(this.encrypted);
    const failureNotices = new FailureNotices((userId) => this.#agentOf(userId));
    const turns = new TurnStore(database, sealsOf(database));
    const privacy = new PrivacyGate({
      settings: () => this.policy,
      consents,
      requests: this.requests,
      models,
      isEncrypted: async () => this.gateSees ?? isEncrypted(),
    });
    const grants = new ToolGrants(database);
    const options: AnsweringOptions & ConversationOptions = {
      history: this.history,
      quoted: this.quoted,
      forgetting: this.forgetting,
      reminders: this.reminders,
      pauses: this.pauses,
      failureNotices,
      turns,
      makeStream: () => Promise.resolve(undefined),
      turnQueued: () => this.queued++,
      stopTurns: (ids, how) => void this.stopped.push(...ids.map((id) => ({ id, ...how }))),
      isAgent: (userId) => userId.startsWith("@agent_") || userId === BOT,
      agentOf: (userId) => this.#agentOf(userId),
      agents: () => AGENTS,
      agentNamed: (name) => (name === "qwen" ? { ...OTHER, ...this.other } : undefined),
      agentsIn: () => Promise.resolve(AGENTS.filter(({ userId }) => this.present.has(userId))),
      exchanges: this.exchanges,
      allowances: new Allowances(database, () => limits),
      models,
      privacy,
      menus: new CommandMenus(database),
      pageLinks: {
        linkFor: (userId) =>
          Promise.resolve(
            userId === MODERATOR
              ? { kind: "link", link: "https://hs/sign-in#code", minutes: 10 }
              : { kind: "not yours" },
          ),
      },
      pulls: new Pulls({
        permissions: this.permissions,
        providers: () => [this.provider],
        note: (entry) => new AuditLog(database).record(database, entry),
        installed: () => undefined,
      }),
      consents,
      requests: this.requests,
      isEncrypted,
      senderOf: (_room, eventId) => Promise.resolve(this.senders.get(eventId)),
      isLatest: () => Promise.resolve(this.latest),
      standingOf: (_room, userId) => Promise.resolve({ isJoined: true, isModerator: userId === MODERATOR }),
      exchangeLimits: () => ({ delegate: false, maxHops: 2, maxTurns: 5 }),
      summaries: this.summaries,
      language: new RoomLanguage({
        settings,
        history: this.history,
        memberships: new Memberships(database),
        configured: () => language,
      }),
      defaults: () =>
        configuredDefaults({
          answers: { stream: "edit", language },
          exchanges: { delegate: false },
          memory: { summaries: true },
        }),
      provider: (name) => (name === "local" ? this.provider : undefined),
      permissions: this.permissions,
      limits: () => ({ maxQueued, maxWaitMs: 60_000 }),
      answers: () => this.#answers(language),
      settings,
      tools: this.tools,
      toolAccess: new ToolAccess({
        servers: this.tools,
        privacy,
        grants,
        isEncrypted,
        mayGrant: (_ghost, _room, userId) => Promise.resolve(userId === MODERATOR),
      }),
      toolDecisions: new ToolDecisions({
        database,
        turns: turns.waiting,
        servers: this.tools,
        grants,
        permissions: this.permissions,
        isEncrypted,
      }),
      grants,
      toolSignIns: makeToolSignIns(
        {
          database,
          settings: () => ({ tools: this.servers, web: undefined }),
          background: new Background(silentLogger()),
          log: silentLogger(),
        },
        sealsOf(database),
      ).people,
      askToSignIn: () => Promise.resolve("no_chat"),
      approvalMs: () => 3_600_000,
      waitsStopped: (waits) => void this.waitsStopped.push(...waits.flatMap(({ codes }) => codes)),
      transcription: () => ({ provider: "local", model: "whisper-1" }),
      listensMs: 200,
      upload: (_ghost, _room, bytes, mimetype, form) => {
        this.uploaded.push({ bytes, mimetype, form });
        return Promise.resolve({ url: "mxc://example.test/picture" });
      },
      readEvent: (_ghost, _room, eventId) => {
        this.lookedUp.push(eventId);
        if (this.lookFails !== undefined) return Promise.reject(this.lookFails);
        const event = this.events.get(eventId);
        const speaker = READ_NAMES[event?.sender ?? ""] ?? event?.sender ?? "";
        return Promise.resolve(event && { ...readOf(eventId, event), speaker });
      },
      readFiles: new ReadFiles(database, sealsOf(database)),
      download: async (_ghost, { url }, maxBytes, signal) => {
        this.downloads.push(url);
        const file = await until(this.files.get(url), signal);
        if (file === undefined) throw new UnreadableFile("no_file");
        if (file.length > maxBytes) throw new UnreadableFile("too_large");
        return file;
      },
      log: silentLogger(),
    };
    this.answering = new Answering(options);
    this.conversation = new Conversation(options);
  }

  #agentOf(userId: string): Agent | undefined {
    return userId === LLAMA ? this.agent : userId === QWEN ? OTHER : undefined;
  }

  /** The admin's settings. */
  #answers(language: Language | "auto"): AnswerSettings {
    return {
      stream: "edit",
      maxEdits: 24,
      thinking: this.showsThinking,
      tools: "fold",
      acknowledge: true,
      welcome: this.welcomes,
      commandMenus: this.describes,
      aiMarks: true,
      language,
    };
  }

  /** @param host the person who made the room, besides the moderator. */
  ghost(userId = LLAMA, host?: string): GhostHandle {
    return {
      userId,
      isBot: userId === BOT,
      log: silentLogger(),
      displayNameOf: (_room, userId) => Promise.resolve(NAMES[userId] ?? userId),
      speakerOf: (_room, userId) => Promise.resolve(NAMES[userId] ?? userId),
      send: (_room, type, content, step, { form }) => {
        assertMentions(type, content);
        this.sent.push({ content: content as Record<string, unknown>, step, form });
        return Promise.resolve("$sent");
      },
      sendToAll: () => Promise.reject(new Error("a conversation answers those it listens to")),
      download: () => Promise.reject(new Error("files come by the turn")),
      outsideOf: (_room, eventId) => {
        if (this.lookFails !== undefined) return Promise.reject(this.lookFails);
        const event = this.events.get(eventId);
        return Promise.resolve(
          event && { sender: event.sender, relation: parseRelation(event.content["m.relates_to"]) },
        );
      },
      read: (_room, eventId) => {
        this.lookedUp.push(eventId);
        const event = this.events.get(eventId);
        return Promise.resolve(event && readOf(eventId, event));
      },
      setState: (_room, type, events) => {
        if (this.maySetState) this.state.push(...events.map((event) => ({ type, ...event })));
        return Promise.resolve(this.maySetState);
      },
      redact: (_room, eventId) => Promise.resolve(void this.redacted.push(eventId)),
      sent: (_room, step) => {
        const named = this.sentAs.get(step);
        return Promise.resolve(named ?? (this.sent.some((sent) => sent.step === step) ? "$sent" : undefined));
      },
      isModerator: (_room, userId) => Promise.resolve(userId === MODERATOR || userId === host),
      memberCount: () => Promise.resolve(this.members),
      react: (_room, eventId, key) => this.reactions.push(`${eventId} ${key}`),
      markRead: (_room, eventId) => this.read.push(eventId),
    };
  }

  /** Acts on a decision, like the ghost's actor. */
  async settle(decided: Promise<Outcome>): Promise<void> {
    const { store, last, after } = await decided;
    await this.database.transaction(async (tx) => {
      await store?.(tx);
      await last?.(tx);
      if (this.commitFails !== undefined) throw this.commitFails;
    });
    this.finished++;
    await after?.();
  }

  /** Sends a person's message; returns the event's id. */
  async say(body: string, more: Saying = {}): Promise<string> {
    const { to = LLAMA, also = {}, content = { msgtype: "m.text", body, ...also }, ...fields } = more;
    const message: GhostMessage = {
      eventId: `$event${++this.#count}`,
      roomId: ROOM,
      sender: ALICE,
      sentAt: 1,
      content: parseContent("m.room.message", content),
      direct: true,
      isLatest: this.latest,
      speaker: undefined,
      settings: await this.settings.get(to, more.roomId ?? ROOM),
      encrypted: this.encrypted,
      lateMs: 0,
      shield: undefined,
      ...fields,
    };
    const isHost = message.direct && !this.leftAlone.has(message.sender);
    await this.settle(this.conversation.message(this.ghost(to, isHost ? message.sender : undefined), message));
    return message.eventId;
  }

  /** An attempt at an answer, in a room that is or is not a direct chat with the asker. */
  async attempt(turn: Turn, direct: boolean): Promise<AnswerAttempt> {
    return this.answering.attempt(turn, async () => ({
      partner: direct ? turn.asker : undefined,
      isEncrypted: this.encrypted,
      settings: await this.settings.get(turn.ghost, turn.roomId),
    }));
  }

  /** The reply of an attempt. */
  async respond(turn: Turn, direct: boolean, show: (text: string) => void, signal: AbortSignal): Promise<TurnReply> {
    const attempt = await this.attempt(turn, direct);
    const got = await attempt.respond({ steps: [], mayCall: true, show, signal });
    assert.notEqual(got.outcome, "calls");
    return got as TurnReply;
  }

  /** Stores a message of a turn's agent. */
  async remember(turn: Turn, eventId: string, text: string, tx: Queryable = this.database): Promise<void> {
    const remember = await this.answering.remembering(tx, turn);
    await remember(eventId, text);
  }

  /** The open turn of an event. */
  async turn(eventId: string, ghost = LLAMA): Promise<Turn | undefined> {
    // The process that has the ghost runs it.
    const { rows } = await this.database.query<{ owner: number }>("select owner from leases");
    const owner = rows[0]?.owner ?? (await this.#take());
    const { turns: open } = await new TurnStore(this.database, sealsOf(this.database)).queue.due(owner);
    return open.map(({ turn }) => turn).find((turn) => turn.eventId === eventId && turn.ghost === ghost);
  }

  /** The reply that is about to be sent to an event. */
  async replyTo(eventId: string): Promise<TurnReply | undefined> {
    const { rows } = await this.database.query<{ owner: number }>("select owner from leases");
    const { turns: open } = await new TurnStore(this.database, sealsOf(this.database)).queue.due(
      rows[0]?.owner ?? (await this.#take()),
    );
    const turn = open.find((other) => other.turn.eventId === eventId);
    if (turn?.state !== "sending") return undefined;
    for (const { content } of turn.reply.messages) assertMentions("m.room.message", content);
    return turn.reply;
  }

  async #take(): Promise<number> {
    const owner = await addProcess(this.database);
    for (const ghost of [LLAMA, QWEN]) await acquireLease(this.database, ghost, owner);
    return owner;
  }

  async turns(): Promise<Record<string, unknown>[]> {
    return (await this.database.query("select event_id, state, kind, thread_root from turns order by id")).rows;
  }

  /** A question with its answer, by default in two messages; returns its turn's id. */
  async answered(question: string, { answers = ["$answer", "$more"] } = {}): Promise<number> {
    const turn = await this.turn(question);
    assert.ok(turn);
    for (const [index, eventId] of answers.entries()) {
      const words = index === 0 ? "an answer" : "and more";
      await this.remember(turn, eventId, words);
    }
    await new TurnStore(this.database, sealsOf(this.database)).finish(this.database, turn, { outcome: "answered" });
    return turn.id;
  }

  async react(target: string, key: string, sender = ALICE): Promise<void> {
    const eventId = `$reaction${++this.#count}`;
    const reaction = { eventId, roomId: ROOM, sender, target, key };
    await this.settle(this.conversation.reaction(this.ghost(), reaction));
  }

  async remembered(ghost = LLAMA): Promise<string[]> {
    const all = await this.history.upTo(ghost, ROOM, Number.MAX_SAFE_INTEGER, 100);
    return all.map(({ speaker, body }) => `${speaker}: ${body}`);
  }
}

/**
 * Every message must say whom it mentions, even nobody: otherwise homeservers and clients search the text for names
 * (spec "User and room mentions", the push rules `.m.rule.contains_display_name`, `.contains_user_name` and
 * `.roomnotif`).
 */
function assertMentions(type: string, content: object): void {
  if (type !== "m.room.message") return;
  const { "m.mentions": mentions, "m.new_content": anew } = content as Record<string, unknown>;
  assert.equal(typeof mentions, "object", "a message has no list of mentioned people");
  assert.notEqual(mentions, null);
  assert.ok(!("room" in (mentions as object)), "an agent calls the room");
  if (anew !== undefined) assertMentions(type, anew as object);
}

/** The awaited value, unless the signal aborts. */
async function until<T>(coming: T | Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    Promise.resolve(coming)
      .finally(() => signal.removeEventListener("abort", stop))
      .then(resolve, reject);
  });
}

/** Everybody of this server may use agents, and the moderator also administers the bridge. */
function permissive() {
  return {
    access: { users: ["@*:example.test"], ignore: ["@_*:*"], admins: [] as string[] },
    permissions: {
      users: new Map<string, Level>([[MODERATOR, "admin"]]),
      servers: new Map<string, Level>(),
      rooms: new Map<string, Level | "allowed">(),
      agents: new Map<string, readonly string[]>(),
      commands: { model: "moderators" as SettingUsers, system: "moderators" as SettingUsers },
      maxRoomMembers: undefined as number | undefined,
      invitesPerDay: { user: undefined, server: undefined },
      banLists: [] as string[],
    },
    bans: new Bans(),
  };
}

const AGENTS = [
  { userId: LLAMA, agent: AGENT },
  { userId: QWEN, agent: OTHER },
];

const NAMES: Readonly<Record<string, string>> = { [ALICE]: "Alice", [LLAMA]: "Llama", [QWEN]: "Qwen" };

/** The same for looked-up events. */
const READ_NAMES: Readonly<Record<string, string>> = { ...NAMES, [BOB]: "Bob" };

/** For callers that ignore the growing answer. */
export const UNSEEN = (): void => undefined;
export const NEVER = new AbortController().signal;
