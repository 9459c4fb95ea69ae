import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { ExportedKey } from "../../../ghost/device/agent-keys.ts";
import { askForBackupToBeRead } from "../../../ghost/operator-requests.ts";
import { agentAndFile, atAgentKeys, SECRET_FILE, type AtAgentKeys } from "../../agent-keys.ts";
import { defineCommand } from "../../command.ts";
import { noteCommand } from "../../operator.ts";
import { readGivenFile } from "../../given-file.ts";
import { readSecret } from "../../secret-input.ts";
import { UsageError } from "../../usage-error.ts";
import { counted } from "../../../language/counted.ts";

/**
 * Throws UsageError, ConfigError, MasterKeyError, KeysNotFound, HomeserverError, and the error of opening the database.
 */
export const command = defineCommand({
  summary: "read an agent's room keys from an exported file, with its passphrase",
  arguments: { "AGENT FILE": "the agent that gets the keys, and the file with them" },
  options: { "secret-file": SECRET_FILE },
  run({ config, "secret-file": secretFile }, args) {
    const { agent, file } = agentAndFile("import", args);
    return atAgentKeys(config, agent, (at) => importFrom(file, at, secretFile));
  },
});

/** An export of a million room keys. */
const MOST_BYTES = 512 * 1024 * 1024 - 1024;

async function importFrom(
  file: string,
  { database, keys, userId }: AtAgentKeys,
  secretFile: string | undefined,
): Promise<number> {
  await engine.initAsync();
  const text = await readGivenFile(file, MOST_BYTES);
  const imported = decryptExport(text, await readSecret("passphrase", secretFile), file);
  await noteCommand(database, "keys import", userId);
  await keys.importKeys(imported);
  await askForBackupToBeRead(database, userId);
  process.stdout.write(
    `${counted(imported.length, "room key", "room keys")} added to the backup of ${userId}; the agent reads them from there\n`,
  );
  return 0;
}

function decryptExport(text: string, passphrase: string, file: string): ExportedKey[] {
  let json: string;
  try {
    json = engine.OlmMachine.decryptExportedRoomKeys(text, passphrase);
  } catch {
    throw new UsageError(`${file} is no export of room keys, or the passphrase is wrong`);
  }
  return (JSON.parse(json) as ExportedKey[]).filter(
    (key) => typeof key.room_id === "string" && typeof key.session_id === "string",
  );
}
