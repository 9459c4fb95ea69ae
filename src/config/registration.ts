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
export function makeRegistration(options: { readonly domain: string; readonly url: string }): RegistrationFile {
  return {
    id: "agents",
    url: options.url,
    as_token: randomBytes(32).toString("hex"),
    hs_token: randomBytes(32).toString("hex"),
    sender_localpart: "agents",
    rate_limited: false,
    namespaces: {
      users: [{ exclusive: true, regex: `@${AGENT_PREFIX}.*:${options.domain.replace(/[.[\]]/g, "\\$&")}` }],
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
  problems.push(...checkNamespace(raw["namespaces"], config.homeserver.domain));
  if (problems.length > 0) throw new ConfigError(file, problems);
  return registration;
}

function checkNamespace(namespaces: unknown, domain: string): ConfigProblem[] {
  const users = (namespaces as { users?: unknown } | null | undefined)?.users;
  const entries = Array.isArray(users) ? (users as { exclusive?: unknown; regex?: unknown }[]) : [];
  const sample = `@${AGENT_PREFIX}llama:${domain}`;
  const covers = entries.some(({ exclusive, regex }) => {
    if (exclusive !== true || typeof regex !== "string") return false;
    try {
      return new RegExp(`^(?:${regex})$`).test(sample);
    } catch {
      return false;
    }
  });
  return covers
    ? []
    : [
        {
          path: "namespaces.users",
          found: entries.length === 0 ? "nothing" : "no entry that holds the agents' user ids",
          expected: `an exclusive entry whose regex matches ${sample}`,
        },
      ];
}
