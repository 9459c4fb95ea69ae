import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { silentLogger } from "../../src/observability/log.ts";
import type { Synapse } from "../../quickstart/synapse.ts";
import { writeBridgeConfig } from "../support/bridge.ts";
import { runCommand, type CommandResult } from "../support/command.ts";
import { layEmbedded } from "../support/embedded.ts";
import { freePort } from "../support/free-port.ts";
import { startHomeserver } from "../support/homeserver.ts";
import { inCheckout } from "../support/paths.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const run = promisify(execFile);

/** A file system of the command's own, which the command finds in a state of these; `$0` is its folder. */
const STATES = {
  full: { after: 'cat /dev/zero > "$0/filling" 2> "$0/filling"; true', says: /the disk is full.*make room there/ },
  "read-only": { after: 'mount -o remount,ro "$0"', says: /the file system is read-only; mount it writable/ },
} as const;

/** Makes the file system, runs the command, and then lists the files in it after a line of its own. */
function script(state: keyof typeof STATES, prepare: string): string {
  return `mount -t tmpfs -o size=64k,mode=0700 tmpfs "$0" && { ${prepare}; } && { ${STATES[state].after}; } || exit 99
"$@"; code=$?; echo LEFT; ls -A "$0"; exit $code`;
}

/** Whether this user may mount file systems that only a process of theirs sees. */
async function mayMount(): Promise<boolean> {
  const [program, ...args] = [...NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", await temporaryDirectory("mount")];
  return run(program, args).then(
    () => true,
    () => false,
  );
}

const NAMESPACE = process.getuid?.() === 0 ? ["unshare", "-m"] : ["unshare", "-rm"];
const skip = !(await mayMount()) && "this system lets this user mount nothing";

describe("a file that the system can't write", { skip }, () => {
  let synapse: Synapse;
  let folder: string;
  let place: string;
  let config: string;
  let backup: string;
  let port: number;

  before(async () => {
    synapse = await startHomeserver();
    folder = await temporaryDirectory("file-faults");
    place = join(folder, "place");
    await mkdir(place);
    port = await freePort();
    const homeserver = { url: synapse.url, serverName: synapse.serverName };
    ({ config } = await writeBridgeConfig({ directory: folder, homeserver, port }));
    await layEmbedded(join(folder, "data", "database"));
    const database = await openEmbedded(join(folder, "data", "database"));
    await migrate(database, silentLogger());
    await database.close();
    backup = join(folder, "backup");
    const made = await runCommand(["backup", backup, "-c", config]);
    assert.equal(made.code, 0, made.stderr);
  });
  after(() => synapse.stop());

  async function tryOn(
    state: keyof typeof STATES,
    args: readonly string[],
    prepare = "true",
  ): Promise<CommandResult & { readonly left: readonly string[] }> {
    const command = [process.execPath, inCheckout("src/main.js"), ...args];
    const [program = "", ...rest] = [...NAMESPACE, "sh", "-c", script(state, prepare), place, ...command];
    const { code, stdout, stderr } = await run(program, rest).then(
      (said) => ({ code: 0, ...said }),
      (error: unknown) => error as { code: number; stdout: string; stderr: string },
    );
    const [said = "", listed = ""] = stdout.split("LEFT\n");
    return { code, stdout: said, stderr, left: listed.split("\n").filter((name) => name !== "" && name !== "filling") };
  }

  /** Another configuration of the same bridge. */
  async function configOf(name: string, settings: object): Promise<string> {
    const directory = join(folder, name);
    const homeserver = { url: synapse.url, serverName: synapse.serverName };
    const files = await writeBridgeConfig({ directory, homeserver, port, extraConfig: { ...settings } });
    return files.config;
  }

  for (const [name, argsIn, prepare] of [
    [
      "config.yaml",
      () => [
        "init",
        "--yes",
        "--homeserver",
        synapse.url,
        "--domain",
        synapse.serverName,
        "-c",
        join(place, "config.yaml"),
      ],
    ],
    ["a registration", () => ["generate-registration", "-c", config, "--output", join(place, "registration.yaml")]],
    ["a backup", () => ["backup", join(place, "backup"), "-c", config]],
    [
      "a new master key",
      async () => [
        "keys",
        "rotate-master",
        "-c",
        await configOf("rotated", {
          data_dir: join(folder, "data"),
          encryption: { master_key_file: join(place, "master.key") },
        }),
      ],
      () => `cp ${folder}/data/master.key "$0"`,
    ],
    [
      "a first master key",
      async () => [
        "start",
        "-c",
        await configOf("first-key", { encryption: { master_key_file: join(place, "master.key") } }),
      ],
    ],
    ["a first database", async () => ["start", "-c", await configOf("first", { data_dir: join(place, "data") })]],
    [
      "a restored database",
      async () => [
        "restore",
        backup,
        "-c",
        await configOf("restored", {
          data_dir: join(place, "data"),
          encryption: { master_key_file: join(folder, "data", "master.key") },
        }),
      ],
    ],
  ] as readonly (readonly [string, () => readonly string[] | Promise<readonly string[]>, (() => string)?])[]) {
    for (const state of ["full", "read-only"] as const) {
      it(`as ${name} on a ${state} disk ends the command with 1, in words, and leaves nothing`, async () => {
        const before = prepare?.();
        const { code, stderr, left } = await tryOn(state, await argsIn(), before);
        assert.equal(code, 1, stderr);
        const said = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
        const [last = ""] = said.slice(-1);
        assert.match(last, /^matrix-agents: .*can't be (written|used): /, stderr);
        assert.match(last, STATES[state].says);
        assert.doesNotMatch(stderr, /Help:|^ +at |\berrno\b|undefined/m);
        const allowed = before === undefined ? [] : ["master.key"];
        // A folder may be made on a full disk.
        assert.deepEqual(
          left.filter((file) => file !== "data"),
          allowed,
        );
      });
    }
  }

  it("or can't read ends the command with 1, with what it is", async () => {
    const secrets = ["doctor", "--roundtrip", "--shared-secret-file"];
    for (const [args, words] of [
      [[...secrets, join(folder, "nowhere")], /nowhere can't be read: there is no such file/],
      [[...secrets, folder], /can't be read: it is a folder, not a file/],
      [[...secrets, `${config}/x`], /can't be read: .*config\.yaml is a file, not a folder/],
      [["restore", join(folder, "nowhere")], /nowhere can't be read: there is no such file/],
      [
        ["init", "--yes", "--ca-file", join(folder, "nowhere"), "-c", join(folder, "new.yaml")],
        /nowhere can't be read/,
      ],
      [["init", "--yes", "-c", folder], /can't be read: it is a folder, not a file/],
      [["init", "--yes", "-c", "/dev/zero"], /can't be read: it is another file/],
    ] as const) {
      const { code, stderr } = await runCommand([...(args.includes("-c") ? args : [...args, "-c", config])]);
      assert.equal(code, 1, stderr);
      assert.match(stderr, words);
      assert.doesNotMatch(stderr, /Help:|^ +at /m);
    }
  });

  it("is no secret where it has no end", async () => {
    const args = ["doctor", "--roundtrip", "--shared-secret-file", "/dev/zero", "-c", config];
    const { code, stderr } = await runCommand(args);
    assert.equal(code, 2);
    assert.match(stderr, /\/dev\/zero is another file: it has more than 65536 bytes/);
    const settings = await runCommand(["check-config", "-c", "/dev/zero"]);
    assert.equal(settings.code, 2);
    assert.match(settings.stderr, /a file of more than 16777216 bytes/);
    await writeFile(join(folder, "settings"), "a".repeat(17 * 1024 * 1024));
    assert.equal((await runCommand(["check-config", "-c", join(folder, "settings")])).code, 2);
  });
});
