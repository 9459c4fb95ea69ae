import type { Language } from "../language/languages.ts";
import type { LogLevel } from "../observability/log.ts";
import type { GuardedFile } from "./guarded-files.ts";

/** config.yaml, checked and complete: defaults filled in, paths absolute, durations in milliseconds. */
export interface Config {
  readonly homeserver: {
    /** Where the bridge reaches the homeserver's client-server API. */
    readonly url: string;
    /** The server name in user ids. */
    readonly domain: string;
  };
  readonly appservice: {
    /** Absolute path of registration.yaml. */
    readonly registration: string;
    readonly bind: string;
    readonly port: number;
    readonly maxTransactionBytes: number;
    /** Localpart of the bridge's own bot, which is not the registration's sender. */
    readonly bot: string;
  };
  /** Absolute path. */
  readonly dataDir: string;
  /** Files that others must not read or change. */
  readonly guardedFiles: readonly GuardedFile[];
  /** Undefined: the embedded database in `dataDir`. */
  readonly database: { readonly url: string } | undefined;
  readonly logging: { readonly level: LogLevel; readonly format: "json" | "pretty" | "auto" };
  /** Where the process tells how it is; undefined: nowhere. */
  readonly monitoring: { readonly bind: string; readonly port: number } | undefined;
  /** The simple form of the rules: the people who may use the agents, and those who are ignored. */
  readonly access: AccessConfig;
  /** The same where it is not as simple. */
  readonly permissions: PermissionConfig;
  readonly encryption: {
    readonly masterKey: MasterKeySource;
    readonly trust: TrustPolicy;
    /** The one who confirms verifications on the agents' side. */
    readonly verification: VerificationMode;
    /** In which rooms agents talk. */
    readonly mode: EncryptionMode;
    /** Room keys that are older are forgotten; undefined: never. */
    readonly forgetKeysAfterMs: number | undefined;
  };
  readonly sync: {
    /** How often every device looks at its /sync though nothing rang. */
    readonly intervalMs: number;
    /** How long a key may be missing before people are told. */
    readonly missingKeyNoticeMs: number;
  };
  readonly turns: {
    /** Questions that may wait in one conversation. */
    readonly maxQueued: number;
    readonly maxWaitMs: number;
    readonly maxDurationMs: number;
    /** How long a model server that is away is tried again. */
    readonly retryModelForMs: number;
    /** How long running turns may take to end when the bridge stops. */
    readonly drainMs: number;
  };
  readonly answers: AnswerSettings;
  readonly exchanges: ExchangeSettings;
  /** How much may be asked in a day. */
  readonly limits: Limits;
  /** Whether words may leave the admin's own network. */
  readonly privacy: PrivacyPolicy;
  readonly memory: {
    /** Whether what is too long ago to be read again at each question is summed up. */
    readonly summaries: boolean;
    /** Messages that are older are forgotten; undefined keeps them as long as the room lets it. */
    readonly retentionMs: number | undefined;
  };
  readonly ghosts: { readonly maxLoaded: number; readonly idleAfterMs: number };
  /** Without a sign of life for so long, a process loses its ghosts. */
  readonly leases: { readonly expireAfterMs: number };
  readonly providers: ReadonlyMap<string, ProviderConfig>;
  readonly agents: ReadonlyMap<string, AgentConfig>;
  /** The server that writes down voice messages. */
  readonly transcription: { readonly provider: string; readonly model: string } | undefined;
}

/**
 * The people who may use the agents: globs of user ids, `*` for any run of characters, `?` for one (`@*:example.org`).
 */
export interface AccessConfig {
  readonly users: readonly string[];
  /**
   * Users who are never answered, whatever other rules say: bots, and people of other networks whom bridges bring
   * along.
   */
  readonly ignore: readonly string[];
  /** The users whom the admin trusts with the bridge itself. */
  readonly admins: readonly string[];
}

/**
 * The levels of rights: none; using agents; a room moderator's rights in every room; and the rights over the bridge.
 * Each includes the ones before it.
 */
export type Level = "none" | "user" | "moderator" | "admin";

/**
 * The people who may change a setting of a room: its moderators; admins; or nobody, and then rooms' own values do not
 * count.
 */
export type SettingUsers = "moderators" | "admins" | "nobody";

/** The rules of who may do what, by globs. The most particular one counts. */
export interface PermissionConfig {
  /** By user ids. */
  readonly users: ReadonlyMap<string, Level>;
  /** By the servers of users. */
  readonly servers: ReadonlyMap<string, Level>;
  /** By room ids: blocked (`none`), or the level that everybody has there; `allowed` blocks none and gives none. */
  readonly rooms: ReadonlyMap<string, Level | "allowed">;
  /** By the names of agents: globs of the users who alone may use them. */
  readonly agents: ReadonlyMap<string, readonly string[]>;
  /** The people who may use the commands that are named in it; all other commands are the moderators'. */
  readonly commands: Readonly<Record<string, SettingUsers>>;
  /** Agents answer in no room that more have joined; undefined: in any. */
  readonly maxRoomMembers: number | undefined;
  /** How many invites of one user, and of the users of one server, are accepted in a day; undefined: all. */
  readonly invitesPerDay: { readonly user: number | undefined; readonly server: number | undefined };
  /** Ids of the policy rooms whose bans count. */
  readonly banLists: readonly string[];
}

/**
 * How far a device is trusted, from everybody to few. The words are those of mautrix; its last level, a device verified
 * by itself, is `cross-signed-verified` here, because the engine does not tell them apart any more.
 *
 * - `unverified`: any device.
 * - `cross-signed-untrusted`: a device that its owner has signed (MSC4153).
 * - `cross-signed-tofu`: that, and the owner's identity is the one that was seen first.
 * - `cross-signed-verified`: that, and the owner's identity was verified.
 */
export type TrustLevel = "unverified" | "cross-signed-untrusted" | "cross-signed-tofu" | "cross-signed-verified";

/** The levels of trust that are required. */
export interface Trust {
  /** Devices below this level get no keys of ours. */
  readonly send: TrustLevel;
  /** Messages of devices below this level are not acted on. */
  readonly read: TrustLevel;
}

/**
 * The trust that is required, and where: the most particular rule counts, a room's before an agent's before the
 * default.
 */
export interface TrustPolicy {
  readonly everywhere: Trust;
  /** By the agent's name. */
  readonly agents: ReadonlyMap<string, Partial<Trust>>;
  readonly rooms: ReadonlyMap<string, Partial<Trust>>;
}

/** How answers look while they are made. */
export interface AnswerSettings {
  /**
   * `edit`: as a message that is edited until it is whole; `replace`: the same, and the whole answer is a message of its own,
   * which rings, while the first one goes; `off`: only when it is whole.
   */
  readonly stream: "edit" | "replace" | "off";
  /** How often the message is edited, the last form not counted. */
  readonly maxEdits: number;
  /** Whether what a model says to itself before it answers is shown, folded. */
  readonly thinking: boolean;
  /** Whether a question is reacted to with 👀 when it has been taken. */
  readonly acknowledge: boolean;
  /** Whether an agent says who it is where it was invited. */
  readonly welcome: boolean;
  /** Whether commands are described to clients that have menus for them (MSC4391), where a room lets the agent. */
  readonly commandMenus: boolean;
  /** Of notices and help; `auto`: as people speak in the room. */
  readonly language: Language | "auto";
}

/** The kinds of limits: on the use by a user, a room, the users of a server, or of an agent. */
export type LimitKind = "user" | "room" | "server" | "agent";

/** How much of something there may be in a day; undefined: as much as you like. */
export interface DailyLimit {
  readonly requests?: number;
  readonly tokens?: number;
}

export type Limits = Readonly<Record<LimitKind, DailyLimit>>;

/** Whether words of a room may go to providers outside the admin's network: never; where it agrees; unless it does not. */
export type CloudPolicy = "deny" | "ask" | "allow";

/** The admin's rule: a room's own, or the one for its kind of room. */
export interface PrivacyPolicy {
  readonly cloud: CloudPolicy;
  /** In encrypted rooms. */
  readonly encrypted: CloudPolicy;
  readonly rooms: ReadonlyMap<string, CloudPolicy>;
}

/** How agents of a room ask each other. */
export interface ExchangeSettings {
  /** Whether they may of their own accord. */
  readonly delegate: boolean;
  /** How many agents a question may go on to, one after the other. */
  readonly maxHops: number;
  /** How many turns one message of a person may lead to, of all agents together. */
  readonly maxTurns: number;
}

/**
 * The one who confirms on the agent's side of a verification: an operator who compares, the agent itself, or nobody.
 */
export type VerificationMode = "operator" | "accept" | "off";

/** In which rooms agents talk: in all, in encrypted ones alone, or in those alone that are not. */
export type EncryptionMode = "default" | "require" | "off";

/** Where the master key is kept: 32 bytes, as 64 hexadecimal digits. */
export type MasterKeySource =
  { readonly from: "file"; readonly path: string } | { readonly from: "env"; readonly name: string };

/** A source of answers, under its key in `providers:`. */
export type ProviderConfig = DemoConfig | OllamaConfig | OpenAiConfig | AnthropicConfig;

/** Whether what goes to a provider stays in the admin's own network. */
export type Locality = "local" | "cloud";

/** How much a model may think before it answers; `none`: not at all, where it can do without. */
export type Effort = "none" | "low" | "medium" | "high";

/** The built-in demo, which is no model. */
export interface DemoConfig {
  readonly type: "demo";
}

/** An Ollama server. */
export interface OllamaConfig {
  readonly type: "ollama";
  readonly url: string;
  /** Whether each installed model is an agent too. */
  readonly discover: boolean;
  /** How long the first token may take; loading a large model takes a while. */
  readonly firstTokenMs: number;
  /** How long the pause between two tokens may be. */
  readonly idleMs: number;
  /** For its agents that set none of their own. */
  readonly contextTokens: number;
  readonly keepAlive?: string;
  /** For its agents that set none of their own; undefined: as the model has it. */
  readonly effort?: Effort;
  readonly locality: Locality;
  /** How many answers are asked for at once. */
  readonly maxConcurrent: number;
  /** How many requests of one model run at once: the value of Ollama's own `OLLAMA_NUM_PARALLEL`. */
  readonly numParallel: number;
}

/** A server that speaks OpenAI's protocol. */
export interface OpenAiConfig {
  readonly type: "openai";
  readonly url: string;
  readonly apiKey?: string;
  /** Certificates (PEM) that are trusted beside the usual ones. */
  readonly ca?: string;
  /** Whether each model that it lists is an agent too. */
  readonly discover: boolean;
  readonly firstTokenMs: number;
  readonly idleMs: number;
  readonly contextTokens: number;
  /** For its agents that set none of their own; undefined: as the model has it. */
  readonly effort?: Effort;
  readonly locality: Locality;
  /** How many answers are asked for at once. */
  readonly maxConcurrent: number;
}

/** Anthropic, or a server that speaks its protocol. */
export interface AnthropicConfig extends Omit<OpenAiConfig, "type" | "discover"> {
  readonly type: "anthropic";
}

/** An agent, under its key in `agents:`. */
export interface AgentConfig {
  readonly name: string;
  readonly provider: string;
  /** The provider's name of the model; absent for the demo. */
  readonly model?: string;
  readonly displayName: string;
  /** Absolute path of an image. */
  readonly avatar?: string;
  /** The agent whose model answers when its own can't, of the same locality. */
  readonly fallback?: string;
  /** The content of the answer. */
  readonly makes: "text" | "pictures";
  /** Whether its model looks at pictures; undefined: as the provider says. */
  readonly vision?: boolean;
  readonly systemPrompt?: string;
  readonly temperature?: number;
  readonly effort?: Effort;
  readonly contextTokens: number;
  readonly keepAlive?: string;
}
