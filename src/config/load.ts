import { dirname, resolve } from "node:path";
import { checkSchema } from "./check-schema.ts";
import type {
  AgentConfig,
  CloudPolicy,
  Config,
  Effort,
  Level,
  Locality,
  MasterKeySource,
  PermissionConfig,
  PrivacyPolicy,
  ProviderConfig,
  SettingUsers,
  Trust,
  TrustPolicy,
  DailyLimit,
  LimitKind,
  Limits,
} from "./config.ts";
import { ConfigError } from "./config-error.ts";
import { crossCheck } from "./cross-checks.ts";
import { databaseUrl, type DatabaseSettings } from "./database-url.ts";
import { parseDays, parseDuration } from "./formats.ts";
import { guardedFiles } from "./guarded-files.ts";
import { localityOf } from "./locality.ts";
import { OutsideSettings, type OutsideValues } from "./outside-settings.ts";
import { providerSecrets } from "./provider-secrets.ts";
import { toolServersOf, type RawToolServer } from "./tool-config.ts";
import { toolSecrets } from "./tool-secrets.ts";
import { webOf, type RawWeb } from "./web-config.ts";
import { readYamlMapping } from "./yaml-file.ts";

/**
 * Reads config.yaml and checks it completely before anything starts. Throws {@link ConfigError} with every mistake,
 * each with its path, the value found and the value expected.
 */
export async function loadConfig(path: string): Promise<Config> {
  const file = resolve(path);
  const directory = dirname(file);
  const hint = "a configuration file; `matrix-agents init` makes one, or name another with -c";
  const settings = withoutEmptySections(await readYamlMapping(file, hint));

  const problems = await checkSchema(settings);
  const database = await databaseUrl(settings["database"] as DatabaseSettings | undefined, directory);
  problems.push(...(await crossCheck(settings, directory)));
  const { secrets, problems: unreadProviders } = await providerSecrets(groupOf(settings["providers"]), directory);
  const { secrets: ofTools, problems: unreadTools } = await toolSecrets(groupOf(settings["tools"]), directory);
  const unread = [...unreadProviders, ...unreadTools];
  const homeserver = groupOf(settings["homeserver"]);
  const { ca } = await new OutsideSettings(["homeserver"], homeserver, directory, unread).certificates();
  // The reason is more useful than "there is no such setting".
  problems.splice(0, problems.length, ...problems.filter(({ path }) => !unread.some((other) => other.path === path)));
  problems.push(...unread);
  if (database.problem !== undefined) problems.push(database.problem);
  if (problems.length > 0) throw new ConfigError(file, problems);

  return configOf(settings as unknown as RawConfig, {
    file,
    guarded: guardedFiles(settings, file, directory),
    databaseUrl: database.url,
    secrets,
    ca,
    toolSecrets: ofTools,
  });
}

function homeserverOf({ url, domain }: RawConfig["homeserver"], ca: string | undefined): Config["homeserver"] {
  return { url: url.replace(/\/+$/, ""), domain, ...(ca === undefined ? {} : { ca }) };
}

function groupOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** What the configuration takes from outside its file. */
interface Outside {
  readonly file: string;
  readonly guarded: Config["guardedFiles"];
  readonly databaseUrl: string | undefined;
  readonly secrets: Awaited<ReturnType<typeof providerSecrets>>["secrets"];
  /** The certificates of homeserver.ca_file. */
  readonly ca: string | undefined;
  readonly toolSecrets: Awaited<ReturnType<typeof toolSecrets>>["secrets"];
}

/** The configuration from the checked settings and the secrets found separately. */
function configOf(raw: RawConfig, { file, guarded, databaseUrl, secrets, ca, toolSecrets: ofTools }: Outside): Config {
  const directory = dirname(file);
  const providers = new Map(
    Object.entries(raw.providers).map(([name, provider]) => [name, providerOf(provider, secrets.get(name) ?? {})]),
  );
  const agents = new Map(
    Object.entries(raw.agents).map(([name, agent]) => [
      name,
      agentOf(name, agent, providers.get(agent.provider), directory),
    ]),
  );
  const dataDir = resolve(directory, raw.data_dir);
  return {
    homeserver: homeserverOf(raw.homeserver, ca),
    appservice: {
      registration: resolve(directory, raw.appservice.registration),
      bind: raw.appservice.bind,
      port: raw.appservice.port,
      maxTransactionBytes: raw.appservice.max_transaction_bytes,
      bot: raw.appservice.bot,
    },
    dataDir,
    guardedFiles: guarded,
    database: databaseUrl === undefined ? undefined : { url: databaseUrl },
    logging: raw.logging,
    monitoring: raw.monitoring.enabled ? { bind: raw.monitoring.bind, port: raw.monitoring.port } : undefined,
    web: webOf(raw.web),
    access: {
      users: raw.access.users ?? [`@*:${raw.homeserver.domain}`],
      ignore: raw.access.ignore,
      admins: raw.access.admins,
    },
    permissions: permissionsOf(raw.permissions),
    encryption: encryptionOf(raw, masterKeyOf(raw.encryption, directory, dataDir), databaseUrl),
    ...timesOf(raw),
    ...answeringOf(raw),
    privacy: privacyOf(raw),
    limits: limitsOf(raw.limits),
    ghosts: { maxLoaded: raw.ghosts.max_loaded, idleAfterMs: milliseconds(raw.ghosts.idle_after) },
    leases: { expireAfterMs: milliseconds(raw.leases.expire_after) },
    providers,
    tools: toolServersOf(raw.tools, ofTools, directory),
    agents,
    transcription: raw.transcription,
  };
}

function encryptionOf(
  raw: RawConfig,
  masterKey: Config["encryption"]["masterKey"],
  databaseUrl: string | undefined,
): Config["encryption"] {
  return {
    masterKey,
    trust: trustOf(raw),
    mode: raw.encryption.mode,
    forgetKeysAfterMs:
      raw.encryption.forget_keys_after === undefined ? undefined : parseDays(raw.encryption.forget_keys_after),
    // The embedded database is for the beginning, when nobody watches the bridge yet.
    verification: raw.encryption.verification ?? (databaseUrl === undefined ? "accept" : "operator"),
  };
}

function timesOf(raw: RawConfig): Pick<Config, "sync" | "turns"> {
  return {
    sync: {
      intervalMs: milliseconds(raw.sync.interval),
      missingKeyNoticeMs: milliseconds(raw.sync.missing_key_notice_after),
    },
    turns: {
      maxQueued: raw.turns.max_queued,
      maxWaitMs: milliseconds(raw.turns.max_wait),
      maxDurationMs: milliseconds(raw.turns.max_duration),
      approvalMs: milliseconds(raw.turns.approval_timeout),
      retryModelForMs: milliseconds(raw.turns.retry_model_for),
      maxToolCalls: raw.turns.max_tool_calls,
      maxToolTimeMs: milliseconds(raw.turns.max_tool_time),
      drainMs: milliseconds(raw.turns.drain),
    },
  };
}

function answeringOf(raw: RawConfig): Pick<Config, "answers" | "exchanges" | "memory"> {
  return {
    answers: {
      stream: raw.answers.stream,
      maxEdits: raw.answers.max_edits,
      thinking: raw.answers.thinking,
      tools: raw.answers.tools,
      acknowledge: raw.answers.acknowledge,
      welcome: raw.answers.welcome,
      commandMenus: raw.answers.command_menus,
      aiMarks: raw.answers.ai_marks,
      language: raw.answers.language,
    },
    exchanges: { delegate: raw.exchanges.delegate, maxHops: raw.exchanges.max_hops, maxTurns: raw.exchanges.max_turns },
    memory: {
      summaries: raw.memory.summaries,
      retentionMs: raw.memory.retention === undefined ? undefined : parseDays(raw.memory.retention),
    },
  };
}

/** An empty section (all its settings are comments) means its defaults. */
function withoutEmptySections(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, section]) => section !== null));
}

/** config.yaml after the schema's check, with defaults. */
interface RawConfig {
  homeserver: { url: string; domain: string };
  appservice: { registration: string; bind: string; port: number; max_transaction_bytes: number; bot: string };
  data_dir: string;
  logging: Config["logging"];
  monitoring: { enabled: boolean; bind: string; port: number };
  web: RawWeb;
  access: { users?: string[]; ignore: string[]; admins: string[] };
  permissions: {
    users: Record<string, Level>;
    servers: Record<string, Level>;
    rooms: Record<string, Level | "allowed">;
    agents: Record<string, string[]>;
    commands: Record<string, SettingUsers>;
    max_room_members?: number;
    invites_per_day: { user?: number; server?: number };
    ban_lists: string[];
  };
  encryption: {
    master_key_file?: string;
    master_key_env?: string;
    trust: Partial<Trust>;
    verification?: Config["encryption"]["verification"];
    forget_keys_after?: string;
    mode: Config["encryption"]["mode"];
  };
  sync: { interval: string; missing_key_notice_after: string };
  turns: {
    max_queued: number;
    max_wait: string;
    max_duration: string;
    approval_timeout: string;
    retry_model_for: string;
    max_tool_calls: number;
    max_tool_time: string;
    drain: string;
  };
  answers: {
    stream: Config["answers"]["stream"];
    max_edits: number;
    thinking: boolean;
    tools: Config["answers"]["tools"];
    acknowledge: boolean;
    welcome: boolean;
    command_menus: boolean;
    ai_marks: boolean;
    language: Config["answers"]["language"];
  };
  exchanges: { delegate: boolean; max_hops: number; max_turns: number };
  memory: { summaries: boolean; retention?: string };
  limits: Record<LimitKind, { requests_per_day?: number; tokens_per_day?: number; tool_calls_per_day?: number }>;
  privacy: { cloud: CloudPolicy; cloud_in_encrypted_rooms: CloudPolicy };
  ghosts: { max_loaded: number; idle_after: string };
  leases: { expire_after: string };
  providers: Record<string, RawProvider>;
  tools: Record<string, RawToolServer>;
  agents: Record<string, RawAgent>;
  rooms: Record<string, { trust?: Partial<Trust>; privacy?: { cloud?: CloudPolicy } }>;
  transcription?: { provider: string; model: string };
}

interface RawServer {
  url: string;
  discover?: boolean;
  first_token_timeout: string;
  idle_timeout: string;
  context_tokens: number;
  keep_alive?: string;
  effort?: Effort;
  locality?: Locality;
  max_concurrent: number;
  num_parallel?: number;
}

type RawProvider = { type: "demo" } | ({ type: "ollama" | "openai" | "anthropic" } & RawServer);

interface RawAgent {
  provider: string;
  model?: string;
  display_name?: string;
  avatar?: string;
  makes: AgentConfig["makes"];
  fallback?: string;
  vision?: boolean;
  system_prompt?: string;
  temperature?: number;
  effort?: Effort;
  context_tokens?: number;
  keep_alive?: string;
  trust?: Partial<Trust>;
}

/** MSC4153: a device that its owner has not signed may be anybody's. */
const DEFAULT_TRUST: Trust = { send: "cross-signed-untrusted", read: "cross-signed-untrusted" };

const DEMO_CONTEXT_TOKENS = 8_192;

function providerOf(raw: RawProvider, secrets: OutsideValues): ProviderConfig {
  if (raw.type === "demo") return { type: "demo" };
  const server = {
    url: raw.url,
    firstTokenMs: milliseconds(raw.first_token_timeout),
    idleMs: milliseconds(raw.idle_timeout),
    contextTokens: raw.context_tokens,
    locality: raw.locality ?? localityOf(raw.url),
    maxConcurrent: raw.max_concurrent,
    ...(raw.effort === undefined ? {} : { effort: raw.effort }),
  };
  const { discover = false, keep_alive: keepAlive, num_parallel: numParallel = 1 } = raw;
  switch (raw.type) {
    case "ollama":
      return { type: "ollama", ...server, discover, numParallel, ...(keepAlive === undefined ? {} : { keepAlive }) };
    case "openai":
      return { type: "openai", ...server, discover, ...secrets };
    case "anthropic":
      return { type: "anthropic", ...server, ...secrets };
  }
}

function agentOf(name: string, raw: RawAgent, provider: ProviderConfig | undefined, directory: string): AgentConfig {
  const inherited = provider?.type === "demo" ? undefined : provider;
  const effort = raw.effort ?? inherited?.effort;
  const keepAlive = raw.keep_alive ?? (provider?.type === "ollama" ? provider.keepAlive : undefined);
  return {
    name,
    provider: raw.provider,
    displayName: raw.display_name ?? name,
    makes: raw.makes,
    ...(raw.fallback === undefined ? {} : { fallback: raw.fallback }),
    ...(raw.vision === undefined ? {} : { vision: raw.vision }),
    contextTokens: raw.context_tokens ?? inherited?.contextTokens ?? DEMO_CONTEXT_TOKENS,
    ...(raw.model === undefined ? {} : { model: raw.model }),
    ...(raw.avatar === undefined ? {} : { avatar: resolve(directory, raw.avatar) }),
    ...(raw.system_prompt === undefined ? {} : { systemPrompt: raw.system_prompt }),
    ...(raw.temperature === undefined ? {} : { temperature: raw.temperature }),
    ...(effort === undefined ? {} : { effort }),
    ...(keepAlive === undefined ? {} : { keepAlive }),
  };
}

function permissionsOf(raw: RawConfig["permissions"]): PermissionConfig {
  return {
    users: new Map(Object.entries(raw.users)),
    servers: new Map(Object.entries(raw.servers)),
    rooms: new Map(Object.entries(raw.rooms)),
    agents: new Map(Object.entries(raw.agents)),
    commands: raw.commands,
    maxRoomMembers: raw.max_room_members,
    invitesPerDay: { user: raw.invites_per_day.user, server: raw.invites_per_day.server },
    banLists: raw.ban_lists,
  };
}

function trustOf(raw: Pick<RawConfig, "encryption" | "agents" | "rooms">): TrustPolicy {
  const particular = (section: Record<string, { trust?: Partial<Trust> }>): TrustPolicy["rooms"] =>
    new Map(Object.entries(section).flatMap(([name, { trust }]) => (trust === undefined ? [] : [[name, trust]])));
  return {
    everywhere: { ...DEFAULT_TRUST, ...raw.encryption.trust },
    agents: particular(raw.agents),
    rooms: particular(raw.rooms),
  };
}

function limitsOf(raw: RawConfig["limits"]): Limits {
  const limitOf = ({
    requests_per_day: requests,
    tokens_per_day: tokens,
    tool_calls_per_day: toolCalls,
  }: RawConfig["limits"][LimitKind]): DailyLimit => ({
    ...(requests === undefined ? {} : { requests }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(toolCalls === undefined ? {} : { toolCalls }),
  });
  const { user, room, server, agent } = raw;
  return { user: limitOf(user), room: limitOf(room), server: limitOf(server), agent: limitOf(agent) };
}

function privacyOf(raw: Pick<RawConfig, "privacy" | "rooms">): PrivacyPolicy {
  return {
    cloud: raw.privacy.cloud,
    encrypted: raw.privacy.cloud_in_encrypted_rooms,
    rooms: new Map(
      Object.entries(raw.rooms).flatMap(([roomId, { privacy }]) =>
        privacy?.cloud === undefined ? [] : [[roomId, privacy.cloud]],
      ),
    ),
  };
}

function masterKeyOf(raw: RawConfig["encryption"], directory: string, dataDir: string): MasterKeySource {
  if (raw.master_key_env !== undefined) return { from: "env", name: raw.master_key_env };
  const file = raw.master_key_file;
  return { from: "file", path: file === undefined ? resolve(dataDir, "master.key") : resolve(directory, file) };
}

/** The schema has already checked that it is a duration. */
function milliseconds(duration: string): number {
  const ms = parseDuration(duration);
  if (ms === undefined) throw new RangeError(`"${duration}" is no duration`);
  return ms;
}
