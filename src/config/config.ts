import type { LogLevel } from "../observability/log.ts";
import type { TrustPolicy } from "../policy/trust.ts";

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
    /** Localpart of the bridge's own bot, who is not the registration's sender. */
    readonly bot: string;
  };
  /** Absolute path. */
  readonly dataDir: string;
  /** Undefined: the embedded database in `dataDir`. */
  readonly database: { readonly url: string } | undefined;
  readonly logging: { readonly level: LogLevel; readonly format: "json" | "pretty" | "auto" };
  /** Globs of the user ids that may invite agents and talk with them. */
  readonly access: { readonly users: readonly string[] };
  readonly encryption: {
    readonly masterKey: MasterKeySource;
    readonly trust: TrustPolicy;
    /** Who confirms verifications on the agents' side. */
    readonly verification: "operator" | "accept" | "off";
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
  readonly ghosts: { readonly maxLoaded: number; readonly idleAfterMs: number };
  /** Without a sign of life for so long, a process loses its ghosts. */
  readonly leases: { readonly expireAfterMs: number };
  readonly providers: ReadonlyMap<string, ProviderConfig>;
  readonly agents: ReadonlyMap<string, AgentConfig>;
}

/** Where the master key is kept: 32 bytes, as 64 hexadecimal digits. */
export type MasterKeySource =
  { readonly from: "file"; readonly path: string } | { readonly from: "env"; readonly name: string };

/** A source of answers, under its key in `providers:`. */
export type ProviderConfig = DemoConfig | OllamaConfig;

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
  readonly systemPrompt?: string;
  readonly temperature?: number;
  readonly contextTokens: number;
  readonly keepAlive?: string;
}
