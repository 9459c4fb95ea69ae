import type { Database } from "../../../database/database.ts";
import { describeUnsealed, isRecordedAsSealed, sealExisting, unsealedRows } from "../../../sealing/seal-existing.ts";
import { Seals } from "../../../sealing/seals.ts";
import { atKeys } from "../../agent-keys.ts";
import { defineCommand } from "../../command.ts";
import { noteCommand } from "../../operator.ts";
import { counted } from "../../../language/counted.ts";

/** Throws UsageError, ConfigError, MasterKeyError, and the error of opening the database. */
export const command = defineCommand({
  summary: "seal the texts that an old version left unsealed in the database",
  options: { yes: { type: "boolean", meaning: "confirm" } },
  run: ({ config, yes: isSure }) =>
    atKeys(config, ({ database, masterKey, log }) => sealByHand(database, new Seals(database, masterKey, log), isSure)),
});

/** Prints the consequences, and seals only with the confirming option. */
async function sealByHand(database: Database, seals: Seals, isSure: boolean): Promise<number> {
  const unsealed = await unsealedRows(database);
  if (unsealed.length === 0) {
    process.stdout.write("all texts in the database are sealed\n");
    return 0;
  }
  const wasSealed = await isRecordedAsSealed(database, seals);
  process.stdout.write(
    `Not sealed: ${describeUnsealed(unsealed)}.\n` +
      (wasSealed
        ? "Everything was sealed before, so somebody else has written these rows into the database. Delete them.\n"
        : "An old version has left them unsealed, or somebody has written them into the database. Once sealed\n" +
          "they count as genuine messages. Do it only if you have just upgraded from such a version.\n"),
  );
  if (wasSealed) return 1;
  if (!isSure) {
    process.stderr.write("matrix-agents: nothing was done; if you are sure, add --yes\n");
    return 1;
  }
  await noteCommand(database, "keys seal-existing");
  process.stdout.write(`${counted(await sealExisting(database, seals), "row", "rows")} sealed\n`);
  return 0;
}
