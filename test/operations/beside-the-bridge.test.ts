import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, lstat, mkdir, readdir, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readBackup } from "../../src/backup/backup-file.ts";
import { SOCKET } from "../../src/database/served/socket.ts";
import { backupKeyOf } from "../../src/sealing/master-key.ts";
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

const MASTER_KEY = "ab".repeat(32);
const isRoot = process.getuid?.() === 0;

interface Installation {
  readonly folder: string;
  readonly config: string;
  readonly data: string;
}

/** A bridge's folder; its homeserver is away, so that it waits for that and does nothing else. */
async function installation({ parent, owner }: { parent?: string; owner?: number } = {}): Promise<Installation> {
  const folder = parent ?? (await temporaryDirectory("bridge"));
  const homeserver = { url: `http://127.0.0.1:${await freePort()}`, serverName: "example.test" };
  const extraConfig = { encryption: { verification: "operator" } };
  const files = await writeBridgeConfig({ directory: folder, homeserver, port: await freePort(), extraConfig });
  const data = join(folder, "data");
  await mkdir(data, { mode: 0o700 });
  await layEmbedded(join(data, "database"));
  await writeFile(join(data, "master.key"), `${MASTER_KEY}\n`, { mode: 0o600 });
  if (owner !== undefined) await give(folder, owner);
  return { folder, config: files.config, data };
}

async function give(path: string, uid: number): Promise<void> {
  const entries = await readdir(path, { recursive: true });
  await Promise.all([path, ...entries.map((entry) => join(path, entry))].map((each) => chown(each, uid, uid)));
}

interface Bridge {
  readonly child: ChildProcess;
  log(): string;
  end(signal?: NodeJS.Signals): Promise<void>;
}

function spawnBridge(config: string, uid?: number): Bridge {
  const child = spawn(process.execPath, [inCheckout("src/main.js"), "start", "-c", config], {
    stdio: ["ignore", "ignore", "pipe"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let text = "";
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const exited = once(child, "exit");
  return {
    child,
    log: () => text,
    end: async (signal = "SIGKILL") => {
      child.kill("SIGCONT");
      child.kill(signal);
      await exited;
    },
  };
}

async function startBridge({ config, data }: Installation, uid?: number): Promise<Bridge> {
  const bridge = spawnBridge(config, uid);
  await eventually("the bridge to take commands", async () => {
    if (bridge.child.exitCode !== null) assert.fail(bridge.log());
    return (await readdir(data)).includes(SOCKET);
  });
  return bridge;
}

/** A program that begins a transaction as a command does, and stays in it. */
async function hold(data: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", HOLD, data], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

const HOLD = `import(${JSON.stringify(inCheckout("src/database/served/client.ts"))})
  .then(({ databaseOfBridge }) => databaseOfBridge(process.argv[1]))
  .then((database) => database.transaction(async (tx) => {
    await tx.query("insert into settings (name, value) values ('unfinished', '1')");
    process.stdout.write("begun");
    await new Promise(() => setInterval(() => undefined, 1000));
  }));`;

/** The longest time for which a command may keep the bridge waiting (src/database/served/server.ts), and a command's own, in ms. */
const BOUND_MS = 3_000 + 5_000;

const READING = [["mailbox"], ["rooms"], ["audit"], ["audit", "--verify"], ["fingerprints"], ["privacy"], ["verify"]];

function saysNoLibrary({ stdout, stderr }: CommandResult): void {
  assert.doesNotMatch(`${stdout}${stderr}`, /^ {4}at |wasm|errno|ECONN|undefined/m);
}

async function wholeBackup(file: string): Promise<boolean> {
  let last = "";
  for await (const item of readBackup(file, (salt) => backupKeyOf(Buffer.from(MASTER_KEY, "hex"), salt)))
    last = item.kind;
  return last === "end";
}

describe("commands beside a bridge on the embedded database", () => {
  let place: Installation;
  let bridge: Bridge;

  before(async () => {
    place = await installation();
    bridge = await startBridge(place);
  });
  after(() => bridge.end());

  function run(...args: string[]): Promise<CommandResult> {
    return runCommand([...args, "-c", place.config]);
  }

  async function isUnfinishedStored(): Promise<boolean> {
    const file = join(await temporaryDirectory("backup"), "backup");
    const { code, stderr } = await run("backup", file);
    assert.equal(code, 0, stderr);
    for await (const item of readBackup(file, (salt) => backupKeyOf(Buffer.from(MASTER_KEY, "hex"), salt))) {
      if (item.kind === "rows" && item.rows.some((row) => row.includes("unfinished"))) return true;
    }
    return false;
  }

  it("are answered through the bridge", async () => {
    for (const command of READING) {
      const result = await run(...command);
      assert.equal(result.code, 0, `${command.join(" ")}: ${result.stderr}`);
      saysNoLibrary(result);
    }
    assert.equal((await run("mailbox", "retry", "all")).code, 0);
    assert.match((await run("audit")).stdout, /admin\.command +by=local:\w+.*mailbox retry/);
    const doctor = await run("doctor", "--json");
    assert.match(doctor.stdout, /embedded, UTF8/);
  });

  it("are answered when ten come at once", async () => {
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, index) => run(...(READING[index % READING.length] ?? []))),
    );
    for (const { code, stderr } of results) assert.deepEqual([code, stderr], [0, ""]);
  });

  it("back up the whole database as it is at one moment, and leave nothing else", async () => {
    const file = join(await temporaryDirectory("backup"), "backup");
    const { code, stdout, stderr } = await run("backup", file);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^\d+ rows written/);
    assert.equal(await wholeBackup(file), true);
    assert.deepEqual(
      (await readdir(place.data)).filter((name) => name.startsWith("copy")),
      [],
    );
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const again = await run("backup", file);
    assert.deepEqual([again.code, again.stderr.includes("exists already")], [1, true]);
  });

  for (const [what, command] of [
    ["restore", async () => ["restore", await emptyBackup()]],
    ["keys rotate-master", () => Promise.resolve(["keys", "rotate-master"])],
  ] as const) {
    it(`say that ${what} needs the bridge to be stopped`, async () => {
      const result = await run(...(await command()));
      assert.equal(result.code, 1);
      assert.match(result.stderr, /\(bridge, pid \d+\) is using .*: stop that one first/);
      saysNoLibrary(result);
    });
  }

  for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
    it(`keep nobody waiting when ${signal} meets one in its transaction, which is rolled back`, async () => {
      const command = await hold(place.data);
      command.kill(signal);
      const began = performance.now();
      assert.equal((await run("mailbox")).code, 0);
      const ms = performance.now() - began;
      assert.ok(ms < BOUND_MS, `the next command took ${ms} ms`);
      command.kill("SIGKILL");
      assert.equal(await isUnfinishedStored(), false);
    });
  }

  it("remove what a killed backup has left", async () => {
    const folder = await temporaryDirectory("backup");
    const copies = async (): Promise<string[]> =>
      (await readdir(place.data)).filter((name) => name.startsWith("copy-"));
    const args = [inCheckout("src/main.js"), "backup", join(folder, "backup"), "-c", place.config];
    const killed = spawn(process.execPath, args, { stdio: "ignore" });
    const exited = once(killed, "exit");
    await eventually("the copy to begin", async () => (await copies()).length > 0, { intervalMs: 1 });
    killed.kill("SIGKILL");
    await exited;
    const left = await readdir(folder);
    assert.deepEqual([(await copies()).length, left.length], [1, 1]);
    assert.match(left[0] ?? "", new RegExp(`^backup\\.[\\w-]+-${killed.pid ?? 0}-[0-9a-f]{16}\\.part$`));
    assert.equal((await run("backup", join(folder, "backup"))).code, 0);
    assert.deepEqual([await copies(), await readdir(folder)], [[], ["backup"]]);
  });

  it("find out that the bridge was killed under a backup, say so, and leave no file", async () => {
    const folder = await temporaryDirectory("backup");
    const backup = run("backup", join(folder, "backup"));
    await eventually(
      "the copy to begin",
      async () => (await readdir(place.data)).some((name) => name.startsWith("copy-")),
      {
        intervalMs: 1,
      },
    );
    await bridge.end();
    const result = await backup;
    if (result.code === 0) assert.equal(await wholeBackup(join(folder, "backup")), true);
    else {
      assert.match(result.stderr, /^matrix-agents: the embedded database in .* can't be used: the .*bridge/);
      assert.deepEqual(await readdir(folder), []);
    }
    saysNoLibrary(result);
    assert.deepEqual(
      (await readdir(place.data)).filter((name) => name.startsWith("copy")),
      [],
    );
  });

  it("of a killed bridge open the database themselves, and the next bridge serves again", async () => {
    assert.equal((await lstat(join(place.data, SOCKET))).isSocket(), true, "the killed bridge has left its socket");
    assert.deepEqual(await run("mailbox").then(({ code, stderr }) => [code, stderr]), [0, ""]);
    bridge = await startBridge(place);
    await eventually("the socket of this bridge", async () => (await run("mailbox")).code === 0);
  });

  it("wait for a bridge that is starting", async () => {
    await bridge.end("SIGTERM");
    bridge = spawnBridge(place.config);
    await eventually(
      "the bridge to take its data",
      async () => (await readdir(place.data)).includes("matrix-agents.lock"),
      {
        intervalMs: 1,
      },
    );
    bridge.child.kill("SIGSTOP");
    const commands = [["mailbox"], ["fingerprints"]].map((command) => {
      const child = spawn(process.execPath, [inCheckout("src/main.js"), ...command, "-c", place.config]);
      let said = "";
      child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
      return { said: () => said, exited: once(child, "exit") };
    });
    for (const { said } of commands) {
      await eventually("the command to say that it waits", () => /waiting for the bridge \(pid \d+\)/.test(said()));
    }
    bridge.child.kill("SIGCONT");
    for (const { said, exited } of commands) assert.deepEqual(await exited, [0, null], said());
  });

  it("and a bridge that is stopping both end well", async () => {
    const commands = Array.from({ length: 6 }, () => run("mailbox"));
    await bridge.end("SIGTERM");
    for (const { code, stderr } of await Promise.all(commands)) assert.equal(code, 0, stderr);
    assert.deepEqual((await readdir(place.data)).sort(), ["database", "master.key"]);
    bridge = await startBridge(place);
  });

  it("say where there is nothing any more when the data folder was moved, and ask the bridge in its new place", async () => {
    const moved = join(place.folder, "moved");
    // A bridge that writes while its database is elsewhere has lost it.
    bridge.child.kill("SIGSTOP");
    await rename(place.data, moved);
    const lost = await run("mailbox");
    assert.equal(lost.code, 1);
    assert.match(lost.stderr, /there is no database in .*data yet/);
    saysNoLibrary(lost);
    await rename(moved, place.data);
    bridge.child.kill("SIGCONT");
    const found = await run("mailbox");
    assert.equal(found.code, 0, found.stderr);
  });
});

describe("a data folder with a very long path", () => {
  it("serves commands all the same", async () => {
    const parent = join(await temporaryDirectory("long"), "a".repeat(100), "b".repeat(100));
    const place = await installation({ parent });
    const bridge = await startBridge(place);
    try {
      const { code, stderr } = await runCommand(["mailbox", "-c", place.config]);
      assert.deepEqual([code, stderr], [0, ""]);
    } finally {
      await bridge.end();
    }
  });
});

describe("the socket of a bridge that another user runs", { skip: !isRoot && "takes root" }, () => {
  let place: Installation;
  let bridge: Bridge;

  before(async () => {
    place = await installation({ owner: AGENTS });
    bridge = await startBridge(place, AGENTS);
  });
  after(() => bridge.end());

  const as = (uid: number, ...args: string[]): Promise<CommandResult> =>
    runCommand([...args, "-c", place.config], "", { uid, env: { TMPDIR: "/tmp" } });

  it("belongs to that user alone", async () => {
    const { mode, uid } = await lstat(join(place.data, SOCKET));
    assert.deepEqual([(mode & 0o777).toString(8), uid], ["600", AGENTS]);
    assert.equal(((await stat(place.data)).mode & 0o777).toString(8), "700");
  });

  it("answers that user, and root, who leaves nothing behind", async () => {
    for (const uid of [AGENTS, 0]) {
      const { code, stderr } = await as(uid, "mailbox");
      assert.deepEqual([code, stderr], [0, ""], `uid ${uid}`);
    }
    const backup = await as(0, "backup", join(await temporaryDirectory("backup"), "backup"));
    assert.equal(backup.code, 0, backup.stderr);
    const owners = await Promise.all(
      (await readdir(place.data, { recursive: true })).map(async (name) => (await lstat(join(place.data, name))).uid),
    );
    assert.deepEqual(new Set(owners), new Set([AGENTS]));
  });

  it("refuses everybody else, even where the folder lets them in", async () => {
    for (const path of [place.folder, place.data, place.config, join(place.folder, "registration.yaml")]) {
      await chmod(path, (await stat(path)).isDirectory() ? 0o755 : 0o644);
    }
    const refused = await as(STRANGER, "mailbox");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /belongs to \w+/);
    saysNoLibrary(refused);
    const script = `require("node:net").createConnection(process.argv[1]).on("error", (error) => console.log(error.code))
      .on("connect", () => console.log("connected"))`;
    const child = spawn(process.execPath, ["-e", script, join(place.data, SOCKET)], { uid: STRANGER, gid: STRANGER });
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    assert.equal(said.toString().trim(), "EACCES");
  });
});
