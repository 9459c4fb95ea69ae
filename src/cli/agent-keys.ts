import { AgentKeys } from "../ghost/device/agent-keys.ts";
import { MasterKey } from "../sealing/master-key.ts";
import { agentArgument } from "./agent-argument.ts";
import { atHomeserver, type AtHomeserver } from "./at-database.ts";
import type { Option } from "./command.ts";
import { UsageError } from "./usage-error.ts";

/** The things that a command on the agents' keys works with. */
export interface AtKeys extends AtHomeserver {
  readonly masterKey: MasterKey;
}

/** The same, for one agent. */
export interface AtAgentKeys extends AtKeys {
  /** The agent's user id. */
  readonly userId: string;
  readonly keys: AgentKeys;
}

/** The option of the commands that need a recovery key or a passphrase. */
export const SECRET_FILE = {
  type: "string",
  value: "FILE",
  meaning: "the file with the recovery key or passphrase; - is standard input (default: ask)",
} as const satisfies Option;

/** Runs a command with the master key open. Throws as {@link atHomeserver}, and MasterKeyError. */
export async function atKeys(file: string, work: (at: AtKeys) => Promise<number>): Promise<number> {
  return atHomeserver(file, async (at) => {
    const masterKey = await MasterKey.open(at.config.encryption.masterKey, at.database);
    return work({ ...at, masterKey });
  });
}

/** Runs a command on one agent's keys. Throws as {@link atKeys}, and UsageError for an agent that never existed. */
export async function atAgentKeys(
  file: string,
  agent: string,
  work: (at: AtAgentKeys) => Promise<number>,
): Promise<number> {
  return atKeys(file, async (at) => {
    const userId = await agentArgument(agent, at.config, at.database);
    return work({ ...at, userId, keys: await keysOf(at, userId) });
  });
}

/** The same for a command that gives the agent another device. Throws UsageError also where agents encrypt nothing. */
export async function atAgentDevice(
  file: string,
  agent: string,
  work: (at: AtAgentKeys) => Promise<number>,
): Promise<number> {
  return atAgentKeys(file, agent, (at) => {
    if (at.config.encryption.mode === "off") throw new UsageError("encryption.mode is off: agents have no devices");
    return work(at);
  });
}

/** The keys of an agent that the homeserver stores. Throws MasterKeyError, DatabaseError. */
export async function keysOf({ client, masterKey }: AtKeys, userId: string): Promise<AgentKeys> {
  return new AgentKeys(client, userId, await masterKey.recoveryKey(userId));
}

/** The one agent that a command needs. Throws {@link UsageError}. */
export function oneAgent(verb: string, [agent, ...more]: readonly string[]): string {
  if (agent === undefined || more.length > 0) throw new UsageError(`keys ${verb} needs an agent`);
  return agent;
}

/** The agent and the file that a command needs. Throws {@link UsageError}. */
export function agentAndFile(
  verb: string,
  [agent, file, ...more]: readonly string[],
): { readonly agent: string; readonly file: string } {
  if (agent === undefined || file === undefined || more.length > 0) {
    throw new UsageError(`keys ${verb} needs an agent and a file`);
  }
  if (file === "-") throw new UsageError(`keys ${verb} needs a file by its name, or ./- for one of that name`);
  return { agent, file };
}
