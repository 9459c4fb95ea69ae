import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { reasonOfFileError } from "../observability/file-fault.ts";
import { readBoundedBytes } from "./bounded-file.ts";
import type { ConfigProblem } from "./config-error.ts";
import { localityOf } from "./locality.ts";
import { nearName } from "./near-name.ts";
import { AGENT_PREFIX } from "./registration.ts";
import { shownPath, shownValue } from "./shown.ts";

const MAX_AVATAR_BYTES = 1024 * 1024;

type Settings = Readonly<Record<string, unknown>>;

/**
 * Makes the checks that a schema can't: whether settings fit each other and the files they name. It also takes settings
 * that failed the schema's check, so that all mistakes are reported at once, and reports nothing about those.
 *
 * @param directory the base of relative paths.
 */
export async function crossCheck(settings: Settings, directory: string): Promise<ConfigProblem[]> {
  const agents = entriesOf(settings["agents"]);
  const providers = new Map(entriesOf(settings["providers"]));
  const avatars = await Promise.all(agents.map(([name, agent]) => checkAvatar(name, agent, directory)));
  return [
    ...checkBot(settings),
    ...checkMasterKey(settings),
    ...checkSomeAgent(settings, providers),
    ...agents.flatMap(([name, agent]) => checkProvider(name, agent, providers)),
    ...checkTranscription(settings, providers),
    ...entriesOf(settings["tools"]).flatMap(([name, tools]) => [
      ...checkReadUrl(name, tools),
      ...checkSignIn(name, tools),
    ]),
    ...agents.flatMap(([name, agent]) => checkFallback(name, agent, new Map(agents), providers)),
    ...checkNames(agents),
    ...avatars.flat(),
  ];
}

function checkBot(settings: Settings): ConfigProblem[] {
  const bot = isSettings(settings["appservice"]) ? settings["appservice"]["bot"] : undefined;
  if (typeof bot !== "string" || !bot.startsWith(AGENT_PREFIX)) return [];
  return [{ path: "appservice.bot", found: `"${bot}"`, expected: `a name that no agent has: not ${AGENT_PREFIX}…` }];
}

function checkMasterKey({ encryption }: Settings): ConfigProblem[] {
  if (!isSettings(encryption) || !("master_key_file" in encryption && "master_key_env" in encryption)) return [];
  const expected = "only one of master_key_file, master_key_env";
  return [{ path: "encryption", found: "more than one master key", expected }];
}

function checkSomeAgent(settings: Settings, providers: ReadonlyMap<string, Settings>): ConfigProblem[] {
  const { agents } = settings;
  if (!isSettings(agents) || Object.keys(agents).length > 0) return [];
  if ([...providers.values()].some((provider) => provider["discover"] === true)) return [];
  const expected = "at least one agent, or a provider with discover: true";
  return [{ path: "agents", found: "nothing", expected }];
}

function checkProvider(name: string, agent: Settings, providers: ReadonlyMap<string, Settings>): ConfigProblem[] {
  const { provider: key, model } = agent;
  if (typeof key !== "string" || providers.size === 0) return [];
  const provider = providers.get(key);
  if (provider === undefined) {
    const known = [...providers.keys()];
    const near = nearName(key, known);
    const path = ["agents", name, "provider"];
    return [
      {
        path: shownPath(path),
        found: shownValue(key, path) + (near === undefined ? "" : ` (did you mean ${near}?)`),
        expected: `a name under providers: ${known.join(", ")}`,
      },
    ];
  }
  const path = shownPath(["agents", name, "model"]);
  if (["ollama", "openai", "anthropic"].includes(String(provider["type"])) && model === undefined) {
    return [{ path, found: "nothing", expected: "the name of a model, such as llama3.2:3b" }];
  }
  if (agent["makes"] === "pictures" && provider["type"] !== "openai") {
    const expected = "text, for only providers of type openai make pictures";
    return [{ path: shownPath(["agents", name, "makes"]), found: "pictures", expected }];
  }
  if (provider["type"] === "demo" && model !== undefined) {
    return [{ path, found: shownValue(model, [path]), expected: "no model, because the demo has none" }];
  }
  return [];
}

/** Checked here and at every use: a fallback must not carry messages out of the network. */
function checkFallback(
  name: string,
  { fallback, provider }: Settings,
  agents: ReadonlyMap<string, Settings>,
  providers: ReadonlyMap<string, Settings>,
): ConfigProblem[] {
  if (typeof fallback !== "string") return [];
  const path = shownPath(["agents", name, "fallback"]);
  const found = shownValue(fallback, ["agents", name, "fallback"]);
  const other = agents.get(fallback);
  if (other === undefined || fallback === name) return [{ path, found, expected: "the name of another agent" }];
  const [own, others] = [provider, other["provider"]].map((key) => localityIn(providers.get(String(key))));
  if (own === others || own === undefined || others === undefined) return [];
  const expected = `an agent whose provider is ${own}, as this one's is`;
  return [{ path, found: `${found}, whose provider is ${others}`, expected }];
}

function localityIn(provider: Settings | undefined): string | undefined {
  if (provider === undefined) return undefined;
  const { type, url, locality } = provider;
  if (type === "demo") return "local";
  const address = typeof url === "string" ? url : "https://api.anthropic.com";
  if (typeof locality === "string") return locality;
  return URL.canParse(address) ? localityOf(address) : undefined;
}

function checkTranscription({ transcription }: Settings, providers: ReadonlyMap<string, Settings>): ConfigProblem[] {
  const key = isSettings(transcription) ? transcription["provider"] : undefined;
  if (typeof key !== "string" || providers.get(key)?.["type"] === "openai") return [];
  const able = [...providers].filter(([, { type }]) => type === "openai").map(([name]) => name);
  const expected = `a name under providers of type openai${able.length === 0 ? ", of which there is none" : `: ${able.join(", ")}`}`;
  return [{ path: "transcription.provider", found: shownValue(key, ["transcription", "provider"]), expected }];
}

/** What read_url reads in the admin's own network has other rules than what it reads elsewhere. */
function checkReadUrl(name: string, { type, tools, read_url: readUrl, locality }: Settings): ConfigProblem[] {
  if (type !== "own" || !isSettings(tools)) return [];
  const hosts = isSettings(readUrl) ? readUrl["hosts"] : undefined;
  const named = Array.isArray(hosts) ? hosts.filter((host) => typeof host === "string") : [];
  const path = shownPath(["tools", name, "read_url", "hosts"]);
  if (tools["read_url"] !== undefined && named.length === 0)
    return [{ path, found: "nothing", expected: "the hosts that read_url may read, such as docs.example.org" }];
  const localities = new Set(named.flatMap((host) => (URL.canParse(`http://${host}`) ? [localityOf(host)] : [])));
  if (localities.size < 2 || locality !== undefined) return [];
  const expected = "either all or none of them in your own network; a second entry of type own takes the others";
  return [{ path, found: "hosts of both kinds", expected }];
}

/** A person's token goes only to whom the admin has named, and only through TLS. */
function checkSignIn(
  name: string,
  { url, sign_in: signIn, token_env: variable, token_file: file }: Settings,
): ConfigProblem[] {
  if (!isSettings(signIn)) return [];
  const at = (...path: string[]): string => shownPath(["tools", name, ...path]);
  const { issuer, origins, client_id: id, client_secret_env: secretVariable, client_secret_file: secretFile } = signIn;
  const problems: ConfigProblem[] = [];
  if ((variable ?? file) !== undefined)
    problems.push({
      path: at("sign_in"),
      found: "a token beside it",
      expected: "either a token, with which all act as one, or sign_in",
    });
  if ((secretVariable ?? secretFile) !== undefined && id === undefined)
    problems.push({
      path: at("sign_in", "client_id"),
      found: "nothing",
      expected: "the name that the secret belongs to",
    });
  const named = Array.isArray(origins) ? (origins as readonly unknown[]) : [];
  for (const [path, address] of [
    [at("url"), url],
    [at("sign_in", "issuer"), issuer],
    ...named.map((origin, nth) => [at("sign_in", "origins", String(nth)), origin] as const),
  ] as const) {
    const parsed = typeof address === "string" ? URL.parse(address) : null;
    if (parsed === null || parsed.protocol === "https:" || isLoopback(parsed.hostname)) continue;
    problems.push({ path, found: shownValue(address, [path]), expected: "https, because people's tokens go there" });
  }
  return problems;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** In a group, people call an agent by its name or display name. Two agents with the same one would both answer. */
function checkNames(agents: readonly (readonly [string, Settings])[]): ConfigProblem[] {
  const owners = new Map(agents.map(([name]) => [name.toLowerCase(), name]));
  return agents.flatMap(([name, { display_name: displayName }]): ConfigProblem[] => {
    if (typeof displayName !== "string") return [];
    const called = displayName.normalize("NFC").toLowerCase();
    const owner = owners.get(called) ?? name;
    owners.set(called, owner);
    if (owner === name) return [];
    return [
      {
        path: shownPath(["agents", name, "display_name"]),
        found: `"${displayName}", the name of agents.${owner}`,
        expected: "a name of its own, because both would answer to it",
      },
    ];
  });
}

async function checkAvatar(name: string, { avatar }: Settings, directory: string): Promise<ConfigProblem[]> {
  if (typeof avatar !== "string" || avatar === "") return [];
  const fault = await avatarFault(resolve(directory, avatar));
  if (fault === undefined) return [];
  const path = shownPath(["agents", name, "avatar"]);
  const expected = "a PNG, JPEG, GIF or WebP file of at most 1 MiB";
  return [{ path, found: `${JSON.stringify(avatar)}, ${fault}`, expected }];
}

async function avatarFault(file: string): Promise<string | undefined> {
  try {
    const { size } = await stat(file);
    if (size > MAX_AVATAR_BYTES) return `which has ${size} bytes`;
    const start = (await readBoundedBytes(file, MAX_AVATAR_BYTES)).subarray(0, 12).toString("latin1");
    return /^(\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP)/s.test(start) ? undefined : "which is no such image";
  } catch (error) {
    return `which can't be read: ${reasonOfFileError(error, file)}`;
  }
}

/** The entries of a section that are settings themselves. */
function entriesOf(section: unknown): (readonly [string, Settings])[] {
  if (!isSettings(section)) return [];
  return Object.entries(section).flatMap(([name, entry]) => (isSettings(entry) ? [[name, entry] as const] : []));
}

function isSettings(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
