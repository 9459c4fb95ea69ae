import assert from "node:assert/strict";
import { AuditLog } from "../../src/audit/audit-log.ts";
import type { Language } from "../../src/language/language.ts";
import { Conversation } from "../../src/conversation/conversation.ts";
import { History } from "../../src/conversation/history.ts";
import { Pulls } from "../../src/conversation/pulls.ts";
import { RoomLanguage } from "../../src/conversation/room-language.ts";
import { Summaries } from "../../src/conversation/summaries.ts";
import type { CloudPolicy, Level, Limits, Locality } from "../../src/config/config.ts";
import { Permissions, type Refused } from "../../src/permissions/permissions.ts";
import { Bans } from "../../src/policy/bans.ts";
import { Consents } from "../../src/privacy/consents.ts";
import { PrivacyGate } from "../../src/privacy/gate.ts";
import { ProviderRequests } from "../../src/privacy/provider-requests.ts";
import { KnownModels } from "../../src/providers/model-facts.ts";
import type { Database } from "../../src/database/database.ts";
import type { Agent } from "../../src/ghost/agents.ts";
import type { GhostHandle, GhostMessage, Settle } from "../../src/ghost/listener.ts";
import { acquireLease } from "../../src/leases/leases.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { UnreadableFile } from "../../src/conversation/reading.ts";
import { RoomSettingsStore } from "../../src/rooms/settings.ts";
import {
  ProviderError,
  type ChatChunk,
  type ChatRequest,
  type DrawRequest,
  type ModelFacts,
  type Provider,
  type TranscribeRequest,
} from "../../src/providers/provider.ts";
import { Allowances } from "../../src/turns/allowances.ts";
import { Exchanges } from "../../src/turns/exchanges.ts";
import type { Turn, TurnReply } from "../../src/turns/turn.ts";
import { TurnStore } from "../../src/turns/turn-store.ts";
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

/** A PNG of 3 by 2 pixels, as far as its header. */
export const PICTURE = Buffer.from("89504e470d0a1a0a0000000d494844520000000300000002", "hex");

/** A provider that says what a test tells it to, and keeps what it was asked. */
export class Script implements Provider {
  readonly name = "local";
  host = "127.0.0.1:11434";
  locality: Locality = "local";
  relays = true;
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
  facts(): Promise<ModelFacts> {
    const remote = this.remoteHost === undefined ? {} : { remoteHost: this.remoteHost };
    const known = this.contextTokens === undefined ? {} : { contextTokens: this.contextTokens };
    return Promise.resolve({ sees: this.sees, ...remote, ...known });
  }
  /** What is heard in a recording. */
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
  models(): Promise<{ name: string }[]> {
    return Promise.resolve(this.installed.map((name) => ({ name })));
  }
}

/** An answer in these pieces. */
export async function* chunks(...texts: string[]): AsyncIterable<ChatChunk> {
  for (const text of texts) yield await Promise.resolve({ kind: "text", text } as const);
  yield { kind: "done", reason: "stop" };
}

/** No row of the database holds it. */
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

/** A conversation with agents whose models say what a test tells them to, on a database. */
export class World {
  readonly database: Database;
  readonly provider = new Script();
  readonly conversation: Conversation;
  readonly history: History;
  readonly exchanges: Exchanges;
  readonly summaries: Summaries;
  readonly requests: ProviderRequests;
  readonly policy = {
    cloud: "ask" as CloudPolicy,
    encrypted: "deny" as CloudPolicy,
    rooms: new Map<string, CloudPolicy>(),
  };
  encrypted = false;
  /** Who may do what; a test may change it. */
  readonly access = permissive();
  /** What was refused. */
  readonly refused: Refused[] = [];
  readonly permissions = new Permissions({
    config: this.access,
    botUserId: BOT,
    bans: () => this.access.bans,
    refused: (refused) => this.refused.push(refused),
  });
  /** How many have joined the room. */
  members = 3;
  /** What is different with the other agent. */
  other: Partial<Agent> = {};
  /** The events that were sent under steps, where a test wants to name them. */
  readonly sentAs = new Map<string, string>();
  /** The agents in the room. */
  readonly present = new Set([LLAMA, QWEN]);
  readonly sent: { content: Record<string, unknown>; step: string }[] = [];
  readonly read: string[] = [];
  readonly showsThinking: boolean;
  readonly redacted: string[] = [];
  readonly reactions: string[] = [];
  readonly state: { readonly type: string; readonly stateKey: string; readonly content: object }[] = [];
  readonly uploaded: { readonly bytes: Uint8Array; readonly mimetype: string }[] = [];
  readonly files = new Map<string, Uint8Array | Promise<Uint8Array>>();
  readonly stopped: { readonly id: number; readonly keeps: boolean }[] = [];
  agent: Agent | undefined = AGENT;
  queued = 0;
  finished = 0;
  #count = 0;

  constructor(
    database: Database,
    {
      showsThinking = false,
      language = "auto",
      limits = { user: {}, room: {}, server: {}, agent: {} },
    }: { showsThinking?: boolean; language?: Language | "auto"; limits?: Limits } = {},
  ) {
    this.database = database;
    this.showsThinking = showsThinking;
    this.history = new History(database, sealsOf(database));
    this.exchanges = new Exchanges(database, sealsOf(database));
    this.summaries = new Summaries(database, sealsOf(database), this.history, silentLogger());
    const settings = new RoomSettingsStore(database, sealsOf(database));
    const models = new KnownModels();
    const consents = new Consents(database);
    this.requests = new ProviderRequests(database);
    const isEncrypted = (): Promise<boolean> => Promise.resolve(this.encrypted);
    this.conversation = new Conversation({
      history: this.history,
      turns: new TurnStore(database, sealsOf(database)),
      turnQueued: () => this.queued++,
      stopTurns: (ids, how) => void this.stopped.push(...ids.map((id) => ({ id, ...how }))),
      isAgent: (userId) => userId.startsWith("@agent_") || userId === BOT,
      agentOf: (userId) => (userId === LLAMA ? this.agent : userId === QWEN ? OTHER : undefined),
      agents: () => AGENTS,
      agentNamed: (name) => (name === "qwen" ? { ...OTHER, ...this.other } : undefined),
      agentsIn: () => Promise.resolve(AGENTS.filter(({ userId }) => this.present.has(userId))),
      exchanges: this.exchanges,
      allowances: new Allowances(database, { limits }),
      models,
      privacy: new PrivacyGate({
        config: { privacy: this.policy },
        consents,
        requests: this.requests,
        models,
        isEncrypted,
      }),
      pulls: new Pulls({
        permissions: this.permissions,
        providers: () => [this.provider],
        note: (entry) => new AuditLog(database).record(database, entry),
        installed: () => undefined,
      }),
      consents,
      requests: this.requests,
      isEncrypted,
      exchangeLimits: { delegate: false, maxHops: 2, maxTurns: 5 },
      summaries: this.summaries,
      language: new RoomLanguage({ settings, history: this.history, config: { answers: { language } } }),
      defaults: {
        respond: "thread",
        listen: "agents",
        threads: "off",
        delegate: "off",
        summaries: "on",
        stream: "edit",
        language,
      },
      provider: (name) => (name === "local" ? this.provider : undefined),
      permissions: this.permissions,
      limits: { maxQueued: 3, maxWaitMs: 60_000 },
      answers: {
        stream: "edit",
        maxEdits: 24,
        thinking: this.showsThinking,
        acknowledge: true,
        welcome: true,
        commandMenus: true,
        language,
      },
      settings,
      transcription: { provider: "local", model: "whisper-1" },
      upload: (_ghost, _room, bytes, mimetype) => {
        this.uploaded.push({ bytes, mimetype });
        return Promise.resolve({ url: "mxc://example.test/picture" });
      },
      download: async (_ghost, { url }, maxBytes) => {
        const file = await this.files.get(url);
        if (file === undefined) throw new UnreadableFile("no_file");
        if (file.length > maxBytes) throw new UnreadableFile("too_large");
        return file;
      },
      log: silentLogger(),
    });
  }

  ghost(userId = LLAMA): GhostHandle {
    return {
      userId,
      isBot: userId === BOT,
      log: silentLogger(),
      displayNameOf: (_room, userId) => Promise.resolve(NAMES[userId] ?? userId),
      send: (_room, _type, content, step) => {
        this.sent.push({ content: content as Record<string, unknown>, step });
        return Promise.resolve("$sent");
      },
      sendToAll: () => Promise.reject(new Error("a conversation answers those it listens to")),
      download: () => Promise.reject(new Error("files come by the turn")),
      setState: (_room, type, events) => void this.state.push(...events.map((event) => ({ type, ...event }))),
      redact: (_room, eventId) => Promise.resolve(void this.redacted.push(eventId)),
      sent: (_room, step) => {
        const named = this.sentAs.get(step);
        return Promise.resolve(named ?? (this.sent.some((sent) => sent.step === step) ? "$sent" : undefined));
      },
      isModerator: (_room, userId) => Promise.resolve(userId === MODERATOR),
      memberCount: () => Promise.resolve(this.members),
      react: (_room, eventId, key) => this.reactions.push(`${eventId} ${key}`),
      markRead: (_room, eventId) => this.read.push(eventId),
    };
  }

  readonly settle: Settle = async (store) => {
    await this.database.transaction((tx) => store?.(tx) ?? Promise.resolve());
    this.finished++;
  };

  /** Somebody says something; returns the event's id. */
  async say(body: string, more: Partial<GhostMessage> & { to?: string; also?: object } = {}): Promise<string> {
    const { to = LLAMA, also = {}, ...fields } = more;
    const message: GhostMessage = {
      eventId: `$event${++this.#count}`,
      roomId: ROOM,
      sender: ALICE,
      sentAt: 1,
      content: { msgtype: "m.text", body, ...also },
      direct: true,
      encrypted: this.encrypted,
      lateMs: 0,
      shield: undefined,
      ...fields,
    };
    await this.conversation.message(this.ghost(to), message, this.settle);
    return message.eventId;
  }

  /** The open turn of an event. */
  async turn(eventId: string, ghost = LLAMA): Promise<Turn | undefined> {
    // Run by whoever has the ghost.
    const { rows } = await this.database.query<{ owner: number }>("select owner from leases");
    const owner = rows[0]?.owner ?? (await this.#take());
    const open = await new TurnStore(this.database, sealsOf(this.database)).due(owner);
    return open.map(({ turn }) => turn).find((turn) => turn.eventId === eventId && turn.ghost === ghost);
  }

  /** What is about to be sent in answer to an event. */
  async replyTo(eventId: string): Promise<TurnReply | undefined> {
    const { rows } = await this.database.query<{ owner: number }>("select owner from leases");
    const open = await new TurnStore(this.database, sealsOf(this.database)).due(rows[0]?.owner ?? (await this.#take()));
    const turn = open.find((other) => other.turn.eventId === eventId);
    return turn?.state === "sending" ? turn.reply : undefined;
  }

  async #take(): Promise<number> {
    const owner = await addProcess(this.database);
    for (const ghost of [LLAMA, QWEN]) await acquireLease(this.database, ghost, owner);
    return owner;
  }

  async turns(): Promise<Record<string, unknown>[]> {
    return (await this.database.query("select event_id, state, kind, thread_root from turns order by id")).rows;
  }

  /** A question that was answered, in two messages unless others are named; returns its turn's id. */
  async answered(question: string, { answers = ["$answer", "$more"] } = {}): Promise<number> {
    const turn = await this.turn(question);
    assert.ok(turn);
    for (const [index, eventId] of answers.entries()) {
      const words = index === 0 ? "an answer" : "and more";
      await this.conversation.answering.remember(this.database, turn, eventId, words);
    }
    await new TurnStore(this.database, sealsOf(this.database)).finish(this.database, turn, { outcome: "answered" });
    return turn.id;
  }

  async react(target: string, key: string, sender = ALICE): Promise<void> {
    const eventId = `$reaction${++this.#count}`;
    const reaction = { eventId, roomId: ROOM, sender, target, key, direct: false };
    await this.conversation.reaction(this.ghost(), reaction, this.settle);
  }

  async remembered(ghost = LLAMA): Promise<string[]> {
    const all = await this.history.upTo(ghost, ROOM, Number.MAX_SAFE_INTEGER, 100);
    return all.map(({ speaker, body }) => `${speaker}: ${body}`);
  }
}

/** Everybody of this server may, and the moderator administers the bridge, too. */
function permissive() {
  return {
    access: { users: ["@*:example.test"], ignore: ["@_*:*"], admins: [] as string[] },
    permissions: {
      users: new Map<string, Level>([[MODERATOR, "admin"]]),
      servers: new Map<string, Level>(),
      rooms: new Map<string, Level | "allowed">(),
      agents: new Map<string, readonly string[]>(),
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

/** For whoever does not look at what is being said. */
export const UNSEEN = (): void => undefined;
export const NEVER = new AbortController().signal;
