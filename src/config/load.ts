import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { checkSchema } from "./check-schema.ts";
import type { AgentConfig, Config, ProviderConfig } from "./config.ts";
import { ConfigError, type ConfigProblem } from "./config-error.ts";
import { FORMATS, parseDuration } from "./formats.ts";
import { readYamlMapping } from "./yaml-file.ts";

const MAX_AVATAR_BYTES = 1024 * 1024;

/**
 * Reads config.yaml and checks all of it before anything starts. Throws {@link ConfigError} with every mistake at once,
 * each with its path, what was found and what is expected.
 */
export async function loadConfig(path: string): Promise<Config> {
  const file = resolve(path);
  const settings = await readYamlMapping(
    file,
    "a configuration file; copy config.example.yaml to this place, or name another with -c",
  );
  const problems = await checkSchema(settings);
  // What the schema found wrong can't be read further.
  if (problems.length > 0) throw new ConfigError(file, problems);

  const directory = dirname(file);
  const raw = settings as unknown as RawConfig;
  const providers = new Map(Object.entries(raw.providers).map(([name, provider]) => [name, providerOf(provider)]));
  const agents = new Map(
    Object.entries(raw.agents).map(([name, agent]) => [
      name,
      agentOf(name, agent, providers.get(agent.provider), directory),
    ]),
  );
  problems.push(...checkAgents(raw.agents, providers), ...(await checkAvatars(raw.agents, agents)));
  const database = await databaseUrl(raw.database, directory);
  if (typeof database === "object") problems.push(database);
  if (problems.length > 0) throw new ConfigError(file, problems);

  const dataDir = resolve(directory, raw.data_dir);
  return {
    homeserver: { url: raw.homeserver.url, domain: raw.homeserver.domain },
    appservice: {
      registration: resolve(directory, raw.appservice.registration),
      bind: raw.appservice.bind,
      port: raw.appservice.port,
      maxTransactionBytes: raw.appservice.max_transaction_bytes,
      bot: raw.appservice.bot,
    },
    dataDir,
    database: typeof database === "string" ? { url: database } : undefined,
    logging: raw.logging,
    access: { users: raw.access.users ?? [`@*:${raw.homeserver.domain}`] },
    encryption: {
      masterKey:
        raw.encryption.master_key_env === undefined
          ? {
              from: "file",
              path:
                raw.encryption.master_key_file === undefined
                  ? resolve(dataDir, "master.key")
                  : resolve(directory, raw.encryption.master_key_file),
            }
          : { from: "env", name: raw.encryption.master_key_env },
    },
    sync: { intervalMs: milliseconds(raw.sync.interval) },
    providers,
    agents,
  };
}

/** config.yaml as it stands after the schema's check, with its defaults. */
interface RawConfig {
  homeserver: { url: string; domain: string };
  appservice: { registration: string; bind: string; port: number; max_transaction_bytes: number; bot: string };
  data_dir: string;
  database?: { url?: string; url_env?: string; url_file?: string };
  logging: Config["logging"];
  access: { users?: string[] };
  encryption: { master_key_file?: string; master_key_env?: string };
  sync: { interval: string };
  providers: Record<string, RawProvider>;
  agents: Record<string, RawAgent>;
}

type RawProvider =
  | { type: "demo" }
  | {
      type: "ollama";
      url: string;
      discover: boolean;
      first_token_timeout: string;
      idle_timeout: string;
      context_tokens: number;
      keep_alive?: string;
    };

interface RawAgent {
  provider: string;
  model?: string;
  display_name?: string;
  avatar?: string;
  system_prompt?: string;
  temperature?: number;
  context_tokens?: number;
  keep_alive?: string;
}

const DEMO_CONTEXT_TOKENS = 8_192;

function providerOf(raw: RawProvider): ProviderConfig {
  if (raw.type === "demo") return { type: "demo" };
  return {
    type: "ollama",
    url: raw.url,
    discover: raw.discover,
    firstTokenMs: milliseconds(raw.first_token_timeout),
    idleMs: milliseconds(raw.idle_timeout),
    contextTokens: raw.context_tokens,
    ...(raw.keep_alive === undefined ? {} : { keepAlive: raw.keep_alive }),
  };
}

function agentOf(name: string, raw: RawAgent, provider: ProviderConfig | undefined, directory: string): AgentConfig {
  const inherited = provider?.type === "ollama" ? provider : undefined;
  const keepAlive = raw.keep_alive ?? inherited?.keepAlive;
  return {
    name,
    provider: raw.provider,
    displayName: raw.display_name ?? name,
    contextTokens: raw.context_tokens ?? inherited?.contextTokens ?? DEMO_CONTEXT_TOKENS,
    ...(raw.model === undefined ? {} : { model: raw.model }),
    ...(raw.avatar === undefined ? {} : { avatar: resolve(directory, raw.avatar) }),
    ...(raw.system_prompt === undefined ? {} : { systemPrompt: raw.system_prompt }),
    ...(raw.temperature === undefined ? {} : { temperature: raw.temperature }),
    ...(keepAlive === undefined ? {} : { keepAlive }),
  };
}

function checkAgents(
  agents: Record<string, RawAgent>,
  providers: ReadonlyMap<string, ProviderConfig>,
): ConfigProblem[] {
  return Object.entries(agents).flatMap(([name, agent]): ConfigProblem[] => {
    const provider = providers.get(agent.provider);
    const path = `agents.${name}`;
    if (provider === undefined) {
      const known = [...providers.keys()].join(", ");
      return [{ path: `${path}.provider`, found: `"${agent.provider}"`, expected: `a name under providers: ${known}` }];
    }
    if (provider.type === "ollama" && agent.model === undefined) {
      return [{ path: `${path}.model`, found: "nothing", expected: "the name of a model, such as llama3.2:3b" }];
    }
    if (provider.type === "demo" && agent.model !== undefined) {
      return [{ path: `${path}.model`, found: `"${agent.model}"`, expected: "no model, for the demo has none" }];
    }
    return [];
  });
}

async function checkAvatars(
  raw: Record<string, RawAgent>,
  agents: ReadonlyMap<string, AgentConfig>,
): Promise<ConfigProblem[]> {
  const problems: ConfigProblem[] = [];
  for (const [name, agent] of agents) {
    if (agent.avatar === undefined) continue;
    const found = await avatarFault(agent.avatar);
    if (found === undefined) continue;
    problems.push({
      path: `agents.${name}.avatar`,
      found: `"${raw[name]?.avatar ?? ""}", ${found}`,
      expected: "a PNG, JPEG, GIF or WebP file of at most 1 MiB",
    });
  }
  return problems;
}

async function avatarFault(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > MAX_AVATAR_BYTES) return `which has ${size} bytes`;
    const start = (await readFile(path)).subarray(0, 12).toString("latin1");
    const isImage = /^(\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP)/s.test(start);
    return isImage ? undefined : "which is no such image";
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    return code === "ENOENT" ? "which does not exist" : `which can't be read (${code})`;
  }
}

async function databaseUrl(raw: RawConfig["database"], directory: string): Promise<string | ConfigProblem | undefined> {
  if (raw === undefined) return undefined;
  if (raw.url !== undefined) return raw.url;
  const expected = FORMATS["postgres-url"]?.expected ?? "a URL";
  let path: string;
  let url: string | undefined;
  if (raw.url_env !== undefined) {
    path = "database.url_env";
    url = process.env[raw.url_env];
  } else {
    path = "database.url_file";
    url = await readFile(resolve(directory, raw.url_file ?? ""), "utf8").catch(() => undefined);
  }
  if (url === undefined)
    return { path, found: "a variable or file that is not there", expected: `one that holds ${expected}` };
  return FORMATS["postgres-url"]?.validate(url.trim()) === true
    ? url.trim()
    : { path, found: "a value that is not shown", expected: `one that holds ${expected}` };
}

/** The schema's check has made sure that it is a duration. */
function milliseconds(duration: string): number {
  const ms = parseDuration(duration);
  if (ms === undefined) throw new RangeError(`"${duration}" is no duration`);
  return ms;
}
