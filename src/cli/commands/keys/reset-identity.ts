import type { Database } from "../../../database/database.ts";
import { requestNewIdentity } from "../../../ghost/operator-requests.ts";
import { peopleOfGhost } from "../../../ghost/people-of-ghost.ts";
import { atAgentDevice, oneAgent } from "../../agent-keys.ts";
import { defineCommand } from "../../command.ts";
import { tellNewDevice } from "../../new-device.ts";
import { operator } from "../../operator.ts";
import { printable } from "../../printable.ts";

/** Throws UsageError, ConfigError, MasterKeyError, and the error of opening the database. */
export const command = defineCommand({
  summary: "give an agent another identity, which everybody must verify again; without --yes, list these people",
  arguments: { AGENT: "the agent that gets it" },
  options: { yes: { type: "boolean", meaning: "confirm" } },
  run: ({ config, yes: isSure }, args) =>
    atAgentDevice(config, oneAgent("reset-identity", args), ({ database, userId }) =>
      resetIdentity(database, userId, isSure),
    ),
});

/** Prints the consequences, and resets only with the confirming option. */
async function resetIdentity(database: Database, userId: string, isSure: boolean): Promise<number> {
  const people = await peopleOfGhost(database, userId);
  const names = people.map(
    (person) => `  ${printable(person.userId)}${person.hasVerified ? " (has verified it)" : ""}`,
  );
  process.stdout.write(
    `A new identity for ${userId} can't be undone. People who have verified the agent see a warning, and may not be able to\nsend to it until they verify it again. The people who know it:\n${names.join("\n") || "  nobody"}\n`,
  );
  if (!isSure) {
    process.stderr.write("matrix-agents: nothing was done; if you are sure, add --yes\n");
    return 1;
  }
  await requestNewIdentity(database, userId, operator());
  return tellNewDevice(database, userId);
}
