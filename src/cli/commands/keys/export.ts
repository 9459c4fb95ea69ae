import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import { writeNewFile } from "../../../config/new-file.ts";
import { agentAndFile, atAgentKeys, SECRET_FILE, type AtAgentKeys } from "../../agent-keys.ts";
import { defineCommand } from "../../command.ts";
import { noteExport } from "../../operator.ts";
import { readSecret } from "../../secret-input.ts";
import { counted } from "../../../language/counted.ts";

/** The rounds of PBKDF2 that slow down guessing a passphrase (spec "Key export format": at least 100,000). */
const EXPORT_ROUNDS = 500_000;

/** Throws UsageError, ConfigError, MasterKeyError, HomeserverError, and the error of opening the database. */
export const command = defineCommand({
  summary: "write an agent's room keys to a file for clients, with a passphrase",
  arguments: { "AGENT FILE": "the agent, and the file to write; it must not exist yet" },
  options: { "secret-file": SECRET_FILE },
  run({ config, "secret-file": secretFile }, args) {
    const { agent, file } = agentAndFile("export", args);
    return atAgentKeys(config, agent, (at) => exportTo(file, at, secretFile));
  },
});

async function exportTo(
  file: string,
  { database, keys, userId }: AtAgentKeys,
  secretFile: string | undefined,
): Promise<number> {
  const passphrase = await readSecret("passphrase", secretFile);
  const exported = await keys.exportKeys();
  const text = engine.OlmMachine.encryptExportedRoomKeys(JSON.stringify(exported), passphrase, EXPORT_ROUNDS);
  await writeNewFile(file, text, () => noteExport(database, userId, "room_keys"));
  process.stdout.write(`${counted(exported.length, "room key", "room keys")} of ${userId} written to ${file}\n`);
  return 0;
}
