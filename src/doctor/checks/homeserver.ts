import type { Config } from "../../config/config.ts";
import { register, whoami } from "../../homeserver/calls.ts";
import { createHomeserverClient } from "../../homeserver/client.ts";
import { reasonOfHomeserverError } from "../../homeserver/error-words.ts";
import { isHomeserverError, MatrixError } from "../../homeserver/errors.ts";
import { isAtLeast, OLDEST_SYNAPSE, type Survey } from "../../homeserver/survey.ts";
import { nameOf } from "../../homeserver/software.ts";
import { actsAsDevice } from "../../homeserver/support.ts";
import { silentLogger } from "../../observability/log.ts";
import { packageFile } from "../../observability/package-file.ts";
import { bad, good, unknown, type Check, type Finding } from "../check.ts";
import { CALL_LIMIT_MS, type Patient } from "../patient.ts";

/** Certificates, tokens and leases depend on clocks, which may differ this much. */
const MOST_OFFSET_MS = 5_000;

const AWAY = unknown("the homeserver is away");

/** Whether the homeserver answers, its software, and its age. */
export const homeserver: Check = {
  name: "homeserver",
  run: ({ homeserver: sight, config }) =>
    Promise.resolve(
      sight.kind === "away"
        ? [bad(sight.reason, `${sight.mend}; the address is homeserver.url in config.yaml`)]
        : judgeHomeserver(sight.survey, config.homeserver),
    ),
};

export function judgeHomeserver(
  { software, versions, domain, latencyMs }: Survey,
  expected: { readonly url: string; readonly domain: string },
): Finding[] {
  const name = software === undefined ? "a homeserver" : `${software.name} ${software.version}`;
  if (domain !== undefined && domain !== expected.domain) {
    return [
      bad(
        `the homeserver calls itself ${domain}`,
        `set homeserver.domain to ${domain}, or homeserver.url to that of ${expected.domain}`,
      ),
    ];
  }
  if (software?.name === "Synapse" && !isAtLeast(software.version, OLDEST_SYNAPSE)) {
    return [bad(`${name} is too old to be supported`, `update it to ${OLDEST_SYNAPSE} or later`)];
  }
  return [
    good(`${name} at ${expected.url}, specification up to ${versions.at(-1) ?? "unknown"}, answers in ${latencyMs} ms`),
  ];
}

export const clock: Check = {
  name: "clock",
  run: ({ homeserver: sight }) =>
    Promise.resolve([sight.kind === "away" ? AWAY : judgeClock(sight.survey.clockOffsetMs)]),
};

export function judgeClock(offsetMs: number | undefined): Finding {
  if (offsetMs === undefined) return unknown("the homeserver does not tell its time");
  const seconds = (Math.abs(offsetMs) / 1000).toFixed(1);
  if (Math.abs(offsetMs) <= MOST_OFFSET_MS) return good("this machine's clock agrees with the homeserver's");
  return bad(
    `the homeserver's clock is ${seconds} s ${offsetMs > 0 ? "ahead of" : "behind"} this machine's`,
    "synchronise both clocks (timedatectl set-ntp true)",
  );
}

/** The homeserver accepts our as_token, for our sender and domain. */
export const registered: Check = {
  name: "registration",
  async run(patient) {
    if (patient.homeserver.kind === "away") return [AWAY];
    return [await judgeRegistration(patient)];
  },
};

function sameFile({ file }: Patient["registration"]): string {
  return `give the homeserver the same file as ours, ${file} (app_service_config_files of homeserver.yaml names its copy), and restart the homeserver`;
}

async function judgeRegistration({ client, config, registration, ping }: Patient): Promise<Finding> {
  const expected = `@${registration.senderLocalpart}:${config.homeserver.domain}`;
  try {
    const sender = await whoami(client, undefined, { timeoutMs: CALL_LIMIT_MS });
    if (sender === expected) return good(`the homeserver knows it as ${sender}`);
    const [, domain] = /^@[^:]*:(.*)$/.exec(sender) ?? [];
    return domain === config.homeserver.domain
      ? bad(
          `the homeserver's copy has another sender_localpart: it takes the bridge for ${sender}, not ${expected}`,
          sameFile(registration),
        )
      : bad(
          `the homeserver's domain is ${domain ?? "unknown"}`,
          `set homeserver.domain to ${domain ?? "it"}, and correct the registration's namespaces`,
        );
  } catch (error) {
    if (!isHomeserverError(error)) throw error;
    if (!(error instanceof MatrixError) || error.errcode !== "M_UNKNOWN_TOKEN") {
      return bad(reasonOfHomeserverError(error), "check the homeserver's log");
    }
  }
  return (await takesAsToken(config.homeserver, registration.hsToken))
    ? bad(
        "as_token and hs_token are swapped: the homeserver accepts our hs_token as the as_token",
        sameFile(registration),
      )
    : bad(
        `the homeserver does not know the as_token${ping.kind === "failed" ? "" : " any more"}: its copy of the registration has another one, or it has none`,
        sameFile(registration),
      );
}

/** Whether the homeserver knows a user by this token. */
async function takesAsToken({ url, ca }: Config["homeserver"], token: string): Promise<boolean> {
  const client = createHomeserverClient({ url, ca, asToken: token, log: silentLogger() });
  try {
    await whoami(client, undefined, { timeoutMs: CALL_LIMIT_MS });
    return true;
  } catch (error) {
    if (!isHomeserverError(error)) throw error;
    return false;
  } finally {
    await client.close();
  }
}

/** Without `rate_limited: false` agents are slowed down like a person who types too fast. */
export const rateLimit: Check = {
  name: "rate-limit",
  run: ({ registration }) =>
    Promise.resolve([
      (registration.raw as { rate_limited?: unknown }).rate_limited === false
        ? good(
            "rate_limited is false, so the homeserver does not slow agents down; the setting limits bounds what people may ask",
          )
        : bad(
            "rate_limited is not false: the homeserver slows agents down like a person who types too fast, and answers stop in the middle",
            "set rate_limited: false in both copies of the registration, and restart the homeserver",
          ),
    ]),
};

/** None of our users has a password. The registration makes them and acts as them, which works with MAS too. */
export const signIn: Check = {
  name: "sign-in",
  async run({ homeserver: sight, client, config }) {
    if (sight.kind === "away") return [AWAY];
    const { signIn: way } = sight.survey;
    const place =
      way.by === "service"
        ? `people sign in at ${way.issuer ?? "an authentication service, which is away"} (MAS)`
        : "people sign in at the homeserver";
    const users =
      way.by === "service"
        ? "the bridge uses no /login: the registration alone lets it make its users"
        : "the registration alone lets the bridge make its users";
    const options = { timeoutMs: CALL_LIMIT_MS };
    const { bot } = config.appservice;
    const userId = `@${bot}:${config.homeserver.domain}`;
    try {
      await whoami(client, { userId }, options);
    } catch (error) {
      if (isHomeserverError(error))
        return [unknown(`${place}; the check of making agents needs the bot, which the first start makes`)];
      throw error;
    }
    try {
      // The user exists, so this makes none.
      await register(client, bot, options);
      return [good(`${place}; ${users}`)];
    } catch (error) {
      if (!isHomeserverError(error)) throw error;
      return [
        bad(
          `the homeserver does not let the bridge make users: ${error.message}`,
          "make sure that no proxy refuses POST /_matrix/client/v3/register",
        ),
      ];
    }
  },
};

/**
 * Whether agents have devices, which no call of the homeserver tells: an agent's device proves it, or else the
 * homeserver's version, or its way of signing in.
 */
export const features: Check = {
  name: "features",
  async run({ homeserver: sight, client, config, database }) {
    if (sight.kind === "away") return [AWAY];
    if (config.encryption.mode === "off") return [unknown("encryption.mode is off, so agents need no devices")];
    const made = (database.kind === "read" ? (database.records.state?.ghosts ?? []) : []).filter(
      ({ deviceMade }) => deviceMade,
    );
    const byId = made.filter(({ hasToken }) => !hasToken);
    try {
      for (const { userId, deviceId } of byId) {
        if (await actsAsDevice(client, { userId, deviceId }, { timeoutMs: CALL_LIMIT_MS })) {
          return [good("the homeserver lets the bridge make agents' devices (MSC4190) and act as them (MSC4326)")];
        }
      }
    } catch (error) {
      if (isHomeserverError(error)) return [unknown(reasonOfHomeserverError(error))];
      throw error;
    }
    if (byId.length < made.length) return [good("agents' devices have tokens of their own, by a login of the bridge")];
    return [judgeFeatures(sight.survey, byId.length > 0)];
  },
};

/** @param isRefused whether the homeserver refused to let us act as any of the agents' devices. */
export function judgeFeatures(
  { software, signIn: way }: Pick<Survey, "software" | "signIn">,
  isRefused: boolean,
): Finding {
  const name = nameOf(software);
  const isNew = software?.name === "Synapse" && isAtLeast(software.version, OLDEST_SYNAPSE);
  if (isNew) return good(`${name} lets agents have devices, by its version`);
  const signsIn = way.by === "homeserver" && way.flows.includes("m.login.application_service");
  if (isRefused) {
    return bad(
      `${name} does not let the bridge act as its agents' devices any more (MSC4326)`,
      signsIn
        ? "if another homeserver took the place of the former one: matrix-agents keys new-device for each agent"
        : `look in ${packageFile("docs/homeservers.md")} for the homeservers on which agents encrypt`,
    );
  }
  if (signsIn) return good(`${name} lets agents have devices, by a login of the bridge if not otherwise`);
  return unknown("whether agents can have devices shows when the first agent has one; the bridge's log tells");
}
