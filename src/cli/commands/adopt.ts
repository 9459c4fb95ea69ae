import { AGENT_PREFIX } from "../../config/registration.ts";
import { foreignSessions } from "../../ghost/foreign-account.ts";
import { publicKeys } from "../../ghost/public-keys.ts";
import { whoami } from "../../homeserver/calls.ts";
import { deleteDevice } from "../../homeserver/device-calls.ts";
import { isRefusal } from "../../homeserver/errors.ts";
import { atHomeserver, type AtHomeserver } from "../at-database.ts";
import { defineCommand } from "../command.ts";
import { noteCommand } from "../operator.ts";
import { UsageError } from "../usage-error.ts";
import { counted } from "../../language/counted.ts";

/**
 * Ends the sessions of people who are signed in as an agent's user; the bridge then takes the account for the agent's.
 * Returns the exit code. Throws UsageError, ConfigError, HomeserverError, and the error of opening the database.
 */
export const command = defineCommand({
  summary: "take over an account that has an agent's name: end the sessions of those who are signed in as it",
  arguments: { AGENT: "the agent, by its name or user id" },
  options: {},
  examples: ["matrix-agents adopt bob"],
  run({ config }, [agent, ...more]) {
    if (agent === undefined || more.length > 0) throw new UsageError("name one agent: matrix-agents adopt AGENT");
    return atHomeserver(config, (at) => adopt(agent, at));
  },
});

async function adopt(agent: string, { config, database, client }: AtHomeserver): Promise<number> {
  const userId = await userOf(agent, { config, client });
  const [own] = await publicKeys(database, userId);
  const sessions = await foreignSessions(client, userId, new Set(own === undefined ? [] : [own.deviceId]));
  await noteCommand(database, "adopt", userId);
  for (const { deviceId } of sessions) await deleteDevice(client, { userId, deviceId });
  const ended = `${counted(sessions.length, "session", "sessions")} of ${userId} ended`;
  process.stdout.write(
    sessions.length === 0
      ? `nobody is signed in as ${userId}: the bridge uses it as it is\n`
      : `${ended}; the bridge takes the account over within a minute, or at its next start\n`,
  );
  process.stdout.write(
    `If it has a password, that still works: set another one by the admin API of Synapse (PUT /_synapse/admin/v2/users/${userId} with {"password": "…", "logout_devices": true}) or in MAS.\n`,
  );
  return 0;
}

/** The most bytes of a user id (spec "Common identifier format"). */
const LONGEST_USER_ID = 255;

/** The user id of an agent, which the database need not know yet. Throws UsageError when there is no such user of ours. */
async function userOf(agent: string, { config, client }: Pick<AtHomeserver, "config" | "client">): Promise<string> {
  const { domain } = config.homeserver;
  const candidates = agent.startsWith("@") ? [agent] : [`@${AGENT_PREFIX}${agent}:${domain}`, `@${agent}:${domain}`];
  for (const userId of candidates.filter((each) => Buffer.byteLength(each) <= LONGEST_USER_ID)) {
    try {
      await whoami(client, { userId });
      return userId;
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }
  throw new UsageError(`the homeserver has no user ${candidates[0] ?? agent} that belongs to this bridge`);
}
