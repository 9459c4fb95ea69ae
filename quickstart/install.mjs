// Installs the dependencies when they are missing or older than the lock file. Plain JavaScript on purpose: it is the
// one file that must run on whatever Node the machine has, before the project's own Node 24 is there.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const stamp = join(root, "node_modules", ".installed-from");
const wanted = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
const installed = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";

if (installed !== wanted) {
  console.error("Installing dependencies (npm ci); the first time this takes about a minute …");
  const result = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
  if (result.status !== 0) {
    console.error(
      "npm ci failed; see above. The packages come from npm's registry the first time: connect this machine, or name a proxy or a mirror (npm config set proxy, registry), and try again. Nothing else was done.",
    );
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}
