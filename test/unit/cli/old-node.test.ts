import assert from "node:assert/strict";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { inCheckout } from "../../support/paths.ts";
import { startProcess } from "../../support/process.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  const child = await startProcess({ command, args, ...options });
  const { code } = await child.exited;
  return { code, stdout: child.stdout.join("\n"), stderr: child.stderr.join("\n") } satisfies Ended;
}

/** Runs src/main.js on this Node, which says that it is another. */
function runAs(version: string, ...args: string[]): Promise<Ended> {
  const pretend = `Object.defineProperty(process.versions, "node", { value: "${version}" })`;
  return run(process.execPath, ["--import", `data:text/javascript,${pretend}`, inCheckout("src/main.js"), ...args]);
}

describe("matrix-agents on an older Node.js", () => {
  for (const version of ["12.22.12", "18.20.8", "20.19.5", "22.21.0", "23.11.1"]) {
    it(`says on ${version} that it is too old, and how to get another, before it does anything`, async () => {
      const { code, stdout, stderr } = await runAs(version, "check-config", "-c", "/nowhere");
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(
        stderr,
        new RegExp(`^matrix-agents needs Node\\.js 24 or newer; this is ${version.replaceAll(".", "\\.")}\\.\n`),
      );
      assert.match(
        stderr,
        /On Debian and Ubuntu: sudo apt-get install nodejs, where .* names 24 .*github\.com\/nodesource/,
      );
      assert.match(stderr, /Elsewhere: nvm install 24, or https:\/\/nodejs\.org\/en\/download\. /);
      assert.doesNotMatch(stderr, /\|/, "nothing is run that nobody has read");
      assert.equal(stderr.split("\n").length, 3, stderr);
    });
  }

  for (const version of ["24.0.0", "26.1.0", "100.0.0"]) {
    it(`runs on ${version}`, async () => {
      assert.match((await runAs(version, "--version")).stdout, /^\d+\.\d+\.\d+$/);
    });
  }
});

describe("bin/matrix-agents", () => {
  it("is the command from any folder, through a link too, on the checkout's own Node.js", async () => {
    const folder = await temporaryDirectory("bin");
    const old = join(folder, "old");
    await mkdir(old);
    // The machine's node must not be asked.
    await symlink("/bin/false", join(old, "node"));
    await symlink(inCheckout("bin/matrix-agents"), join(folder, "matrix-agents"));
    for (const command of [inCheckout("bin/matrix-agents"), join(folder, "matrix-agents")]) {
      const env = { PATH: `${old}:/usr/bin:/bin` };
      const { code, stdout, stderr } = await run(command, ["check-config", "-c", "absent.yaml"], { cwd: folder, env });
      assert.deepEqual([code, stdout], [2, ""], stderr);
      assert.ok(stderr.includes(`${join(folder, "absent.yaml")} has a mistake`), stderr);
    }
  });
});
