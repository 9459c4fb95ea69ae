import type { Language } from "../language/languages.ts";
import type { LogLevel } from "../observability/log.ts";
import type { GuardedFile } from "./guarded-files.ts";
import type { ExchangeSettings } from "./exchange-config.ts";
import type { ToolSignInConfig } from "./tool-sign-in-config.ts";
import type { WebConfig } from "./web-config.ts";

/** config.yaml, checked and complete: with defaults, absolute paths, and durations in milliseconds. */
export interface Config {
  readonly homeserver: {
    /** The URL at which the bridge reaches the homeserver's client-server API. */
    readonly url: string;
    /** The server name in user ids. */
    readonly domain: string;
    /** Certificates (PEM) that are trusted there beside the usual ones. */
    readonly ca?: string;
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
  /** The address for monitoring; undefined: none. */
  readonly monitoring: { readonly bind: string; readonly port: number } | undefined;
  readonly web: WebConfig | undefined;
  /** The simple form of the rules: the people who may use the agents, and those who are ignored. */
  readonly access: AccessConfig;
  /** The detailed form of the rules. */
  readonly permissions: PermissionConfig;
  readonly encryption: {
    readonly masterKey: MasterKeySource;
    readonly trust: TrustPolicy;
    /** The one who confirms verifications on the agent's side. */
    readonly verification: VerificationMode;
    /** The rooms in which agents talk. */
    readonly mode: EncryptionMode;
    /** The age at which room keys are deleted; undefined: never. */
    readonly forgetKeysAfterMs: number | undefined;
  };
  readonly sync: {
    /** The interval at which every device reads its /sync without a reason. */
    readonly intervalMs: number;
    /** The time after which people are told of a missing key. */
    readonly missingKeyNoticeMs: number;
  };
  readonly turns: {
    /** The most waiting questions in one conversation. */
    readonly maxQueued: number;
    readonly maxWaitMs: number;
    readonly maxDurationMs: number;
    /** The time for people to decide about calls of tools. */
    readonly approvalMs: number;
    /** The time for which an unreachable model server is retried. */
    readonly retryModelForMs: number;
    /** The most calls of tools for one answer, and the time of all of them together. */
    readonly maxToolCalls: number;
    readonly maxToolTimeMs: number;
    /** The time that running turns get when the bridge stops. */
    readonly drainMs: number;
  };
  readonly answers: AnswerSettings;
  readonly exchanges: ExchangeSettings;
  /** The limits for a day. */
  readonly limits: Limits;
  /** Whether messages may leave the admin's own network. */
  readonly privacy: PrivacyPolicy;
  readonly memory: {
    /** Whether messages too old to be read again at each question are summarised. */
    readonly summaries: boolean;
    /** The age at which messages are forgotten; undefined: by the room's own rule. */
    readonly retentionMs: number | undefined;
  };
  readonly ghosts: { readonly maxLoaded: number; readonly idleAfterMs: number };
  /** A process without a heartbeat for this long loses its ghosts. */
  readonly leases: { readonly expireAfterMs: number };
  readonly providers: ReadonlyMap<string, ProviderConfig>;
  readonly tools: ReadonlyMap<string, ToolServerConfig>;
  readonly agents: ReadonlyMap<string, AgentConfig>;
  /** The server that transcribes voice messages. */
  readonly transcription: { readonly provider: string; readonly model: string } | undefined;
}

/**
 * The people who may use the agents: globs of user ids, `*` for any run of characters, `?` for one (`@*:example.org`).
 */
export interface AccessConfig {
  readonly users: readonly string[];
  /**
   * Users who are never answered, whatever other rules say: bots, and people whom bridges bring from other networks.
   */
  readonly ignore: readonly string[];
  /** The users whom the admin trusts with the bridge itself. */
  readonly admins: readonly string[];
}

/**
 * The levels of rights: none; using agents; a room moderator's rights in every room; rights over the bridge. Each
 * includes the earlier ones.
 */
export type Level = "none" | "user" | "moderator" | "admin";

/**
 * The people who may change a setting of a room: its moderators, admins, or nobody. With nobody, rooms' own values do
 * not count.
 */
export type SettingUsers = "moderators" | "admins" | "nobody";

/** The rules for rights, by globs. The most specific one counts. */
export interface PermissionConfig {
  /** By user ids. */
  readonly users: ReadonlyMap<string, Level>;
  /** By the servers of users. */
  readonly servers: ReadonlyMap<string, Level>;
  /**
   * By room id: blocked (`none`), or the level of everybody in that room; `allowed` neither blocks nor gives a level.
   */
  readonly rooms: ReadonlyMap<string, Level | "allowed">;
  /** By agent name: globs of the only users who may use it. */
  readonly agents: ReadonlyMap<string, readonly string[]>;
  /** The people who may use each command; unnamed commands belong to the moderators. */
  readonly commands: Readonly<Record<string, SettingUsers>>;
  /** The most joined members of a room in which agents answer; undefined: any number. */
  readonly maxRoomMembers: number | undefined;
  /** The invites accepted in a day, from one user and from one server's users; undefined: all. */
  readonly invitesPerDay: { readonly user: number | undefined; readonly server: number | undefined };
  /** Ids of the policy rooms whose bans apply. */
  readonly banLists: readonly string[];
}

/**
 * The trust that a device needs, from everybody to few. The words are mautrix's; its last level, a device verified by
 * itself, is `cross-signed-verified` here, because the engine no longer distinguishes the two.
 *
 * - `unverified`: any device.
 * - `cross-signed-untrusted`: a device that its owner has signed (MSC4153).
 * - `cross-signed-tofu`: also, the owner's identity is the first one that was seen.
 * - `cross-signed-verified`: also, the owner's identity was verified.
 */
export type TrustLevel = "unverified" | "cross-signed-untrusted" | "cross-signed-tofu" | "cross-signed-verified";

/** The levels of trust that are required. */
export interface Trust {
  /** Devices below this level get no keys of ours. */
  readonly send: TrustLevel;
  /** Messages of devices below this level are not acted on. */
  readonly read: TrustLevel;
}

/** The required trust by place: the most specific rule counts, a room's before an agent's before the default. */
export interface TrustPolicy {
  readonly everywhere: Trust;
  /** By the agent's name. */
  readonly agents: ReadonlyMap<string, Partial<Trust>>;
  readonly rooms: ReadonlyMap<string, Partial<Trust>>;
}

/** The settings for how answers appear. */
export interface AnswerSettings {
  /**
   * `edit`: as a message that is edited until it is complete; `replace`: the same, but the complete answer is a new
   * message, which notifies people, and the first one is deleted; `off`: only when it is complete.
   */
  readonly stream: "edit" | "replace" | "live" | "off";
  /** The most edits of the message, without the last form. */
  readonly maxEdits: number;
  /** Whether the model's thinking is shown, folded. */
  readonly thinking: boolean;
  /** Whether the calls of tools behind an answer are listed above it, folded. */
  readonly tools: "fold" | "off";
  /** Whether a question gets the reaction 👀 once it is taken. */
  readonly acknowledge: boolean;
  /** Whether an agent introduces itself where it was invited. */
  readonly welcome: boolean;
  /** Whether commands are described to clients with menus (MSC4391), where the room allows it. */
  readonly commandMenus: boolean;
  /** Whether a model's messages, pictures and profile carry a mark that an AI made them, for programs. */
  readonly aiMarks: boolean;
  /** The language of notices and help; `auto`: the one people write in the room. */
  readonly language: Language | "auto";
}

/** The kinds of limits: for a user, a room, a server's users, or an agent. */
export type LimitKind = "user" | "room" | "server" | "agent";

/** The limit of something in a day; undefined: none. */
export interface DailyLimit {
  readonly requests?: number;
  readonly tokens?: number;
  readonly toolCalls?: number;
}

export type Limits = Readonly<Record<LimitKind, DailyLimit>>;

/**
 * Whether a room's messages may go to providers outside the admin's network: never; if the room agrees; unless it
 * refuses.
 */
export type CloudPolicy = "deny" | "ask" | "allow";

/** The admin's rule: for one room, or for a kind of room. */
export interface PrivacyPolicy {
  readonly cloud: CloudPolicy;
  /** In encrypted rooms. */
  readonly encrypted: CloudPolicy;
  readonly rooms: ReadonlyMap<string, CloudPolicy>;
}

/** The one who confirms the agent's side of a verification: an operator who compares, the agent itself, or nobody. */
export type VerificationMode = "operator" | "accept" | "off";

/** The rooms in which agents talk: all, only encrypted ones, or only unencrypted ones. */
export type EncryptionMode = "default" | "require" | "off";

/** The place of the master key: 32 bytes, as 64 hexadecimal digits. */
export type MasterKeySource =
  { readonly from: "file"; readonly path: string } | { readonly from: "env"; readonly name: string };

/** A source of answers, under its key in `providers:`. */
export type ProviderConfig = DemoConfig | OllamaConfig | OpenAiConfig | AnthropicConfig;

/** Whether data for a provider stays in the admin's own network. */
export type Locality = "local" | "cloud";

/** The amount of thinking before an answer; `none`: none at all, if the model can do without. */
export type Effort = "none" | "low" | "medium" | "high";

/** The built-in demo, which is no model. */
export interface DemoConfig {
  readonly type: "demo";
}

/** An Ollama server. */
export interface OllamaConfig {
  readonly type: "ollama";
  readonly url: string;
  /** Whether each installed model also becomes an agent. */
  readonly discover: boolean;
  /** The time limit for the first token; loading a large model takes a while. */
  readonly firstTokenMs: number;
  /** The longest pause between two tokens. */
  readonly idleMs: number;
  /** For its agents without a value of their own. */
  readonly contextTokens: number;
  readonly keepAlive?: string;
  /** For its agents without a value of their own; undefined: the model's default. */
  readonly effort?: Effort;
  readonly locality: Locality;
  /** The most answers requested at once. */
  readonly maxConcurrent: number;
  /** The most parallel requests of one model: the value of Ollama's own `OLLAMA_NUM_PARALLEL`. */
  readonly numParallel: number;
}

/** A server that speaks OpenAI's protocol. */
export interface OpenAiConfig {
  readonly type: "openai";
  readonly url: string;
  readonly apiKey?: string;
  /** Certificates (PEM) that are trusted in addition to the usual ones. */
  readonly ca?: string;
  /** Whether each listed model also becomes an agent. */
  readonly discover: boolean;
  readonly firstTokenMs: number;
  readonly idleMs: number;
  readonly contextTokens: number;
  /** For its agents without a value of their own; undefined: the model's default. */
  readonly effort?: Effort;
  readonly locality: Locality;
  /** The most answers requested at once. */
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
  /** The agent whose model answers when its own can't; it must have the same locality. */
  readonly fallback?: string;
  /** The content of the answer. */
  readonly makes: "text" | "pictures";
  /** Whether its model accepts pictures; undefined: the provider says so. */
  readonly vision?: boolean;
  readonly systemPrompt?: string;
  readonly temperature?: number;
  readonly effort?: Effort;
  readonly contextTokens: number;
  readonly keepAlive?: string;
}

/** A server of tools, under its key in `tools:`. */
export type ToolServerConfig = McpServerConfig | OwnToolsConfig;

/** A server of tools that speaks MCP. */
export type McpServerConfig = StdioToolServer | HttpToolServer;

/** The bridge's own tools: those that `tools` names. */
export interface OwnToolsConfig extends ToolRules {
  readonly type: "own";
  /** The longest call, in ms. */
  readonly callTimeoutMs: number;
  /** The time zone of people who name none (IANA). */
  readonly timeZone: string;
  /** The hosts whose pages may be read, each with its port where that is not the usual one. All are of one locality. */
  readonly hosts: readonly string[];
}

/** A program that speaks MCP over its standard input and output. */
export interface StdioToolServer extends ToolRules, McpSettings {
  readonly type: "stdio";
  /** Absolute path. */
  readonly command: string;
  readonly args: readonly string[];
  /** With its secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** The names of variables whose values are secret. */
  readonly secrets: readonly string[];
  readonly folders: readonly ToolFolder[];
  readonly network: boolean;
  readonly sandbox: "bwrap" | "none";
  readonly maxMemoryBytes: number;
  readonly maxProcesses: number;
}

/** A folder that a program in a sandbox sees. */
export interface ToolFolder {
  /** Absolute path. */
  readonly path: string;
  readonly write: boolean;
}

/** A server that speaks MCP's streamable HTTP. */
export interface HttpToolServer extends ToolRules, McpSettings {
  readonly type: "http";
  readonly url: string;
  readonly token?: string;
  /** People sign in to it, each for herself; undefined: it knows only the bridge. */
  readonly signIn?: ToolSignInConfig;
  /** Certificates (PEM) that are trusted in addition to the usual ones. */
  readonly ca?: string;
}

/** The settings of every server that speaks MCP. */
interface McpSettings {
  /** Whether its resources are offered as tools, too. */
  readonly resources: boolean;
  /** Whether it may ask the person behind a call something. */
  readonly questions: boolean;
  /** Whether people may use its prompts. */
  readonly prompts: boolean;
  /** The longest call, in ms. */
  readonly callTimeoutMs: number;
  /** The time without a call, after which the connection ends, and with it the program, in ms. */
  readonly idleAfterMs: number;
}

/**
 * Whether a call is made: without a question; if somebody agrees, perhaps once for all; if somebody agrees each time;
 * never.
 */
export type ToolApproval = "never" | "ask" | "always_ask" | "refuse";

/** The admin's rules for a server's tools. An absent list names all. */
export interface ToolRules {
  readonly locality: Locality;
  /** Whether models outside the network read what a local server returns. */
  readonly cloudModels: boolean;
  /** For all its tools; absent: by what each says of itself. */
  readonly approval?: ToolApproval;
  /** By globs of the tools' names. */
  readonly tools: ReadonlyMap<string, ToolApproval>;
  /** The people who decide, beside the room's moderators. */
  readonly approvers: "asker" | "moderators";
  /** Globs of further users who may always decide. */
  readonly approverUsers: readonly string[];
  /** Globs of agents' names. */
  readonly agents?: readonly string[];
  readonly rooms?: readonly string[];
  readonly users?: readonly string[];
}
