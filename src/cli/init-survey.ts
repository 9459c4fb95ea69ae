import { FORMATS } from "../config/formats.ts";
import { NoHomeserver } from "../homeserver/no-answer.ts";
import { isAtLeast, OLDEST_SYNAPSE, surveyHomeserver, type Survey } from "../homeserver/survey.ts";
import { findOllama } from "../setup/ollama.ts";
import { ollamaUrl } from "../setup/ollama-address.ts";
import type { Prompt } from "../setup/prompt.ts";
import { OperatorError } from "../observability/operator-error.ts";
import { inWords } from "./command-line.ts";
import { UsageError } from "./usage-error.ts";

/** The homeserver of a new configuration. */
export interface FoundHomeserver {
  readonly url: string;
  readonly survey: Survey;
}

/** The Ollama of a new configuration. */
export interface ChosenOllama {
  readonly url: string;
  /** Whether it has a model to talk with. */
  readonly hasModel: boolean;
}

/** No Ollama answers at an address that a person named. */
class NoOllama extends OperatorError<"NoOllama"> {
  override readonly name = "NoOllama";
}

const DEFAULT_HOMESERVER = "http://127.0.0.1:8008";
const LOOK_MS = 10_000;
const EXAMPLE_MODEL = "llama3.2";
const DEMO_ALONE = ", so the only agent is the demo agent, which is no model. Later: matrix-agents init --ollama URL";

/**
 * Examines the homeserver at the given address; on a terminal, asks for one until a homeserver answers. Throws UsageError,
 * NoHomeserver and Unanswered.
 *
 * @param prompt undefined where nobody can be asked.
 */
export async function askForHomeserver(
  options: { readonly homeserver: string | undefined; readonly yes: boolean },
  ca: string | undefined,
  prompt: Prompt | undefined,
): Promise<FoundHomeserver> {
  const given = options.homeserver ?? (options.yes ? DEFAULT_HOMESERVER : undefined);
  if (given === undefined && prompt === undefined) return needed("homeserver");
  if (given !== undefined) {
    const found = await tryHomeserver(trimmed(given), ca);
    if (!(found instanceof NoHomeserver)) return found;
    if (prompt === undefined) throw found;
    say(found.message);
  }
  let last: FoundHomeserver | undefined;
  await prompt?.ask("Homeserver's URL, as this machine reaches it", DEFAULT_HOMESERVER, async (answer) => {
    if (!FORMATS["homeserver-url"].validate(answer)) return `Expected ${FORMATS["homeserver-url"].expected}.`;
    const found = await tryHomeserver(trimmed(answer), ca);
    if (found instanceof NoHomeserver) return found.message;
    last = found;
    return undefined;
  });
  return last ?? needed("homeserver");
}

async function tryHomeserver(url: string, ca: string | undefined): Promise<FoundHomeserver | NoHomeserver> {
  try {
    const survey = await surveyHomeserver(url, ca);
    say(describeSurvey(url, survey));
    return { url, survey };
  } catch (error) {
    if (error instanceof NoHomeserver) return error;
    throw error;
  }
}

/**
 * The Ollama to use: the named one, which must answer, else one that answers on this machine; on a terminal, the one that a
 * person names. Undefined where there is none. Throws NoOllama and Unanswered.
 */
export async function askForOllama(
  named: string | undefined,
  prompt: Prompt | undefined,
): Promise<ChosenOllama | undefined> {
  if (named !== undefined) return namedOllama(named);
  const usual = ollamaUrl(process.env["OLLAMA_HOST"]);
  const there = await tryOllama(usual, prompt === undefined ? DEMO_ALONE : ".");
  if (!(there instanceof NoOllama)) return there;
  say(there.message);
  if (prompt === undefined) return undefined;
  let last: ChosenOllama | undefined;
  await prompt.ask("URL of an Ollama, or - for the demo agent alone", "-", async (answer) => {
    if (answer === "-") return undefined;
    if (!FORMATS["http-url"].validate(answer)) return `Expected ${FORMATS["http-url"].expected}.`;
    const found = await tryOllama(trimmed(answer), ".");
    if (found instanceof NoOllama) return found.message;
    last = found;
    return undefined;
  });
  return last;
}

/** The Ollama at an address that a person gave as an option. Throws {@link NoOllama} where none answers. */
export async function namedOllama(url: string): Promise<ChosenOllama> {
  const remedy = ": start it first, or leave --ollama out for the demo agent; nothing was changed";
  const found = await tryOllama(trimmed(url), remedy);
  if (found instanceof NoOllama) throw found;
  return found;
}

/** @param remedy the end of the words where there is none. */
async function tryOllama(url: string, remedy: string): Promise<ChosenOllama | NoOllama> {
  const found = await findOllama(url, AbortSignal.timeout(LOOK_MS)).catch(() => ({ kind: "absent" }) as const);
  if (found.kind === "absent") return new NoOllama(`No Ollama answers at ${url}${remedy}`);
  if (found.kind === "unusable") return new NoOllama(`No Ollama, but something else answers at ${url}${remedy}`);
  const names = found.models.filter(({ canChat }) => canChat).map(({ name }) => name);
  const pull = `no model yet (when the bridge is set up: matrix-agents pull ${EXAMPLE_MODEL})`;
  say(`An Ollama at ${url} has ${names.length === 0 ? pull : inWords(names)}.`);
  return { url, hasModel: names.length > 0 };
}

/** A homeserver in a sentence. */
export function describeSurvey(url: string, { software, versions, signIn }: Survey): string {
  const name = software === undefined ? "A homeserver" : `${software.name} ${software.version}`;
  const ways =
    signIn.by === "service"
      ? `people sign in at ${signIn.issuer ?? "an authentication service"}; the bridge signs in nowhere`
      : "people sign in at the homeserver; the bridge needs nobody's password";
  const isOld = software?.name === "Synapse" && !isAtLeast(software.version, OLDEST_SYNAPSE);
  const warning = isOld ? `\n  It is too old to be supported: update it to ${OLDEST_SYNAPSE} or later.` : "";
  return `${name} at ${url}, specification up to ${versions.at(-1) ?? "unknown"}; ${ways}.${warning}`;
}

/**
 * Refuses to go on without an option where nobody can be asked.
 *
 * @param why why it can't be found out.
 */
export function needed(option: string, why = ""): never {
  throw new UsageError(`init needs --${option}, or a terminal to ask on${why}`);
}

/** A URL without a slash at its end. */
export function trimmed(url: string): string {
  return url.replace(/\/+$/, "");
}

/** Prints a line to the user of `init`. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
