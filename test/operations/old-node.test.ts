import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { before, describe, it } from "node:test";
import { bundle } from "../../build/bundle.ts";
import { inCheckout } from "../support/paths.ts";
import { temporaryDirectory } from "../support/temporary.ts";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], how: { cwd: string; env?: NodeJS.ProcessEnv }): Promise<Ended> {
  return new Promise((ended) => {
    execFile(command, args, { ...how, maxBuffer: 1e8 }, (error, stdout, stderr) => {
      ended({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** The folder of the programs of an old Node.js. */
async function oldNode(version: string): Promise<string> {
  const folder = await temporaryDirectory("old-node");
  const name = `node-${process.platform}-${process.arch}`;
  const options = ["--no-audit", "--no-fund", "--force"];
  const { code, stderr } = await run("npm", ["install", ...options, `${name}@${version}`], { cwd: folder });
  assert.equal(code, 0, stderr);
  return join(folder, "node_modules", name, "bin");
}

describe("a machine with an older Node.js", () => {
  const programs: string[] = [];

  before(async () => {
    const folder = await temporaryDirectory("built");
    await bundle(join(folder, "dist"));
    await cp(inCheckout("package.json"), join(folder, "package.json"));
    programs.push(inCheckout("src/main.js"), join(folder, "dist/main.js"));
  });

  for (const version of ["12.22.12", "20.19.5"]) {
    it(`is told how to get a newer one than ${version}, in a checkout and by what was built`, async () => {
      const node = join(await oldNode(version), "node");
      for (const program of programs) {
        const { code, stdout, stderr } = await run(node, [program, "doctor"], { cwd: inCheckout(".") });
        assert.deepEqual([code, stdout], [2, ""], stderr);
        assert.match(stderr, new RegExp(`^matrix-agents needs Node\\.js 24 or newer; this is ${version}\\.\n`));
      }
    });
  }

  it("installs the packages of a checkout without a warning", async () => {
    const checkout = await temporaryDirectory("checkout");
    await mkdir(join(checkout, "quickstart"));
    for (const file of ["package.json", "package-lock.json", ".npmrc", "quickstart/runtime"]) {
      await cp(inCheckout(file), join(checkout, file), { recursive: true });
    }
    const PATH = [await oldNode("20.19.5"), process.env["PATH"]].join(delimiter);
    const env = { ...process.env, PATH };
    assert.equal((await run("node", ["--version"], { cwd: checkout, env })).stdout, "v20.19.5\n");
    const args = ["ci", "--dry-run", "--ignore-scripts"];
    const { code, stderr } = await run("npm", args, { cwd: checkout, env });
    assert.deepEqual([code, stderr], [0, ""]);
    const warned = await run("npm", [...args, "--loglevel=warn"], { cwd: checkout, env });
    assert.match(warned.stderr, /EBADENGINE/, "the settings of the checkout make the difference");
  });
});
