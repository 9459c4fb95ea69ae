import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { dump, load } from "js-yaml";
import { ensurePrograms, isThere } from "../support/debian.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { DOMAIN, startHomeserver } from "../support/homeserver.ts";
import { checkoutVersion, filesOfMessages, namedFiles } from "../support/installed-package.ts";
import { inCheckout } from "../support/paths.ts";
import { startProcess, type Process } from "../support/process.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const run = promisify(execFile);
const ENV = { PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}` };
const UNIT = "usr/lib/systemd/system/matrix-agents.service";

/** The reason why nothing can be installed by dpkg here; what is only missing is installed. */
const WHY =
  process.platform !== "linux" || process.getuid?.() !== 0 || !isThere("dpkg")
    ? "this needs root on a Linux with dpkg"
    : ensurePrograms({
        commands: ["systemd-sysusers", "systemd-analyze", "lintian"],
        packages: ["systemd", "lintian"],
      });

describe("the Debian package", { skip: WHY ?? false }, () => {
  let deb: string;
  /** Another root, with nothing in it but what dpkg needs. */
  let root: string;
  let user: { uid: number; gid: number };

  before(async () => {
    const folder = await temporaryDirectory("deb");
    const dist = join(folder, "dist");
    await run(process.execPath, [inCheckout("build/build.ts"), dist]);
    await run("sh", [inCheckout("docker/debian/build.sh"), folder, dist]);
    deb = join(folder, `matrix-agents_${await checkoutVersion()}_all.deb`);
    root = await temporaryDirectory("root");
    // The bridge's user has to reach its files in there.
    await chmod(root, 0o755);
    await mkdir(join(root, "etc"));
    await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
    await writeFile(join(root, "etc/group"), "root:x:0:\n");
    for (const name of ["info", "updates", "triggers", "parts"])
      await mkdir(join(root, "var/lib/dpkg", name), { recursive: true });
    for (const name of ["status", "available"]) await writeFile(join(root, "var/lib/dpkg", name), "");
  });

  /** Nothing but this package is in the root, so what it depends on is missing there. */
  function dpkg(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    const force = ["--force-depends", "--force-script-chrootless", "--force-confold"];
    return run("dpkg", [`--root=${root}`, ...force, ...args]);
  }

  async function modeOf(path: string): Promise<string> {
    const { mode, uid, gid } = await stat(join(root, path));
    const name = (id: number, own: number): string => (id === 0 ? "root" : id === own ? "matrix-agents" : String(id));
    return `${(mode & 0o777).toString(8)} ${name(uid, user.uid)}:${name(gid, user.gid)}`;
  }

  it("has no faults that Debian's own checker finds", async () => {
    const args = [
      "--fail-on",
      "error,warning",
      "--allow-root",
      "--suppress-tags-from-file",
      inCheckout("docker/debian/lintian-ignored"),
    ];
    const { stdout } = await run("lintian", [...args, deb]).catch((error: unknown) => error as { stdout: string });
    assert.equal(stdout, "");
  });

  it("installs its files, its user, its settings and its master key", async () => {
    await dpkg("--install", deb);
    const [, uid, gid] =
      /^matrix-agents:x:(\d+):(\d+):.*:\/usr\/sbin\/nologin$/m.exec(await readFile(join(root, "etc/passwd"), "utf8")) ??
      [];
    user = { uid: Number(uid), gid: Number(gid) };
    assert.ok(user.uid > 0 && user.gid > 0);
    const modes = Object.fromEntries(
      await Promise.all(
        [
          "etc/matrix-agents",
          "etc/matrix-agents/config.yaml",
          "etc/matrix-agents/master_key",
          UNIT,
          "usr/bin/matrix-agents",
        ].map(async (path) => [path, await modeOf(path)]),
      ),
    ) as Record<string, string>;
    assert.deepEqual(modes, {
      "etc/matrix-agents": "750 root:matrix-agents",
      "etc/matrix-agents/config.yaml": "640 root:matrix-agents",
      "etc/matrix-agents/master_key": "600 root:root",
      [UNIT]: "644 root:root",
      "usr/bin/matrix-agents": "755 root:root",
    });
    assert.match(await readFile(join(root, "etc/matrix-agents/master_key"), "utf8"), /^[0-9a-f]{64}$/);
    assert.ok((await readdir(join(root, "usr/lib/matrix-agents/migrations"))).length > 30);
    const started = /^ExecStart=(.*)$/m.exec(await readFile(join(root, UNIT), "utf8"))?.[1]?.split(" ") ?? [];
    await stat(join(root, started.find((word) => word.endsWith("main.js")) ?? "nowhere"));
  });

  it("brings the files that its settings and its messages name", async () => {
    const named = namedFiles(await readFile(join(root, "etc/matrix-agents/config.yaml"), "utf8"));
    assert.ok(named.length >= 4, named.join());
    for (const path of named) await stat(join(root, path));
    for (const file of await filesOfMessages()) await stat(join(root, "usr/lib/matrix-agents", file));
    await stat(join(root, "usr/share/doc/matrix-agents/docs/troubleshooting.md"));
  });

  it("has a unit that systemd understands", async () => {
    // Node is not in that root; the machine's stands for it.
    const unit = (await readFile(join(root, UNIT), "utf8")).replace(
      "ExecStart=/usr/bin/node",
      `ExecStart=${process.execPath}`,
    );
    const file = join(await temporaryDirectory("unit"), "matrix-agents.service");
    await writeFile(file, unit.replaceAll("/usr/lib/matrix-agents", join(root, "usr/lib/matrix-agents")));
    const { stderr } = await run("systemd-analyze", ["verify", "--man=no", file]);
    assert.doesNotMatch(stderr, /matrix-agents\.service/);
  });

  it("starts as its user, with the settings that it brings", async (test) => {
    const program = join(root, "usr/bin/matrix-agents");
    const { stdout } = await run(program, ["--version"], { env: ENV });
    assert.equal(stdout.trim(), await checkoutVersion());
    const [port, synapsePort] = [await freePort(), await freePort()];
    const config = join(root, "etc/matrix-agents/config.yaml");
    const settings = load(await readFile(config, "utf8")) as { appservice: object };
    // The unit's paths in this root, and this test's homeserver.
    const inRoot = JSON.parse(
      JSON.stringify(settings).replace(/"(\/(?:run|var)\/[^"]*)"/g, (_whole, path: string) =>
        JSON.stringify(join(root, path)),
      ),
    ) as { appservice: { registration: string }; data_dir: string; encryption: { master_key_file: string } };
    await writeFile(
      config,
      dump({
        ...inRoot,
        homeserver: { url: `http://127.0.0.1:${synapsePort}`, domain: DOMAIN },
        appservice: { ...inRoot.appservice, port },
      }),
    );
    // What systemd does for it.
    const credentials = dirname(inRoot.encryption.master_key_file);
    await mkdir(credentials, { recursive: true, mode: 0o755 });
    await mkdir(inRoot.data_dir, { recursive: true, mode: 0o700 });
    await run(
      program,
      ["generate-registration", "-c", config, "-o", join(root, "etc/matrix-agents/registration.yaml")],
      { env: ENV },
    );
    for (const name of ["registration.yaml", "master_key"]) {
      await writeFile(join(credentials, name), await readFile(join(root, "etc/matrix-agents", name)), { mode: 0o400 });
      await chown(join(credentials, name), user.uid, user.gid);
    }
    await chown(inRoot.data_dir, user.uid, user.gid);
    const synapse = await startHomeserver({ port: synapsePort, registrations: [inRoot.appservice.registration] });
    test.after(() => synapse.stop());
    const bridge: Process = await startProcess({
      command: program,
      args: ["start", "-c", config],
      env: ENV,
      cwd: "/",
      ...user,
    });
    test.after(() => bridge.stop());
    await eventually("the bridge to be ready", () => bridge.stderr.some((line) => line.includes('"ready"')), {
      timeoutMs: 60_000,
      instead: () => bridge.stderr.slice(-10).join("\n"),
    });
    assert.deepEqual(await bridge.stop({ timeoutMs: 20_000 }), { code: 0, signal: null });
  });

  it("keeps what the admin has changed and the keys, when it is installed again, removed and purged", async () => {
    const kept = ["etc/matrix-agents/master_key", "etc/matrix-agents/config.yaml"];
    const before = await Promise.all(kept.map((path) => readFile(join(root, path), "utf8")));
    await dpkg("--install", deb);
    assert.deepEqual(await Promise.all(kept.map((path) => readFile(join(root, path), "utf8"))), before);
    await dpkg("--remove", "matrix-agents");
    await assert.rejects(stat(join(root, "usr/bin/matrix-agents")));
    await dpkg("--purge", "matrix-agents");
    const left = await readdir(join(root, "etc/matrix-agents"));
    assert.deepEqual(left.sort(), ["master_key", "registration.yaml"]);
    await stat(join(root, "var/lib/matrix-agents"));
  });
});
