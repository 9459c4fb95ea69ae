import { isIPv6 } from "node:net";
import { resolve } from "node:path";
import { shellWord } from "../../observability/shell-word.ts";
import { readBoundedFile } from "../../config/bounded-file.ts";
import { makeFolder } from "../../config/make-folder.ts";
import { dump } from "js-yaml";
import type { Config } from "../../config/config.ts";
import type { ConfigProblem } from "../../config/config-error.ts";
import { FORMATS } from "../../config/formats.ts";
import { loadConfig } from "../../config/load.ts";
import { OutsideSettings } from "../../config/outside-settings.ts";
import { loadRegistration, makeRegistration } from "../../config/registration.ts";
import { readYamlMapping } from "../../config/yaml-file.ts";
import { fileFault } from "../../observability/file-fault.ts";
import type { Software } from "../../homeserver/software.ts";
import { NoHomeserver } from "../../homeserver/no-answer.ts";
import { surveyHomeserver } from "../../homeserver/survey.ts";
import { awaitFirstPing, tryFirstPing, type FirstSight, type PingPlace } from "../../setup/await-ping.ts";
import { localUrl } from "../../homeserver/local-url.ts";
import { instructions } from "../../setup/registration-steps.ts";
import { writeSecretFile } from "../../setup/secret-file.ts";
import { SettingsFile } from "../../setup/settings-file.ts";
import { defineCommand, type Values } from "../command.ts";
import { changeConfig, makeConfig, portOf, type GivenSettings } from "../init-config.ts";
import { say, trimmed } from "../init-survey.ts";
import { explainStartFailure, StartFailure } from "../start-failure.ts";
import { readGivenFile } from "../given-file.ts";
import { UsageError } from "../usage-error.ts";

const OPTIONS = {
  homeserver: { type: "string", value: "URL", meaning: "the URL at which this machine reaches the homeserver" },
  "ca-file": {
    type: "string",
    value: "FILE",
    meaning: "certificates (PEM) that are trusted at that URL beside the usual ones",
  },
  domain: { type: "string", value: "NAME", meaning: "the server name, the part of user ids after the colon" },
  url: {
    type: "string",
    value: "URL",
    meaning: "the URL at which the homeserver reaches the bridge (default: http://<bind>:<port>)",
  },
  bind: { type: "string", value: "ADDRESS", meaning: "the address on which the bridge listens (default: 127.0.0.1)" },
  port: { type: "string", value: "NUMBER", meaning: "the port it listens on (default: 9993)" },
  ollama: {
    type: "string",
    value: "URL",
    meaning: "the Ollama whose models become agents (default: one that answers on this machine)",
  },
  yes: { type: "boolean", meaning: "ask nothing, take defaults, wait for nobody" },
  "no-wait": { type: "boolean", meaning: "do not look whether the homeserver reaches the bridge" },
} as const;

type InitOptions = Values<typeof OPTIONS>;

/**
 * Sets the bridge up: examines the homeserver, writes config.yaml and registration.yaml (0600), prints the change of
 * homeserver.yaml, and waits until the homeserver reaches us; where nobody is there, a later run looks once. A second run changes
 * only what it is asked to change; tokens, comments and other settings stay. Returns 0, or 130 when the wait was interrupted.
 * Throws UsageError, ConfigError, NoHomeserver, NoOllama, NotWritten and StartFailure.
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
  const text = await textOf(file);
  const ca = await certificates(options["ca-file"]);
  // Mistakes in the file are reported before anything is changed.
  const before = text === undefined ? undefined : await loadConfig(file);
  const config =
    text === undefined || before === undefined
      ? await makeConfig(file, { ...options, ca })
      : await changeConfig(file, text, before, { ...options, ca });
  await makeFolder(config.dataDir);
  const isToBeTold = await settleRegistration(config, before, options);
  const registration = await loadRegistration(config);

  if (isToBeTold) say(`\n${instructions(config.appservice.registration, await softwareAt(config))}`);
  // A homeserver that has just to be told of the registration does not reach us, and nobody is there to tell it.
  if (options["no-wait"] || (isToBeTold && !isAttended(options))) {
    say(`\nThen start it: matrix-agents start${configOption(options)}`);
    say(`Check that the homeserver reaches it: matrix-agents init --yes${configOption(options)}`);
    return 0;
  }
  const { bind, port } = config.appservice;
  return waitForPing(config, { homeserver: config.homeserver, registration, bind, port }, options);
}

/** Whether a person is there, who can answer, register the bridge meanwhile, and end a wait. */
function isAttended({ yes }: InitOptions): boolean {
  return !yes && process.stdin.isTTY;
}

/** The homeserver's software; undefined where it does not say, or is away. */
async function softwareAt({ homeserver: { url, ca } }: Config): Promise<Software | undefined> {
  try {
    return (await surveyHomeserver(url, ca)).software;
  } catch (error) {
    if (error instanceof NoHomeserver) return undefined;
    throw error;
  }
}

/** Many times more than the longest settings, in bytes. */
const MOST_SETTINGS = 16 * 1024 * 1024;

/** The content of a file; undefined where there is none. Throws FileFault. */
async function textOf(file: string): Promise<string | undefined> {
  return readBoundedFile(file, MOST_SETTINGS).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw fileFault(error, file, "read");
  });
}

function checkOptions(options: InitOptions): void {
  const check = (name: string, value: string | undefined, format: keyof typeof FORMATS): void => {
    if (value !== undefined && !FORMATS[format].validate(value)) {
      throw new UsageError(`--${name}: expected ${FORMATS[format].expected}`);
    }
  };
  check("homeserver", options.homeserver, "homeserver-url");
  check("domain", options.domain, "server-name");
  check("url", options.url, "bridge-url");
  check("ollama", options.ollama, "http-url");
  if (options.bind !== undefined && !isAddress(options.bind)) {
    throw new UsageError("--bind: expected an address of this machine such as 127.0.0.1, 0.0.0.0 or ::");
  }
  if (options.port !== undefined && portOf(options.port) === undefined) {
    throw new UsageError("--port: expected a whole number from 1 to 65535");
  }
}

const MOST_CERTIFICATES = 4 * 1024 * 1024;

/** The certificates for the homeserver. Throws {@link UsageError} and FileFault. */
async function certificates(file: string | undefined): Promise<GivenSettings["ca"]> {
  if (file === undefined) return undefined;
  // A refusal of the file system is no mistake of the command line.
  await readGivenFile(file, MOST_CERTIFICATES);
  const problems: ConfigProblem[] = [];
  const outside = new OutsideSettings(["homeserver"], { ca_file: file }, process.cwd(), problems);
  const { ca } = await outside.certificates();
  if (ca !== undefined) return { file: resolve(file), text: ca };
  throw new UsageError(problems.map(({ found, expected }) => `--ca-file: found ${found}; expected ${expected}`).join());
}

/**
 * Writes the registration, or updates it by the options. Returns whether the homeserver must be told.
 *
 * @param before the earlier configuration; undefined when there was none.
 */
async function settleRegistration(config: Config, before: Config | undefined, options: InitOptions): Promise<boolean> {
  const { registration: file, bind, port, bot } = config.appservice;
  const local = localUrl({ bind, port });
  const url = trimmed(options.url ?? local);
  const fresh = makeRegistration({ domain: config.homeserver.domain, url, bot });
  const text = await textOf(file);
  if (text === undefined) {
    await writeSecretFile(
      file,
      `# Made by matrix-agents init. Keep it secret: its tokens act as every agent.\n${dump(fresh)}`,
      { overwrite: false },
    );
    say(`Wrote ${file}, with fresh tokens.`);
    return true;
  }
  await readYamlMapping(file, "a registration");
  const settings = new SettingsFile(text);
  const former = settings.get("url");
  const isMoved = options.port !== undefined || options.bind !== undefined;
  // Any other URL is the admin's, of a proxy or another machine, and stays.
  const isOurs = before !== undefined && former === localUrl(before.appservice);
  if (options.url === undefined && isMoved && !isOurs && former !== local) {
    say(`The registration's url stays ${String(former)}; init --url URL gives the homeserver another one`);
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

async function waitForPing(config: Config, place: PingPlace, options: InitOptions): Promise<number> {
  const { url } = place.registration;
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  try {
    const seen = isAttended(options)
      ? await awaitPing(place, interrupted.signal)
      : await tryFirstPing(place, interrupted.signal);
    if (seen.kind === "not yet") {
      throw new StartFailure(`the homeserver does not reach the bridge yet: ${seen.reason} Then run init again.`);
    }
    refuseOtherDomain(seen.sender, config);
    say(
      seen.kind === "reaches us"
        ? `The homeserver knows the registration and reaches this machine (${seen.durationMs} ms).`
        : `The homeserver knows the registration. It can't be asked whether it reaches ${url}: the first message shows that.`,
    );
    say(`\nStart it: matrix-agents start${configOption(options)}`);
    say(`Check it: matrix-agents doctor${configOption(options)}`);
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    throw explainStartFailure(error, config);
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

async function awaitPing(place: PingPlace, signal: AbortSignal): Promise<FirstSight> {
  const { url } = place.registration;
  say(`\nWaiting for the homeserver to reach ${url} (Ctrl-C stops the wait; init again continues it) …`);
  return awaitFirstPing(place, (reason) => say(`  not yet: ${reason}`), signal);
}

/** A listener of the homeserver for clients alone does not tell its name before it knows the registration. */
function refuseOtherDomain(sender: string, { homeserver: { domain } }: Config): void {
  const named = sender.slice(sender.indexOf(":") + 1);
  if (named === domain) return;
  throw new UsageError(`the homeserver calls itself ${named}, not ${domain}: matrix-agents init --domain ${named}`);
}

function configOption({ config }: InitOptions): string {
  return config === "config.yaml" ? "" : ` -c ${shellWord(config)}`;
}

/** An address to listen on that can stand in a URL: a host name, or an IP address in its usual form. */
function isAddress(text: string): boolean {
  if (isIPv6(text)) return !text.includes("%");
  return /^[0-9A-Za-z.-]+$/.test(text) && URL.parse(`http://${text}`)?.hostname === text.toLowerCase();
}
