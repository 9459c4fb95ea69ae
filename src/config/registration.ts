import { randomBytes } from "node:crypto";
import type { Config } from "./config.ts";
import { ConfigError, type ConfigProblem } from "./config-error.ts";
import { FORMATS } from "./formats.ts";
import { shownValue } from "./shown.ts";
import { whyNoCredential } from "./systemd-credential.ts";
import { readYamlMapping } from "./yaml-file.ts";

/** The prefix of all agents' localparts. */
export const AGENT_PREFIX = "agent_";

/** A registration file as the application-service API describes it. */
export interface RegistrationFile {
  readonly id: string;
  readonly url: string;
  readonly as_token: string;
  readonly hs_token: string;
  readonly sender_localpart: string;
  readonly rate_limited: boolean;
  readonly namespaces: {
    readonly users: { readonly exclusive: boolean; readonly regex: string }[];
    readonly aliases: never[];
    readonly rooms: never[];
  };
  readonly receive_ephemeral?: boolean;
  readonly "org.matrix.msc3202"?: boolean;
}

/** registration.yaml, checked. */
export interface Registration {
  /** Path of the file. */
  readonly file: string;
  readonly id: string;
  /** The URL at which the homeserver reaches the bridge. */
  readonly url: string;
  readonly asToken: string;
  readonly hsToken: string;
  readonly senderLocalpart: string;
  /** The registration as it was read. */
  readonly raw: RegistrationFile;
}

/**
 * A new registration with random tokens. It asks for pushed to-device messages: a Synapse that has them switched on
 * then tells agents sooner of events outside rooms.
 */
export function makeRegistration(options: {
  readonly domain: string;
  readonly url: string;
  /** Localpart of the bot; `agents` by default. */
  readonly bot?: string;
}): RegistrationFile {
  const { bot = "agents" } = options;
  // Synapse anchors the pattern only at the start: without the end, users of example.org.example.com would also be
  // ours.
  const userPattern = (localpart: string): string => `^@${localpart}:${literal(options.domain)}$`;
  return {
    id: "agents",
    url: options.url,
    as_token: randomBytes(32).toString("hex"),
    hs_token: randomBytes(32).toString("hex"),
    sender_localpart: `${bot}-appservice`,
    rate_limited: false,
    namespaces: {
      users: [
        { exclusive: true, regex: userPattern(`${AGENT_PREFIX}.*`) },
        { exclusive: true, regex: userPattern(literal(bot)) },
      ],
      aliases: [],
      rooms: [],
    },
    receive_ephemeral: true,
    "org.matrix.msc3202": true,
  };
}

/** Reads registration.yaml and checks it against the configuration. Throws {@link ConfigError} with every mistake. */
export async function loadRegistration(
  config: Pick<Config, "homeserver" | "appservice" | "agents">,
): Promise<Registration> {
  const file = config.appservice.registration;
  const hint = whyNoCredential(file) ?? "make one with `matrix-agents generate-registration`";
  const raw = await readYamlMapping(file, `a registration; ${hint}`);
  const problems = checkRegistration(raw, config);
  if (problems.length > 0) throw new ConfigError(file, problems);
  const registration = raw as unknown as RegistrationFile;
  return {
    file,
    id: registration.id,
    url: registration.url,
    asToken: registration.as_token,
    hsToken: registration.hs_token,
    senderLocalpart: registration.sender_localpart,
    raw: registration,
  };
}

type Raw = Readonly<Record<string, unknown>>;

function checkRegistration(raw: Raw, config: Pick<Config, "homeserver" | "appservice" | "agents">): ConfigProblem[] {
  const { bot } = config.appservice;
  return [
    ...checkText(raw, "id", "a text that is not empty", () => true),
    ...checkText(raw, "url", FORMATS["bridge-url"].expected, FORMATS["bridge-url"].validate),
    ...checkToken(raw, "as_token"),
    ...checkToken(raw, "hs_token"),
    ...(isToken(raw["as_token"]) && raw["as_token"] === raw["hs_token"]
      ? [{ path: "hs_token", found: "the same token as as_token", expected: "another one" }]
      : []),
    ...checkText(
      raw,
      "sender_localpart",
      `a user that is neither the bot nor an agent, such as ${bot}-appservice: Synapse lets it have no encryption`,
      (sender) => sender !== bot && !sender.startsWith(AGENT_PREFIX) && LOCALPART.test(sender),
    ),
    ...checkNamespaces(raw["namespaces"], config),
  ];
}

function checkText(raw: Raw, name: string, expected: string, isGood: (text: string) => boolean): ConfigProblem[] {
  const value = raw[name];
  if (typeof value === "string" && value !== "" && isGood(value)) return [];
  return [{ path: name, found: value === "" ? "nothing" : shownValue(value, [name]), expected }];
}

/** Whether a token can stand in an Authorization header (RFC 6750, loosely). */
function isToken(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]+$/.test(value);
}

/** A localpart, with the capital letters of old ones. Synapse does not start with another sender_localpart, such as a whole user id. */
const LOCALPART = /^[0-9A-Za-z._=/+-]+$/;

/** The beginning of the tokens in registration.yaml.example, which everybody knows. */
const OF_EXAMPLE = "REPLACED-BY-";

function checkToken(raw: Raw, name: string): ConfigProblem[] {
  const value = raw[name];
  if (isToken(value) && value.startsWith(OF_EXAMPLE)) {
    const expected = "a random one: matrix-agents generate-registration writes a file with such tokens";
    return [{ path: name, found: "the token of the example", expected }];
  }
  if (isToken(value)) return [];
  const found = value === undefined || value === null || value === "" ? "nothing" : "a value that is not shown";
  return [{ path: name, found, expected: "a text of ASCII letters, digits and signs, without spaces" }];
}

/** Checks that the users of all agents, also undiscovered ones, and of the bot belong to the bridge alone. */
function checkNamespaces(
  namespaces: unknown,
  config: Pick<Config, "homeserver" | "appservice" | "agents">,
): ConfigProblem[] {
  const userId = (localpart: string): string => `@${localpart}:${config.homeserver.domain}`;
  const users = field(namespaces, "users");
  const entries: unknown[] = Array.isArray(users) ? users : [];
  const missing = (localparts: string[]): string | undefined =>
    localparts.map(userId).find((user) => !entries.some((entry) => covers(entry, user)));

  const agents = [...config.agents.keys(), "any-model_1.5=x"].map((name) => `${AGENT_PREFIX}${name}`);
  return [missing(agents), missing([config.appservice.bot])]
    .filter((user) => user !== undefined)
    .map((user) => ({
      path: "namespaces.users",
      found: entries.length === 0 ? "nothing" : `no exclusive entry for ${user}`,
      expected: user.startsWith(`@${AGENT_PREFIX}`)
        ? `an exclusive entry whose regex matches all ${userId(`${AGENT_PREFIX}*`)}`
        : `an exclusive entry whose regex matches ${user}`,
    }));
}

function covers(entry: unknown, userId: string): boolean {
  const regex = field(entry, "regex");
  if (field(entry, "exclusive") !== true || typeof regex !== "string") return false;
  try {
    return new RegExp(`^(?:${regex})$`).test(userId);
  } catch {
    return false;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Raw)[name] : undefined;
}

/** A text as a regular expression that matches it and nothing else. */
function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
