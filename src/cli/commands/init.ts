import { mkdir, readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { dirname, resolve } from "node:path";
import { dump } from "js-yaml";
import type { Config } from "../../config/config.ts";
import { FORMATS } from "../../config/formats.ts";
import { loadConfig } from "../../config/load.ts";
import { loadRegistration, makeRegistration } from "../../config/registration.ts";
import { isAtLeast, OLDEST_SYNAPSE, surveyHomeserver, type Survey } from "../../homeserver/survey.ts";
import { awaitFirstPing } from "../../setup/await-ping.ts";
import { findOllama } from "../../setup/ollama.ts";
import { ollamaUrl } from "../../setup/ollama-address.ts";
import { openPrompt, type Prompt } from "../../setup/prompt.ts";
import { instructions, localUrl } from "../../setup/registration-steps.ts";
import { writeSecretFile } from "../../setup/secret-file.ts";
import { firstConfig, SettingsFile } from "../../setup/settings-file.ts";
import { defineCommand, type Values } from "../command.ts";
import { explainStartFailure, StartFailure } from "../start-failure.ts";
import { UsageError } from "../usage-error.ts";

const DEFAULT_PORT = 9993;
const DEFAULT_HOMESERVER = "http://127.0.0.1:8008";

const OPTIONS = {
  homeserver: { type: "string", value: "URL", meaning: "where this machine reaches the homeserver" },
  domain: { type: "string", value: "NAME", meaning: "the server name, the part of user ids after the colon" },
  url: {
    type: "string",
    value: "URL",
    meaning: "where the homeserver reaches the bridge (default: http://<bind>:<port>)",
  },
  bind: { type: "string", value: "ADDRESS", meaning: "where the bridge listens (default: 127.0.0.1)" },
  port: { type: "string", value: "NUMBER", meaning: "the port it listens on (default: 9993)" },
  ollama: {
    type: "string",
    value: "URL",
    meaning: "an Ollama whose models become agents (default: one that answers on this machine)",
  },
  yes: { type: "boolean", meaning: "ask nothing, take defaults" },
  "no-wait": { type: "boolean", meaning: "do not wait for the homeserver's ping" },
} as const;

type InitOptions = Values<typeof OPTIONS>;

/**
 * Sets the bridge up: finds out what the homeserver is, writes config.yaml and registration.yaml (0600), says what to
 * change in homeserver.yaml, and waits until the homeserver reaches us. Run again, it changes what it is asked to change;
 * tokens, comments and all other settings stay. Returns 0, or 130 when the wait was interrupted. Throws UsageError,
 * ConfigError, NoHomeserver, NotWritten and StartFailure.
 */
export const command = defineCommand({
  summary:
    "set up: write config.yaml and registration.yaml, say what to add to homeserver.yaml, then wait for the ping",
  options: OPTIONS,
  examples: [
    "matrix-agents init",
    "matrix-agents init --yes --homeserver https://matrix.example.org --url http://192.0.2.7:9993",
  ],
  run: (options) => init(options),
});

async function init(options: InitOptions): Promise<number> {
  checkOptions(options);
  const file = resolve(options.config);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new StartFailure(`${file} can't be read`, { cause: error });
  });
  // What is wrong with it is told before anything is changed.
  const before = text === undefined ? undefined : await loadConfig(file);
  const config =
    text === undefined || before === undefined
      ? await makeConfig(file, options)
      : await changeConfig(file, text, before, options);
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const isToBeTold = await settleRegistration(config, before, options);
  const registration = await loadRegistration(config);

  if (isToBeTold) say(`\n${instructions(config.appservice.registration)}`);
  if (options["no-wait"]) {
    say(`\nThen start it: matrix-agents start${configOption(options)}`);
    return 0;
  }
  return waitForPing(config, registration, options);
}

function checkOptions(options: InitOptions): void {
  const check = (name: string, value: string | undefined, format: keyof typeof FORMATS): void => {
    if (value !== undefined && !FORMATS[format].validate(value)) {
      throw new UsageError(`--${name}: expected ${FORMATS[format].expected}`);
    }
  };
  check("homeserver", options.homeserver, "homeserver-url");
  check("domain", options.domain, "server-name");
  check("url", options.url, "http-url");
  check("ollama", options.ollama, "http-url");
  if (options.bind !== undefined && !isAddress(options.bind)) {
    throw new UsageError("--bind: expected an address of this machine such as 127.0.0.1, 0.0.0.0 or ::");
  }
  if (options.port !== undefined && portOf(options.port) === undefined) {
    throw new UsageError("--port: expected a whole number from 1 to 65535");
  }
}

async function makeConfig(file: string, options: InitOptions): Promise<Config> {
  const isAsked = !options.yes && process.stdin.isTTY;
  const prompt = isAsked ? openPrompt(process.stdin, process.stdout) : undefined;
  try {
    const homeserver = trimmed(
      options.homeserver ??
        (await prompt?.ask("Homeserver's URL, as this machine reaches it", DEFAULT_HOMESERVER, (answer) =>
          FORMATS["homeserver-url"].validate(answer) ? undefined : `Expected ${FORMATS["homeserver-url"].expected}.`,
        )) ??
        (options.yes ? DEFAULT_HOMESERVER : needed("homeserver")),
    );
    const survey = await surveyHomeserver(homeserver);
    say(describe(homeserver, survey));
    const domain = await domainOf(homeserver, survey, options, prompt);
    const ollama = await ollamaOf(options, prompt);
    const port = portOf(options.port ?? String(DEFAULT_PORT)) ?? DEFAULT_PORT;
    const bind = options.bind ?? (isNear(options.url ?? homeserver) ? "127.0.0.1" : "0.0.0.0");
    if (options.url === undefined && !isNear(homeserver)) {
      throw new UsageError(
        `${homeserver} is on another machine: say by --url where it reaches this one, such as --url http://192.0.2.7:${port}`,
      );
    }
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeSecretFile(file, firstConfig({ homeserver, domain, bind, port, ollama }), { overwrite: false });
    say(`Wrote ${file}.`);
    return await loadConfig(file);
  } finally {
    prompt?.close();
  }
}

/** Only what was asked for by an option changes. */
async function changeConfig(file: string, text: string, before: Config, options: InitOptions): Promise<Config> {
  const homeserver = trimmed(options.homeserver ?? before.homeserver.url);
  const survey = await surveyHomeserver(homeserver);
  say(describe(homeserver, survey));
  const domain = options.domain ?? before.homeserver.domain;
  refuseOtherDomain(survey, domain);

  const settings = new SettingsFile(text);
  const changed = [
    options.homeserver !== undefined && settings.set("homeserver.url", homeserver) && "homeserver.url",
    options.domain !== undefined && settings.set("homeserver.domain", domain) && "homeserver.domain",
    options.bind !== undefined && settings.set("appservice.bind", options.bind) && "appservice.bind",
    options.port !== undefined && settings.set("appservice.port", Number(options.port)) && "appservice.port",
    options.ollama !== undefined && setOllama(settings, trimmed(options.ollama)) && "providers.ollama",
  ].filter((name) => name !== false);
  if (changed.length === 0) {
    say(`${file} stays as it is.`);
    return before;
  }
  await writeSecretFile(file, settings.toString(), { overwrite: true });
  say(`Changed ${changed.join(", ")} in ${file}.`);
  return loadConfig(file);
}

function setOllama(settings: SettingsFile, url: string): boolean {
  if (settings.get("providers.ollama") === undefined) {
    return settings.set("providers.ollama", { type: "ollama", url, discover: true });
  }
  return settings.set("providers.ollama.url", url);
}

/**
 * Writes the registration, or changes in it what follows from the options. Says whether the homeserver has to be told.
 *
 * @param before the configuration as it was; undefined when there was none.
 */
async function settleRegistration(config: Config, before: Config | undefined, options: InitOptions): Promise<boolean> {
  const { registration: file, bind, port, bot } = config.appservice;
  const local = localUrl(bind, port);
  const url = trimmed(options.url ?? local);
  const fresh = makeRegistration({ domain: config.homeserver.domain, url, bot });
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) {
    await writeSecretFile(
      file,
      `# Made by matrix-agents init. Keep it secret: its tokens act as every agent.\n${dump(fresh)}`,
      { overwrite: false },
    );
    say(`Wrote ${file}, with fresh tokens.`);
    return true;
  }
  const settings = new SettingsFile(text);
  const former = settings.get("url");
  const isMoved = options.port !== undefined || options.bind !== undefined;
  // Any other is the admin's, of a proxy or another machine: where that leads is not for us to guess.
  const isOurs = before !== undefined && former === localUrl(before.appservice.bind, before.appservice.port);
  if (options.url === undefined && isMoved && !isOurs && former !== local) {
    say(`The registration's url stays ${String(former)}; if the homeserver is to use another: init --url URL`);
  }
  const changed = [
    (options.url !== undefined || (isMoved && isOurs)) && settings.set("url", url) && "url",
    options.domain !== undefined && settings.set("namespaces.users", fresh.namespaces.users) && "namespaces",
  ].filter((name) => name !== false);
  if (changed.length === 0) {
    say(`${file} stays as it is.`);
    return false;
  }
  await writeSecretFile(file, settings.toString(), { overwrite: true });
  say(`Changed ${changed.join(", ")} in ${file}; its tokens stay.`);
  return true;
}

async function waitForPing(
  config: Config,
  registration: Awaited<ReturnType<typeof loadRegistration>>,
  options: InitOptions,
): Promise<number> {
  const { bind, port } = config.appservice;
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  say(`\nWaiting for the homeserver to reach ${registration.url} (Ctrl-C ends this; init again goes on) …`);
  try {
    const place = { homeserver: config.homeserver.url, registration, bind, port };
    const { durationMs } = await awaitFirstPing(place, (reason) => say(`  not yet: ${reason}`), interrupted.signal);
    say(`The homeserver knows the registration and reaches this machine (${durationMs} ms).`);
    say(`\nStart it: matrix-agents start${configOption(options)}`);
    say(`Look it over: matrix-agents doctor${configOption(options)}`);
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    throw explainStartFailure(error, config);
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

async function domainOf(
  homeserver: string,
  survey: Survey,
  options: InitOptions,
  prompt: Prompt | undefined,
): Promise<string> {
  if (options.domain !== undefined) {
    refuseOtherDomain(survey, options.domain);
    return options.domain;
  }
  if (survey.domain !== undefined && prompt === undefined) return survey.domain;
  const { hostname } = new URL(homeserver);
  // A guess, for a person to confirm: without one it could be wrong, and user ids can't be changed later.
  const guess = survey.domain ?? (isNear(homeserver) ? undefined : hostname.replace(/^(matrix|synapse)\./, ""));
  if (prompt === undefined) return needed("domain");
  return prompt.ask("Server name, the part of user ids after the colon", guess, (answer) =>
    !FORMATS["server-name"].validate(answer)
      ? `Expected ${FORMATS["server-name"].expected}.`
      : survey.domain !== undefined && answer !== survey.domain
        ? `The homeserver calls itself ${survey.domain}.`
        : undefined,
  );
}

function refuseOtherDomain(survey: Survey, domain: string): void {
  if (survey.domain === undefined || survey.domain === domain) return;
  throw new UsageError(`the homeserver calls itself ${survey.domain}, not ${domain}`);
}

/** The Ollama to use: the one that was named, else one that answers with models; undefined where there is none. */
async function ollamaOf(options: InitOptions, prompt: Prompt | undefined): Promise<string | undefined> {
  if (options.ollama !== undefined) return trimmed(options.ollama);
  const url = ollamaUrl(process.env["OLLAMA_HOST"]);
  const found = await findOllama(url, AbortSignal.timeout(10_000));
  if (found.kind === "found") {
    const names = found.models.filter(({ canChat }) => canChat).map(({ name }) => name);
    say(
      `An Ollama at ${url} has ${names.length === 0 ? "no model yet (matrix-agents pull MODEL)" : names.join(", ")}.`,
    );
    return url;
  }
  if (prompt === undefined) {
    say(`No Ollama at ${url}: there will be the demo agent, which is no model. Later: matrix-agents init --ollama URL`);
    return undefined;
  }
  const answer = await prompt.ask("URL of an Ollama, or - for the demo agent alone", "-", (given) =>
    given === "-" || FORMATS["http-url"].validate(given) ? undefined : `Expected ${FORMATS["http-url"].expected}.`,
  );
  return answer === "-" ? undefined : trimmed(answer);
}

function describe(url: string, { software, versions, signIn }: Survey): string {
  const name = software === undefined ? "A homeserver" : `${software.name} ${software.version}`;
  const ways =
    signIn.by === "service"
      ? `people sign in at ${signIn.issuer ?? "an authentication service"}; the bridge signs in nowhere`
      : "people sign in at the homeserver; the bridge signs in nowhere";
  const isOld = software?.name === "Synapse" && !isAtLeast(software.version, OLDEST_SYNAPSE);
  const warning = isOld ? `\n  It is too old for agents to encrypt: update it to ${OLDEST_SYNAPSE} or later.` : "";
  return `${name} at ${url}, specification up to ${versions.at(-1) ?? "unknown"}; ${ways}.${warning}`;
}

function isNear(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

/** What can be listened on and stand in a URL: the name of a host, or an address in its usual form. */
function isAddress(text: string): boolean {
  if (isIPv6(text)) return !text.includes("%");
  return /^[0-9A-Za-z.-]+$/.test(text) && URL.parse(`http://${text}`)?.hostname === text.toLowerCase();
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, "");
}

function portOf(text: string): number | undefined {
  const port = Number(text);
  return /^\d+$/.test(text) && port >= 1 && port <= 65_535 ? port : undefined;
}

function needed(option: string): never {
  throw new UsageError(`init needs --${option}, or a terminal to ask on`);
}

function configOption({ config }: InitOptions): string {
  return config === "config.yaml" ? "" : ` -c ${config}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
