import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { generate } from "selfsigned";
import { ensureLinters, lint } from "../../support/linters.ts";
import { inCheckout } from "../../support/paths.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

/** A copy of a file of docker/ in which something is changed. */
async function changed(file: string, from: string | RegExp, to: string): Promise<string> {
  const copy = join(await temporaryDirectory("lint"), file.split("/").at(-1) ?? "");
  const text = await readFile(inCheckout(file), "utf8");
  assert.match(text, typeof from === "string" ? new RegExp(RegExp.escape(from)) : from);
  await writeFile(copy, text.replace(from, to));
  return copy;
}

/**
 * Reads an nginx configuration and checks each directive: that there is one, where it stands, what it is given. It takes the
 * lines of a `map` for directives.
 */
const READ_NGINX = `
import re, sys, crossplane
found = crossplane.parse(sys.argv[1], single=True, strict=True)["errors"]
sys.exit("\\n".join(e["error"] for e in found if not re.match('unknown directive "(default|)"', e["error"])) or None)
`;

/** Why a test is left out here; false where the program is installed. */
function without(program: string): string | false {
  return spawnSync(program, ["--version"]).error === undefined ? false : `${program} is not installed`;
}

/** What a program says, and whether it is content. */
async function ask(program: string, ...args: string[]): Promise<{ ok: boolean; said: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args);
    return { ok: true, said: stdout + stderr };
  } catch (error) {
    return { ok: false, said: String((error as { stderr?: unknown }).stderr) };
  }
}

/** docker/nginx/matrix-agents.conf where nginx would include it, with certificates that there are. */
async function exampleSite(change: (text: string) => string = (text) => text): Promise<string> {
  const folder = await temporaryDirectory("nginx");
  const { private: key, cert } = await generate([{ name: "commonName", value: "example.org" }]);
  for (const name of ["agents", "matrix", "element"]) {
    await writeFile(join(folder, `${name}.example.org.pem`), cert);
    await writeFile(join(folder, `${name}.example.org.key`), key);
  }
  const site = await readFile(inCheckout("docker/nginx/matrix-agents.conf"), "utf8");
  const file = join(folder, "nginx.conf");
  const inside = change(site).replaceAll("/etc/ssl/matrix-agents", folder);
  await writeFile(file, `pid ${folder}/pid;\nevents {}\nhttp {\n${inside}\n}\n`);
  return file;
}

/** docker/element/nginx.conf with what stands in Element's image. */
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
  before(ensureLinters);

  it("hold a Dockerfile that its linter has nothing against", async () => {
    assert.equal(await lint("hadolint", [inCheckout("docker/Dockerfile")]), "");
    assert.match(await lint("hadolint", [await changed("docker/Dockerfile", /:24[\w.-]+$/m, "")]), /DL3006/);
  });

  it("hold a compose file that the Compose specification allows", async () => {
    const check = (file: string) => lint("check-jsonschema", ["--builtin-schema", "vendor.compose-spec", file]);
    assert.equal(await check(inCheckout("docker/compose.yaml")), "");
    assert.match(await check(await changed("docker/compose.yaml", "mem_limit: 1g", "memory: 1g")), /memory/);
  });

  it("hold a script for any POSIX shell", async () => {
    assert.equal(await lint("shellcheck", [inCheckout("docker/setup.sh")]), "");
    const wrong = await changed("docker/setup.sh", "server_name=$1", "local server_name=$1");
    assert.match(await lint("shellcheck", [wrong]), /SC3043|SC2168/);
  });

  it("hold nginx configurations of directives that there are, where they may stand", async () => {
    for (const file of [inCheckout("docker/element/nginx.conf"), await exampleSite()]) {
      assert.equal(await lint("python", ["-c", READ_NGINX, file]), "");
    }
    const wrong = await exampleSite((text) => text.replace("allow 192.0.2.10;", "allow;"));
    assert.match(await lint("python", ["-c", READ_NGINX, wrong]), /allow/);
  });

  it("hold nginx configurations that nginx takes", { skip: without("nginx") }, async () => {
    for (const file of [await elementConf(), await exampleSite()]) {
      assert.match((await ask("nginx", "-t", "-q", "-c", file)).said, /^(?!.*\[emerg\])/s);
    }
    const wrong = await exampleSite((text) => text.replace("deny all;", "deny everybody;"));
    assert.match((await ask("nginx", "-t", "-q", "-c", wrong)).said, /\[emerg\].*everybody/);
  });

  it("hold a Caddyfile that Caddy takes", { skip: without("caddy") }, async () => {
    const check = (file: string) => ask("caddy", "validate", "--adapter", "caddyfile", "--config", file);
    assert.equal((await check(inCheckout("docker/caddy/Caddyfile"))).ok, true);
    assert.equal((await check(await changed("docker/caddy/Caddyfile", "abort", "vanish"))).ok, false);
  });

  it("hold a unit that systemd takes, and finds well shut", { skip: without("systemd-analyze") }, async () => {
    // Where node is on this machine is not what is asked.
    const unit = await changed("docker/systemd/matrix-agents.service", "/usr/bin/node", process.execPath);
    assert.deepEqual(await ask("systemd-analyze", "verify", unit), { ok: true, said: "" });
    // 0 is shut, 100 is open; the unit had 12 when this was written.
    const security = (file: string) => ask("systemd-analyze", "security", "--offline=true", "--threshold=15", file);
    assert.equal((await security(unit)).ok, true);
    const open = await changed("docker/systemd/matrix-agents.service", /^SystemCallFilter=.*$/gm, "");
    assert.equal((await security(open)).ok, false);
    const wrong = await changed("docker/systemd/matrix-agents.service", "PrivateTmp=yes", "PrivateTemp=yes");
    assert.match((await ask("systemd-analyze", "verify", wrong)).said, /PrivateTemp/);
  });
});
