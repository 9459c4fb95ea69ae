import { randomBytes } from "node:crypto";
import type { Config } from "./config.ts";
import { ConfigError, type ConfigProblem } from "./config-error.ts";
import { readYamlMapping } from "./yaml-file.ts";

/** What all agents' localparts begin with. */
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
  readonly id: string;
  /** Where the homeserver reaches the bridge. */
  readonly url: string;
  readonly asToken: string;
  readonly hsToken: string;
  readonly senderLocalpart: string;
  /** As it was read. */
  readonly raw: RegistrationFile;
}

/**
 * A new registration with fresh random tokens. It asks for pushed to-device messages: where Synapse does not have them
 * switched on, that changes nothing; where it does, agents hear sooner of what has no room event.
 */
export function makeRegistration(options: {
  readonly domain: string;
  readonly url: string;
  /** Localpart of the bot; `agents` by default. */
  readonly bot?: string;
}): RegistrationFile {
  const { bot = "agents" } = options;
  const userId = (localpart: string): string => `@${localpart}:${literal(options.domain)}`;
  return {
    id: "agents",
    url: options.url,
    as_token: randomBytes(32).toString("hex"),
    hs_token: randomBytes(32).toString("hex"),
    sender_localpart: `${bot}-appservice`,
    rate_limited: false,
    namespaces: {
      users: [
        { exclusive: true, regex: userId(`${AGENT_PREFIX}.*`) },
        { exclusive: true, regex: userId(literal(bot)) },
      ],
      aliases: [],
      rooms: [],
    },
    receive_ephemeral: true,
    "org.matrix.msc3202": true,
  };
}

/** Reads registration.yaml and checks it against the configuration. Throws {@link ConfigError} with every mistake. */
export async function loadRegistration(config: Config): Promise<Registration> {
  const file = config.appservice.registration;
  const raw = await readYamlMapping(file, "a registration; make one with `matrix-agents generate-registration`");
  const problems: ConfigProblem[] = [];
  const text = (name: string, isSecret = false): string => {
    const value = raw[name];
    if (typeof value === "string" && value !== "") return value;
    const found =
      value === undefined || value === null
        ? "nothing"
        : isSecret
          ? "a value that is not shown"
          : JSON.stringify(value);
    problems.push({ path: name, found, expected: "a text that is not empty" });
    return "";
  };
  const registration = {
    id: text("id"),
    url: text("url"),
    asToken: text("as_token", true),
    hsToken: text("hs_token", true),
    senderLocalpart: text("sender_localpart"),
    raw: raw as unknown as RegistrationFile,
  };
  if (registration.asToken !== "" && registration.asToken === registration.hsToken) {
    problems.push({ path: "hs_token", found: "the same token as as_token", expected: "another one" });
  }
  const { domain } = config.homeserver;
  const { bot } = config.appservice;
  if (registration.senderLocalpart === bot) {
    problems.push({
      path: "sender_localpart",
      found: `"${bot}", which is the bot`,
      expected: `another name, such as ${bot}-appservice: Synapse lets the sender have no encryption`,
    });
  }
  problems.push(...checkNamespaces(raw["namespaces"], [`@${AGENT_PREFIX}llama:${domain}`, `@${bot}:${domain}`]));
  if (problems.length > 0) throw new ConfigError(file, problems);
  return registration;
}

/** Whether all these users are the bridge's alone. */
function checkNamespaces(namespaces: unknown, userIds: readonly string[]): ConfigProblem[] {
  const users = (namespaces as { users?: unknown } | null | undefined)?.users;
  const entries = Array.isArray(users) ? (users as { exclusive?: unknown; regex?: unknown }[]) : [];
  return userIds
    .filter((userId) => !entries.some((entry) => covers(entry, userId)))
    .map((userId) => ({
      path: "namespaces.users",
      found: entries.length === 0 ? "nothing" : "no entry that holds it",
      expected: `an exclusive entry whose regex matches ${userId}`,
    }));
}

function covers(entry: { exclusive?: unknown; regex?: unknown }, userId: string): boolean {
  if (entry.exclusive !== true || typeof entry.regex !== "string") return false;
  try {
    return new RegExp(`^(?:${entry.regex})$`).test(userId);
  } catch {
    return false;
  }
}

/** A text as a regular expression that matches it and nothing else. */
function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
