import { foreignSessions, type ForeignSession } from "../../ghost/foreign-account.ts";
import { whoami } from "../../homeserver/calls.ts";
import { reasonOfHomeserverError } from "../../homeserver/error-words.ts";
import { isHomeserverError, isRefusal, isUnknownToken, MatrixError } from "../../homeserver/errors.ts";
import { bad, good, unknown, type Check, type Finding } from "../check.ts";
import type { BridgeState } from "../endpoint.ts";
import { CALL_LIMIT_MS, type Patient, type PingSight } from "../patient.ts";
import { counted } from "../../language/counted.ts";

/** Whether the bridge runs, or something else is in its place. */
export const bridge: Check = {
  name: "bridge",
  run: ({ bridge: state, config, database }) => {
    const processes = database.kind === "read" ? (database.records.state?.processes ?? 0) : 0;
    return Promise.resolve([judgeBridge(state, config.appservice, processes)]);
  },
};

/** @param processes the live processes on the database, which may be on other machines. */
export function judgeBridge(
  state: BridgeState,
  { bind, port }: { readonly bind: string; readonly port: number },
  processes: number,
): Finding {
  switch (state.kind) {
    case "running":
      return good("the bridge runs");
    case "starting":
      return unknown(`the bridge is starting (pid ${state.pid}), and does not listen yet`);
    case "stopped":
      if (processes > 0) {
        return unknown(
          `a bridge works on this database, but does not listen on port ${port} of ${bind}: it is starting, or runs on another machine`,
        );
      }
      return bad("the bridge does not run", "start it: matrix-agents start, or its service");
    case "strange":
      return bad(
        state.reason,
        `stop the program that listens on port ${port}, or choose another appservice.port (matrix-agents init --port)`,
      );
  }
}

/** A ping from here to the homeserver, from there to the bridge, and back. */
export const ping: Check = { name: "ping", run: ({ ping: sight }) => Promise.resolve([judgePing(sight)]) };

export function judgePing(sight: PingSight): Finding {
  switch (sight.kind) {
    case "answered":
      return good(
        `it works both ways, in ${sight.roundTripMs} ms, of which ${sight.homeserverMs} ms from the homeserver to the bridge and back`,
      );
    case "failed": {
      if (sight.code === "M_UNRECOGNIZED") return unknown(sight.reason);
      const [what = "", ...mend] = sight.reason.split(". ");
      return bad(what, mend.join(". ") || "check the homeserver's log");
    }
    case "untried":
      return unknown(sight.reason);
  }
}

/** Two bridges with one registration take each other's messages, and give each other's agents new devices. */
export const soleBridge: Check = {
  name: "sole-bridge",
  run: ({ ping: sight, database, registration }) => {
    const processes = database.kind === "read" ? (database.records.state?.processes ?? 0) : 0;
    return Promise.resolve([judgeSoleBridge(sight, processes, registration.url)]);
  },
};

export function judgeSoleBridge(sight: PingSight, processes: number, url: string): Finding {
  if (sight.kind !== "answered" || sight.reachedUs === undefined)
    return unknown("this can be told only when a ping comes through");
  if (sight.reachedUs) return good("the homeserver's ping came to this bridge");
  if (processes > 1)
    return good(`the homeserver's ping came to another of the ${processes} processes on this database`);
  return bad(
    `another bridge with this registration answers at ${url}: it takes the messages, and both make devices for the same agents`,
    "stop the other one, or give one of them a registration of its own (another id, tokens and namespace)",
  );
}

/** The users of this bridge that exist or should: the bot, the configured agents, and all that ever were. */
function usersOf({ config, database }: Patient): { readonly users: readonly string[]; readonly ours: Set<string> } {
  const { domain } = config.homeserver;
  const ours = new Set(
    database.kind === "read" ? (database.records.state?.ghosts ?? []).map(({ userId }) => userId) : [],
  );
  const configured = [config.appservice.bot, ...[...config.agents.keys()].map((name) => `agent_${name}`)].map(
    (localpart) => `@${localpart}:${domain}`,
  );
  return { users: [...new Set([...configured, ...ours])], ours };
}

/** Whether only we use the users of our namespace. */
export const namespace: Check = {
  name: "namespace",
  async run(patient) {
    if (patient.homeserver.kind === "away") return [unknown("the homeserver is away")];
    const { users, ours } = usersOf(patient);
    const findings: Finding[] = [];
    for (const userId of users) {
      const finding = await lookAtUser(patient, userId, ours.has(userId), ours.size > 0);
      if (finding !== undefined) findings.push(finding);
    }
    return findings.length === 0
      ? [good(`the bot and ${counted(users.length - 1, "agent", "agents")} belong to this bridge alone`)]
      : findings;
  },
};

/** Whether people are signed in as one of our users: they read what is said to it, and can speak as it. */
export const sessions: Check = {
  name: "sessions",
  async run(patient) {
    if (patient.homeserver.kind === "away") return [unknown("the homeserver is away")];
    const { client, database } = patient;
    const ghosts = database.kind === "read" ? (database.records.state?.ghosts ?? []) : [];
    const { users } = usersOf(patient);
    const findings: Finding[] = [];
    for (const userId of users) {
      const own = ghosts.filter((ghost) => ghost.userId === userId).map(({ deviceId }) => deviceId);
      try {
        const found = await foreignSessions(client, userId, new Set(own), { timeoutMs: CALL_LIMIT_MS });
        if (found.length > 0) findings.push(signedIn(userId, found));
      } catch (error) {
        if (!isHomeserverError(error)) throw error;
        // There is no such user yet, or it is not ours: the check of the namespace tells.
        if (!isRefusal(error)) return [unknown(reasonOfHomeserverError(error))];
      }
    }
    return findings.length === 0 ? [good("nobody is signed in as the bot or an agent")] : findings;
  },
};

function signedIn(userId: string, found: readonly ForeignSession[]): Finding {
  const which = found
    .slice(0, 5)
    .map(({ deviceId, displayName }) => (displayName === undefined ? deviceId : `${deviceId} (${displayName})`))
    .join(", ");
  return bad(
    `somebody is signed in as ${userId}, reads what is said to it and can speak as it: ${which}`,
    `end these sessions: matrix-agents adopt ${userId}; and give the account another password, or none`,
  );
}

/** The problem with one user; undefined when there is none. */
async function lookAtUser(
  { client }: Patient,
  userId: string,
  isOurs: boolean,
  isKnown: boolean,
): Promise<Finding | undefined> {
  const options = { timeoutMs: CALL_LIMIT_MS };
  try {
    await whoami(client, { userId }, options);
    if (isOurs || !isKnown) return undefined;
    return bad(
      `${userId} exists, but this bridge did not make it: somebody else registered that name, or this is another database`,
      "deactivate that user or rename the agent; if another database belongs to this bridge, use that one",
    );
  } catch (error) {
    if (!isHomeserverError(error)) throw error;
    if (!(error instanceof MatrixError)) return unknown(reasonOfHomeserverError(error));
    if (isUnknownToken(error)) return unknown(reasonOfHomeserverError(error));
    if (/masquerade/i.test(error.message)) return outsideNamespace(userId);
    if (!isOurs) return undefined;
    return bad(
      `the homeserver does not know ${userId}, which this bridge made: ${error.message}`,
      "restart the bridge, which makes it again; if that fails, its log says why. A homeserver that was restored or made anew has lost the agents' keys too",
    );
  }
}

function outsideNamespace(userId: string): Finding {
  return bad(
    `at the homeserver ${userId} is in none of this bridge's namespaces, or in another application service's too`,
    "find the registration among those of homeserver.yaml whose namespace covers it, and make both copies of this bridge's registration the same",
  );
}
