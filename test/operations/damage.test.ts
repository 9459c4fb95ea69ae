import assert from "node:assert/strict";
import { cp, mkdir, readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import type { Finding } from "../../src/doctor/check.ts";
import type { Result } from "../../src/doctor/report.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { writeBridgeConfig } from "../support/bridge.ts";
import { runCommand } from "../support/command.ts";
import { layEmbedded } from "../support/embedded.ts";
import { eventually } from "../support/eventually.ts";
import { inCheckout } from "../support/paths.ts";
import { startProcess } from "../support/process.ts";
import { startHomeserver } from "../support/homeserver.ts";
import type { Synapse } from "../../quickstart/synapse.ts";
import { freePort } from "../support/free-port.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** The number of files and folders in a folder that may not be there yet. */
async function countFiles(folder: string): Promise<number> {
  return (await readdir(folder, { recursive: true }).catch(() => [])).length;
}

/** Output that no person should see. */
const RAW =
  /^ {4}at |\bwasm\b|\berrno\b|Aborted|\b[A-Z]\w+Error\b|matrix-agents-doctor-|pglite|\[object |\bundefined\b/m;

/** The ways in which the files of a database are damaged: each changes the folder, and PostgreSQL or we say what is wrong. */
const DAMAGES: Readonly<
  Record<string, { readonly spoil: (folder: string) => Promise<unknown>; readonly says: RegExp }>
> = {
  "no PG_VERSION": { spoil: (folder) => rm(join(folder, "PG_VERSION")), says: /PG_VERSION is missing/ },
  "the PG_VERSION of another PostgreSQL": {
    spoil: (folder) => writeFile(join(folder, "PG_VERSION"), "12\n"),
    says: /PostgreSQL says: .*version 12/,
  },
  "an empty PG_VERSION": { spoil: (folder) => truncate(join(folder, "PG_VERSION")), says: /PostgreSQL/ },
  "no folder base": { spoil: (folder) => rm(join(folder, "base"), { recursive: true }), says: /PostgreSQL/ },
  "no pg_control": { spoil: (folder) => rm(join(folder, "global/pg_control")), says: /PostgreSQL/ },
  "a pg_control that is cut off": {
    spoil: (folder) => truncate(join(folder, "global/pg_control"), 100),
    says: /PostgreSQL/,
  },
  "a pg_control of zeros": {
    spoil: (folder) => writeFile(join(folder, "global/pg_control"), Buffer.alloc(8_192)),
    says: /PostgreSQL/,
  },
  "no write-ahead log": { spoil: (folder) => rm(join(folder, "pg_wal"), { recursive: true }), says: /PostgreSQL/ },
  "tables that are cut off": {
    async spoil(folder) {
      const base = join(folder, "base");
      for (const name of await readdir(base, { recursive: true })) {
        if (/\/\d+$/.test(name)) await truncate(join(base, name), 100);
      }
    },
    says: /PostgreSQL|damaged/,
  },
};

describe("an embedded database whose files are damaged", () => {
  let synapse: Synapse;
  let whole: string;
  let folder: string;
  let config: string;
  let data: string;

  before(async () => {
    synapse = await startHomeserver();
    folder = await temporaryDirectory("damaged");
    const homeserver = { url: synapse.url, serverName: synapse.serverName };
    ({ config } = await writeBridgeConfig({ directory: folder, homeserver, port: await freePort() }));
    data = join(folder, "data");
    whole = join(await temporaryDirectory("whole"), "database");
    await layEmbedded(whole);
    const database = await openEmbedded(whole);
    await migrate(database, silentLogger());
    await database.close();
  });
  after(() => synapse.stop());

  async function lay(spoil: (folder: string) => Promise<unknown>): Promise<void> {
    await rm(data, { recursive: true, force: true });
    await mkdir(data, { mode: 0o700 });
    await cp(whole, join(data, "database"), { recursive: true });
    await writeFile(join(data, "master.key"), `${"ab".repeat(32)}\n`, { mode: 0o600 });
    await spoil(join(data, "database"));
  }

  async function findings(check: string): Promise<readonly Finding[]> {
    const { stdout, stderr } = await runCommand(["doctor", "-c", config, "--json"]);
    assert.doesNotMatch(`${stdout}${stderr}`, RAW);
    const { checks } = JSON.parse(stdout) as { checks: Result[] };
    return checks.find((result) => result.check === check)?.findings ?? assert.fail(stdout);
  }

  for (const [what, { spoil, says }] of Object.entries(DAMAGES)) {
    it(`with ${what} is said to be damaged by doctor and by every command, with what to do`, async () => {
      await lay(spoil);
      const [finding] = await findings("database");
      assert.ok(finding?.status === "bad", JSON.stringify(finding));
      assert.match(finding.text, says);
      assert.match(
        finding.mend,
        new RegExp(`mv ${data}/database ${data}/database\\.damaged && matrix-agents restore FILE`),
      );
      const [key] = await findings("master-key");
      assert.match(key?.text ?? "", /exists, but the database can't be read/);
      for (const command of [["mailbox"], ["backup", join(folder, "never")], ["keys", "rotate-master"], ["start"]]) {
        const { code, stdout, stderr } = await runCommand([...command, "-c", config]);
        assert.equal(code, 1, `${command.join(" ")}: ${stdout}${stderr}`);
        assert.match(stderr, /restore a backup/, command.join(" "));
        assert.doesNotMatch(stderr, RAW, command.join(" "));
        assert.doesNotMatch(stderr, /no database in/);
      }
    });
  }

  it("is replaced by a backup in the way that doctor says", async () => {
    await lay(() => Promise.resolve());
    const backup = join(folder, "backup");
    const made = await runCommand(["backup", backup, "-c", config]);
    assert.equal(made.code, 0, made.stderr);
    await (DAMAGES["no pg_control"] ?? assert.fail()).spoil(join(data, "database"));
    await rename(join(data, "database"), join(data, "database.damaged"));
    const restored = await runCommand(["restore", backup, "-c", config]);
    assert.equal(restored.code, 0, restored.stderr);
    assert.match(restored.stderr, /^matrix-agents: making the embedded database, which takes a moment$/m);
    assert.match((await findings("database"))[0]?.text ?? "", /^embedded/);
  });

  it("is not called damaged where the system gives the process too few files", async () => {
    await lay(() => Promise.resolve());
    const args = ["-c", 'ulimit -n 24; exec "$@"', "sh", process.execPath, inCheckout("src/main.js")];
    const command = await startProcess({ command: "sh", args: [...args, "mailbox", "-c", config] });
    assert.equal((await command.exited).code, 1);
    assert.match(command.stderr.join("\n"), /can't be used: too many files are open; raise the limit \(ulimit -n/);
    assert.doesNotMatch(command.stderr.join("\n"), /damaged|backup|PostgreSQL says/);
  });

  it("is made anew by the next start where the first one was killed while it made it", async () => {
    for (const files of [1, 500, 950]) {
      await rm(data, { recursive: true, force: true });
      const args = [inCheckout("src/main.js"), "start", "-c", config];
      const killed = await startProcess({ command: process.execPath, args });
      await eventually("it to make files", async () => (await countFiles(join(data, "database.new"))) >= files, {
        intervalMs: 1,
        timeoutMs: 60_000,
        instead: () => killed.stderr.join("\n"),
      });
      killed.kill("SIGKILL");
      await killed.exited;
      const [finding] = await findings("database");
      assert.equal(finding?.status, "unknown", JSON.stringify(finding));
      const next = await startProcess({ command: process.execPath, args });
      await eventually(
        "the next start to listen",
        () => next.stderr.some((line) => line.includes("listening for the homeserver")),
        {
          timeoutMs: 60_000,
          instead: () => next.stderr.join("\n"),
        },
      );
      assert.match(next.stderr[0] ?? "", /"making the embedded database, which takes a moment"/);
      assert.deepEqual(await next.stop({ signal: "SIGTERM" }), { code: 0, signal: null });
      assert.deepEqual((await readdir(data)).sort(), ["database", "master.key"]);
    }
  });

  it("is none yet where its folder is empty, and no command but a start makes one", async () => {
    await lay(async (database) => {
      await rm(database, { recursive: true });
      await mkdir(database, { mode: 0o700 });
    });
    assert.match((await findings("database"))[0]?.text ?? "", /there is no database yet/);
    for (const command of [["mailbox"], ["backup", join(folder, "never")], ["keys", "rotate-master"]]) {
      const { code, stderr } = await runCommand([...command, "-c", config]);
      assert.equal(code, 1);
      assert.match(stderr, /there is no database in .* yet: the first start of the bridge makes it/);
    }
    for (const file of [join(folder, "never"), config, folder, "/dev/null"]) {
      const { code, stderr } = await runCommand(["restore", file, "-c", config]);
      assert.equal(code, 1);
      assert.match(stderr, /can't be read|no backup/);
    }
    assert.deepEqual(await readdir(join(data, "database")), []);
  });
});
