import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Result } from "../../src/doctor/report.ts";
import { writeBridgeConfig } from "../support/bridge.ts";
import { runCommand, type CommandResult } from "../support/command.ts";
import { layEmbedded } from "../support/embedded.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { inCheckout } from "../support/paths.ts";
import { emptyBackup } from "../support/empty-backup.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** The user that runs the bridge, and another one; any numbers. */
const AGENTS = 65_534;
const STRANGER = 54_321;

const isRoot = process.getuid?.() === 0;

/** A bridge's folder, its homeserver away, and its data as that user's. */
async function installation(owner?: number): Promise<{ folder: string; config: string; data: string }> {
  const folder = await temporaryDirectory("bridge");
  const homeserver = { url: `http://127.0.0.1:${await freePort()}`, serverName: "example.test" };
  const files = await writeBridgeConfig({ directory: folder, homeserver, port: await freePort() });
  const data = join(folder, "data");
  await mkdir(data, { mode: 0o700 });
  await layEmbedded(join(data, "database"));
  await writeFile(join(data, "master.key"), `${"ab".repeat(32)}\n`, { mode: 0o600 });
  if (owner !== undefined) await give(folder, owner);
  return { folder, config: files.config, data };
}

async function give(path: string, uid: number): Promise<void> {
  const entries = await readdir(path, { recursive: true });
  await Promise.all([path, ...entries.map((entry) => join(path, entry))].map((each) => chown(each, uid, uid)));
}

/** The files of a folder that do not belong to a user. */
async function notOf(uid: number, folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  const owners = await Promise.all(entries.map(async (entry) => (await stat(join(folder, entry))).uid));
  return entries.filter((_, index) => owners[index] !== uid);
}

function findings({ stdout }: CommandResult, check: string): string {
  const { checks } = JSON.parse(stdout) as { checks: Result[] };
  const found = checks.find((result) => result.check === check)?.findings ?? assert.fail(`no check ${check}`);
  return found.map((one) => [one.status, one.text, one.status === "bad" ? one.mend : ""].join(" ")).join("\n");
}

function start(config: string, uid?: number): { child: ChildProcess; log: () => string } {
  const child = spawn(process.execPath, [inCheckout("src/main.js"), "start", "-c", config], {
    stdio: ["ignore", "ignore", "pipe"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let text = "";
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return { child, log: () => text };
}

describe("an installation of another user, for root", { skip: !isRoot && "takes root" }, () => {
  let config: string;
  let data: string;

  before(async () => {
    ({ config, data } = await installation(AGENTS));
  });

  it("is examined without a trace, and as its owner sees it", async () => {
    const result = await runCommand(["doctor", "-c", config, "--json"]);
    assert.match(findings(result, "database"), /^good embedded/);
    assert.match(findings(result, "files"), /^good/);
    assert.match(findings(result, "bridge"), /start it: sudo -u \w+ matrix-agents start/);
    assert.deepEqual(await notOf(AGENTS, data), []);
    assert.deepEqual((await readdir(data)).sort(), ["database", "master.key"]);
  });

  it("is opened by no other command either: each says as whom to run it", async () => {
    for (const command of [["mailbox"], ["rooms"], ["audit"], ["fingerprints"], ["privacy"], ["keys", "backup"]]) {
      const { code, stderr } = await runCommand([...command, "-c", config]);
      assert.equal(code, 1, `${command.join(" ")}: ${stderr}`);
      assert.match(stderr, /belongs to \w+, and root would leave files there.*: sudo -u \w+ matrix-agents/, stderr);
    }
    assert.deepEqual(await notOf(AGENTS, data), []);
    const own = await runCommand(["mailbox", "-c", config], "", { uid: AGENTS });
    assert.equal(own.code, 0, own.stderr);
  });

  it("gets no database by root's restore where it has none yet", async () => {
    const aside = `${data}-aside`;
    await rename(join(data, "database"), aside);
    const { code, stderr } = await runCommand(["restore", await emptyBackup(), "-c", config]);
    await rename(aside, join(data, "database"));
    assert.equal(code, 1, stderr);
    assert.match(stderr, /belongs to \w+, and root would leave files there.*: sudo -u \w+ matrix-agents/);
    assert.deepEqual(await notOf(AGENTS, data), []);
  });

  it("with files that root once left says which, and how to give them back", async () => {
    const left = join(data, "database", "PG_VERSION");
    await chown(left, 0, 0);
    await chmod(left, 0o600);
    const words = /PG_VERSION.* belongs to .*sudo chown -R \w+(:\d+)? .*database/s;
    assert.match(findings(await runCommand(["doctor", "-c", config, "--json"]), "database"), words);
    const refused = start(config, AGENTS);
    assert.deepEqual(await once(refused.child, "exit"), [1, null]);
    assert.match(refused.log(), words);
    assert.doesNotMatch(refused.log(), /^ {4}at /m);
    await chown(left, AGENTS, AGENTS);
  });

  for (const [what, spoil] of [
    ["whose data belong to another user", () => chown(data, STRANGER, STRANGER)],
    ["whose data folder can't be written", () => chmod(data, 0o500)],
  ] as const) {
    it(`${what} is ill, and every command says so in a line`, async () => {
      await spoil();
      const commands = [["doctor"], ["mailbox"], ["rooms"], ["fingerprints"], ["start"]];
      for (const command of commands) {
        const { code, stdout, stderr } = await runCommand([...command, "-c", config], "", {
          uid: AGENTS,
          env: { TMPDIR: "/tmp" },
        });
        const said = `${stdout}${stderr}`;
        assert.equal(code === 1 || code === 2, true, `${command.join(" ")} ended with ${code}: ${said}`);
        assert.match(said, /(belongs to|uid) \w+.*(sudo -u|chown|chmod)/s, command.join(" "));
        assert.doesNotMatch(said, /^ {4}at |^– database +there is no|make one/m, command.join(" "));
      }
      await chown(data, AGENTS, AGENTS);
      await chmod(data, 0o700);
    });
  }

  it("whose registration can't be read is not told to make one", async () => {
    const registration = join(config, "..", "registration.yaml");
    await chown(registration, 0, 0);
    const { code, stdout } = await runCommand(["doctor", "-c", config], "", { uid: AGENTS });
    assert.equal(code, 2);
    assert.match(
      stdout,
      /registration\.yaml .*can't be read: this user \(\w+\) has no right to it: it belongs to root/,
    );
    assert.doesNotMatch(stdout, /make one/);
    await chown(registration, AGENTS, AGENTS);
  });
});

describe("an embedded database that is in use", () => {
  let config: string;
  let data: string;
  let bridge: ReturnType<typeof start>;

  before(async () => {
    ({ config, data } = await installation());
    bridge = start(config);
    await eventually("the bridge to take its data", async () => (await readdir(data)).includes("matrix-agents.lock"));
  });
  after(async () => {
    bridge.child.kill("SIGKILL");
    await once(bridge.child, "exit").catch(() => undefined);
  });

  it("is left alone by doctor, which says that the bridge starts or runs", async () => {
    const result = await runCommand(["doctor", "-c", config, "--json"]);
    assert.match(findings(result, "bridge"), /^(unknown the bridge is starting \(pid \d+\)|good the bridge runs)/);
    assert.equal(bridge.child.exitCode, null, bridge.log());
  });

  it("is refused with 1 to what needs it alone, because a service manager takes 2 for final", async () => {
    for (const command of [
      ["restore", await emptyBackup()],
      ["keys", "rotate-master"],
    ]) {
      const { code, stderr } = await runCommand([...command, "-c", config]);
      assert.equal(code, 1);
      assert.match(stderr, /another matrix-agents process \(bridge, pid \d+\) is using .*: stop that one first/);
    }
  });

  it("is waited for by a start while a command uses it", async () => {
    bridge.child.kill("SIGTERM");
    await once(bridge.child, "exit");
    // A command that stays: it asks for a passphrase that does not come.
    const lock = join(data, "matrix-agents.lock");
    const command = spawn(process.execPath, ["-e", HOLD, data], { stdio: ["ignore", "ignore", "inherit"] });
    await eventually("the command to take the data", async () => (await readdir(data)).includes("matrix-agents.lock"));
    const doctor = await runCommand(["doctor", "-c", config, "--json"]);
    assert.match(findings(doctor, "database"), /^unknown a command is using the database \(pid \d+\)/);
    bridge = start(config);
    await eventually("the start to wait", () => bridge.log().includes("another process is using the database"));
    assert.equal(bridge.child.exitCode, null);
    command.kill("SIGKILL");
    await rm(lock, { force: true });
    await eventually("the start to go on", () => bridge.log().includes("waiting for the homeserver"));
  });
});

const HOLD = `import(${JSON.stringify(inCheckout("src/database/sole-user.ts"))})
  .then(({ claimDirectory }) => claimDirectory(process.argv[1], "command"))
  .then(() => setInterval(() => undefined, 1000));`;
