import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { promisify } from "node:util";
import { inCheckout } from "../../support/paths.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const WRITER = `
import { randomBytes } from "node:crypto";
const { writeBackup } = await import(process.argv[1]);
const rows = async (take) => {
  for (let row = 0; row < 200; row += 1) await take({ row: randomBytes(20_000).toString("hex") });
};
await writeBackup(process.argv[2], (salt) => salt, rows).catch((error) => console.log(error.name + ": " + error.message));
`;

it("says in words that the system takes no more of a backup, and leaves nothing behind", async () => {
  const folder = await temporaryDirectory("refused");
  const node = `ulimit -f 100; exec "$0" "$@"`;
  const args = ["--input-type=module", "-e", WRITER, inCheckout("src/backup/backup-file.ts"), join(folder, "backup")];
  const { stdout } = await promisify(execFile)("sh", ["-c", node, process.execPath, ...args]);
  assert.match(stdout, /^BackupError: .*backup can't be written: /);
  assert.deepEqual(await readdir(folder), []);
});
