// The programs themselves judge the files that are made for them. They are Debian's packages, which npm test can do
// without: npm run test:image
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { ensurePrograms } from "../support/debian.ts";
import { changed, exampleSite } from "../support/docker-files.ts";
import { inCheckout } from "../support/paths.ts";

/** A program's output, and whether it accepted the file. */
async function ask(program: string, ...args: string[]): Promise<{ ok: boolean; said: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args);
    return { ok: true, said: stdout + stderr };
  } catch (error) {
    return { ok: false, said: String((error as { stderr?: unknown }).stderr) };
  }
}

/** docker/element/nginx.conf with the files of Element's image. */
async function elementConf(): Promise<string> {
  const file = await changed(
    "docker/element/nginx.conf",
    "include /etc/nginx/mime.types",
    "types { text/html html; }\n#",
  );
  await writeFile(file, (await readFile(file, "utf8")).replace("http://synapse:8008", "http://127.0.0.1:8008"));
  await mkdir(join(file, "../app"));
  return file;
}

describe("the files of docker/", () => {
  before(() => {
    const commands = ["nginx", "caddy", "systemd-analyze"];
    assert.equal(ensurePrograms({ commands, packages: ["nginx-light", "caddy", "systemd"] }), undefined);
  });

  it("hold nginx configurations that nginx accepts", async () => {
    for (const file of [await elementConf(), await exampleSite()]) {
      assert.match((await ask("nginx", "-t", "-q", "-c", file)).said, /^(?!.*\[emerg\])/s);
    }
    const wrong = await exampleSite((text) => text.replace("deny all;", "deny everybody;"));
    assert.match((await ask("nginx", "-t", "-q", "-c", wrong)).said, /\[emerg\].*everybody/);
  });

  it("hold a Caddyfile that Caddy accepts", async () => {
    const check = (file: string) => ask("caddy", "validate", "--adapter", "caddyfile", "--config", file);
    assert.equal((await check(inCheckout("docker/caddy/Caddyfile"))).ok, true);
    assert.equal((await check(await changed("docker/caddy/Caddyfile", "abort", "vanish"))).ok, false);
  });

  it("hold a unit that systemd accepts, and rates as well restricted", async () => {
    // The place of node on this machine does not matter.
    const unit = await changed("docker/systemd/matrix-agents.service", "/usr/bin/node", process.execPath);
    assert.deepEqual(await ask("systemd-analyze", "verify", unit), { ok: true, said: "" });
    // 0 is best, 100 is worst; the unit had 12 when this was written.
    const security = (file: string) => ask("systemd-analyze", "security", "--offline=true", "--threshold=15", file);
    assert.equal((await security(unit)).ok, true);
    const open = await changed("docker/systemd/matrix-agents.service", /^SystemCallFilter=.*$/gm, "");
    assert.equal((await security(open)).ok, false);
    const wrong = await changed("docker/systemd/matrix-agents.service", "PrivateTmp=yes", "PrivateTemp=yes");
    assert.match((await ask("systemd-analyze", "verify", wrong)).said, /PrivateTemp/);
  });
});
