import { dirname } from "node:path";
import { makeFolder } from "../config/make-folder.ts";
import type { Config } from "../config/config.ts";
import { FORMATS } from "../config/formats.ts";
import { loadConfig } from "../config/load.ts";
import type { Survey } from "../homeserver/survey.ts";
import { surveyHomeserver } from "../homeserver/survey.ts";
import { openPrompt, type Prompt } from "../setup/prompt.ts";
import { writeSecretFile } from "../setup/secret-file.ts";
import { firstConfig, SettingsFile } from "../setup/settings-file.ts";
import { askForHomeserver, askForOllama, describeSurvey, namedOllama, needed, say, trimmed } from "./init-survey.ts";
import { UsageError } from "./usage-error.ts";

/** The configuration that the options of `init` state. Undefined values are detected or asked for. */
export interface GivenSettings {
  /** Base URL of the client-server API. */
  readonly homeserver: string | undefined;
  readonly domain: string | undefined;
  /** The address at which the homeserver reaches the bridge. */
  readonly url: string | undefined;
  readonly bind: string | undefined;
  readonly port: string | undefined;
  /** URL of an Ollama. */
  readonly ollama: string | undefined;
  /** Certificates for the homeserver: the absolute path of a file, and its content. */
  readonly ca: { readonly file: string; readonly text: string } | undefined;
  /** Asks nothing, and takes defaults. */
  readonly yes: boolean;
}

const DEFAULT_PORT = 9993;

const UNTOLD =
  ": this listener of the homeserver does not tell the server name, which is the part of user ids after the colon (server_name in homeserver.yaml); one with federation or keys among its resources does";

/**
 * Writes the first config.yaml from options, detected values and answers. Throws UsageError, NoHomeserver, NoOllama,
 * Unanswered and NotWritten.
 */
export async function makeConfig(file: string, options: GivenSettings): Promise<Config> {
  const isAsked = !options.yes && process.stdin.isTTY;
  const prompt = isAsked ? openPrompt(process.stdin, process.stdout) : undefined;
  try {
    const { url: homeserver, survey } = await askForHomeserver(options, options.ca?.text, prompt);
    const port = portOf(options.port ?? String(DEFAULT_PORT)) ?? DEFAULT_PORT;
    // Before anything else is asked.
    if (options.url === undefined && !isNear(homeserver)) {
      throw new UsageError(
        `${homeserver} is on another machine: add --url with the address at which it reaches this one, such as --url http://192.0.2.7:${port}`,
      );
    }
    const domain = await domainOf(homeserver, survey, options, prompt);
    const ollama = await askForOllama(options.ollama, prompt);
    const bind = options.bind ?? (isNear(options.url ?? homeserver) ? "127.0.0.1" : "0.0.0.0");
    await makeFolder(dirname(file));
    await writeSecretFile(file, firstConfig({ homeserver, caFile: options.ca?.file, domain, bind, port, ollama }), {
      overwrite: false,
    });
    say(`Wrote ${file}.`);
    return await loadConfig(file);
  } finally {
    prompt?.close();
  }
}

/**
 * Changes the given settings in a config.yaml, and nothing else. Throws UsageError, NoHomeserver, NoOllama,
 * NotWritten and ConfigError.
 *
 * @param text the file's content.
 */
export async function changeConfig(
  file: string,
  text: string,
  before: Config,
  options: GivenSettings,
): Promise<Config> {
  const homeserver = trimmed(options.homeserver ?? before.homeserver.url);
  const survey = await surveyHomeserver(homeserver, options.ca?.text ?? before.homeserver.ca);
  say(describeSurvey(homeserver, survey));
  const domain = options.domain ?? before.homeserver.domain;
  refuseOtherDomain(survey, domain);
  const ollama = options.ollama === undefined ? undefined : await namedOllama(options.ollama);

  const settings = new SettingsFile(text);
  const changed = [
    options.homeserver !== undefined && settings.set("homeserver.url", homeserver) && "homeserver.url",
    options.ca !== undefined && settings.set("homeserver.ca_file", options.ca.file) && "homeserver.ca_file",
    options.domain !== undefined && settings.set("homeserver.domain", domain) && "homeserver.domain",
    options.bind !== undefined && settings.set("appservice.bind", options.bind) && "appservice.bind",
    options.port !== undefined && settings.set("appservice.port", Number(options.port)) && "appservice.port",
    ollama !== undefined && setOllama(settings, ollama.url) && "providers.ollama",
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

async function domainOf(
  homeserver: string,
  survey: Survey,
  options: GivenSettings,
  prompt: Prompt | undefined,
): Promise<string> {
  if (options.domain !== undefined) {
    refuseOtherDomain(survey, options.domain);
    return options.domain;
  }
  if (survey.domain !== undefined && prompt === undefined) return survey.domain;
  const { hostname } = new URL(homeserver);
  // A person must confirm the guess: it may be wrong, and user ids can't be changed later.
  const guess = survey.domain ?? (isNear(homeserver) ? undefined : hostname.replace(/^(matrix|synapse)\./, ""));
  if (prompt === undefined) return needed("domain", UNTOLD);
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

function isNear(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

/** A typed port; undefined when it is invalid. */
export function portOf(text: string): number | undefined {
  const port = Number(text);
  return /^\d+$/.test(text) && port >= 1 && port <= 65_535 ? port : undefined;
}
