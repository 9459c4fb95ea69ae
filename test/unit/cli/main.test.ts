import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { open, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { dump, load } from "js-yaml";
import type { RegistrationFile } from "../../../src/config/registration.ts";
import type { CommandResult } from "../../support/command.ts";
import { CommandThread } from "../../support/command-thread.ts";
import { layEmbedded } from "../../support/embedded.ts";
import { freePort } from "../../support/free-port.ts";
import { inCheckout } from "../../support/paths.ts";
import { startProcess } from "../../support/process.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const CONFIG = {
  homeserver: { url: "http://127.0.0.1:8008", domain: "example.org" },
  appservice: { port: 9993 },
  logging: { format: "json" },
  providers: { demo: { type: "demo" } },
  agents: { demo: { provider: "demo" } },
};

/** A file that is always full; Linux has one. */
const FULL = "/dev/full";
const NO_FULL_DISK = !existsSync(FULL) && "there is no /dev/full";

const commands = new CommandThread();
after(() => commands.stop());

/** Runs a command to its end: all but `start`. */
async function run(args: readonly string[]): Promise<CommandResult> {
  const { code, stdout, stderr } = await commands.run(args);
  return { code, stdout: stdout.trimEnd(), stderr: stderr.trimEnd() };
}

/** Runs it in a process of its own. */
async function runProcess(args: readonly string[], cwd?: string): Promise<CommandResult> {
  const child = await startProcess({
    command: process.execPath,
    args: [inCheckout("src/main.js"), ...args],
    ...(cwd === undefined ? {} : { cwd }),
  });
  const { code } = await child.exited;
  return { code, stdout: child.stdout.join("\n"), stderr: child.stderr.join("\n") };
}

/** A folder with a config.yaml. */
async function folderWith(config: object = CONFIG): Promise<{ folder: string; config: string; registration: string }> {
  const folder = await temporaryDirectory("cli");
  const file = join(folder, "config.yaml");
  await writeFile(file, dump(config), { mode: 0o600 });
  return { folder, config: file, registration: join(folder, "registration.yaml") };
}

describe("matrix-agents", () => {
  it("ends quietly when nobody reads its output any more", async () => {
    const child = spawn(process.execPath, [inCheckout("src/main.js"), "help"], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    const [stderr] = await Promise.all([text(child.stderr), once(child, "close")]);
    assert.deepEqual([child.exitCode, stderr], [0, ""]);
  });

  for (const args of [["help"], ["completion", "bash"], ["--version"]]) {
    it(`${args.join(" ")} says in a line that its output can't be written`, { skip: NO_FULL_DISK }, async () => {
      await using full = await open(FULL, "w");
      const child = spawn(process.execPath, [inCheckout("src/main.js"), ...args], {
        stdio: ["ignore", full.fd, "pipe"],
      });
      const [stderr] = await Promise.all([text(child.stderr ?? assert.fail()), once(child, "close")]);
      assert.equal(stderr, "matrix-agents: the output can't be written: no space is left where it goes\n");
      assert.equal(child.exitCode, 1);
    });
  }

  it("ends with its exit code where it can't say why", { skip: NO_FULL_DISK }, async () => {
    await using full = await open(FULL, "w");
    const child = spawn(process.execPath, [inCheckout("src/main.js"), "strat"], { stdio: ["ignore", "pipe", full.fd] });
    assert.deepEqual(await once(child, "close"), [2, null]);
  });

  for (const args of [["doctor"], ["init", "--yes"], ["start"]]) {
    it(`${args.join(" ")} says that the current folder has been removed`, async () => {
      const folder = await temporaryDirectory("removed");
      const program = [process.execPath, inCheckout("src/main.js"), ...args];
      const shell = await startProcess({
        command: "sh",
        args: ["-c", 'rmdir "$PWD"; exec "$@"', "sh", ...program],
        cwd: folder,
      });
      assert.equal((await shell.exited).code, 1);
      assert.deepEqual(shell.stderr, [
        "matrix-agents: the current folder can't be used: it has been removed; go to another one",
      ]);
    });
  }

  it("ends with its exit code, and says on standard error why", async () => {
    const usage = await runProcess(["strat"]);
    assert.deepEqual([usage.code, usage.stdout], [2, ""]);
    assert.match(usage.stderr, /no command "strat"/);
    const failure = await runProcess(["check-config"], await temporaryDirectory("cli"));
    assert.deepEqual([failure.code, failure.stdout], [2, ""]);
    assert.match(failure.stderr, /config\.yaml/);
  });

  for (const args of [["help"], ["--help"], ["-h"], ["help", "--help"], ["help", "help"], ["help", "version"]]) {
    it(`${args.join(" ")} shows every command`, async () => {
      const { code, stdout } = await run(args);
      assert.equal(code, 0);
      for (const word of [
        "start",
        "generate-registration",
        "check-config",
        "mailbox",
        "keys",
        "verify",
        "fingerprints",
        "audit",
        "backup",
        "restore",
        "--config",
        "--force",
      ]) {
        assert.ok(stdout.includes(word), word);
      }
    });
  }

  for (const [args, words] of [
    [["keys", "export", "--help"], /^Usage:\n {2}matrix-agents keys export AGENT FILE$[^]*--secret-file FILE {5}\w/m],
    [["help", "health"], /^Usage: matrix-agents health \[options\]$[^]*--ready [^]*-c, --config FILE/m],
    [["audit", "-h"], /^Examples:\n {2}matrix-agents audit/m],
    [["start", "-h"], /--insecure-permissions/],
  ] as const) {
    it(`${args.join(" ")} shows the purpose and options of that command, and nothing of another`, async () => {
      const { code, stdout, stderr } = await run(args);
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, words);
      assert.doesNotMatch(stdout, /generate-registration|--force/);
    });
  }

  it("keys --help shows its commands, and no other", async () => {
    const { code, stdout } = await run(["keys", "--help"]);
    assert.equal(code, 0);
    assert.match(stdout, /keys export AGENT FILE/);
    assert.doesNotMatch(stdout, /mailbox|--insecure-permissions/);
  });

  for (const args of [["--version"], ["-v"], ["version"], ["doctor", "--version"]]) {
    it(`${args.join(" ")} prints the package's version`, async () => {
      const { version } = JSON.parse(await readFile(inCheckout("package.json"), "utf8")) as { version: string };
      assert.deepEqual(await run(args), { code: 0, stdout: version, stderr: "" });
    });
  }

  for (const [args, words] of [
    [[], /no command/],
    [["strat"], /no command "strat"; did you mean start\?\nHelp: matrix-agents help$/],
    [["strat", "-h"], /no command "strat"; did you mean start\?/],
    [["help", "strat"], /no command "strat"; did you mean start\?/],
    [["help", "keys", "bakcup"], /not "bakcup"; did you mean keys backup\?/],
    [["recovery-key", "llama"], /no command "recovery-key"; did you mean keys recovery-key\?/],
    [["key", "backup"], /no command "key"; did you mean keys\?/],
    [["hlep"], /no command "hlep"; did you mean help\?/],
    [["xyzzy"], /no command "xyzzy"\n/],
    [["start", "--prot", "1"], /^matrix-agents: start has no option --prot\nHelp: matrix-agents help start$/],
    [["init", "--prot", "1"], /init has no option --prot; did you mean --port\?\nHelp: matrix-agents help init$/],
    [["init", "--no-wiat"], /init has no option --no-wiat; did you mean --no-wait\?/],
    [["start", "-x"], /start has no option -x\n/],
    [["start", "--config"], /--config needs a value: --config FILE\n/],
    [["start", "-c"], /-c needs a value: -c FILE\n/],
    [["start", "--config="], /--config needs a value: --config FILE\n/],
    [["start", "--config", "--help"], /--config needs a value, and --help looks like an option; .*--config=--help\n/],
    [["doctor", "--json=yes"], /--json takes no value\nHelp: matrix-agents help doctor$/],
    [
      ["keys", "export", "llama", "x", "--secret-file"],
      /--secret-file needs a value.*\nHelp: matrix-agents help keys export$/,
    ],
    [["completion"], /completion needs one shell: bash, zsh or fish\nHelp: matrix-agents help completion$/],
    [["completion", "tcsh"], /completion needs one shell/],
    [["completion", "agents", "llama"], /completion needs one shell/],
    [["--json"], /no command given; --json is for doctor, tools and audit only/],
    [["-x"], /matrix-agents has no option -x\n/],
    [["--verison"], /matrix-agents has no option --verison; did you mean --version\?/],
    [["-c"], /-c needs a value: -c FILE\n/],
    [["-c", "config.yaml"], /no command given/],
    [["--help=yes", "doctor"], /--help takes no value/],
    [["--version=1"], /--version takes no value/],
    [["version", "doctor"], /version takes no arguments: doctor/],
    [["help", "start", "doctor"], /help takes one command: start doctor/],
    [["help", "keys", "backup", "llama"], /help takes one command: keys backup llama/],
    [["help", "--json"], /help has no option --json/],
    [["doctor", "extra"], /doctor takes no arguments: extra/],
    [["start", "keys"], /one command at a time, please: start keys/],
    [["backup", ""], /backup was given an empty argument/],
    [["adopt", ""], /adopt was given an empty argument/],
    [["keys", "export", "llama", ""], /keys export was given an empty argument/],
    [[""], /there is no command ""/],
    [["Doctor"], /no command "Doctor"; did you mean doctor\?/],
    [["--", "strat"], /no command "strat"; did you mean start\?/],
    [["constructor"], /no command "constructor"/],
    [["doctor", "--__proto__"], /doctor has no option --__proto__/],
    [["x".repeat(100_000)], /no command "x{1900}/],
    [["a\u001b[31mb\nc"], /no command "a\ufffd\[31mb\ufffdc"/],
    [["doctor", "--agent", "nobody"], /--agent is for doctor --roundtrip only/],
    [["doctor", "--shared-secret-file", "x"], /--shared-secret-file is for doctor --roundtrip only/],
    [["rooms", "--yes"], /--yes is for rooms unmark only/],
    [["audit", "--verify", "--since", "1d"], /--since is not for audit --verify/],
    [["keys", "bakcup"], /not "bakcup"; did you mean keys backup\?\nHelp: matrix-agents help keys$/],
    [["start", "check-config"], /one command at a time/],
    [["mailbox", "lsit"], /mailbox can list, retry and drop, not "lsit"/],
    [["mailbox", "list", "3"], /list takes no ids/],
    [["mailbox", "retry"], /name events/],
    [["mailbox", "drop", "3", "x"], /name events/],
    [["mailbox", "--force"], /--force is for generate-registration and restore only/],
    [["privacy", "withdraw"], /name a room and an agent/],
    [["privacy", "withdraw", "!a", "llama", "x"], /name a room and an agent/],
    [["privacy", "allow"], /privacy can list.* and withdraw, not "allow"/],
    [["privacy", "list", "!a"], /not "list !a"/],
    [["tools", "forget", "!a", "llama", "files", "read", "x"], /name a room, an agent, and perhaps a server/],
    [["tools", "forget", "all", "--json"], /tools forget takes no options/],
    [["tools", "sign-out", "ann"], /name a user by the whole id/],
    [["tools", "sign-out", "@ann:hs", "files", "x"], /name a user by the whole id/],
    [["tools", "sign-out", "all", "--json"], /tools sign-out takes no options/],
    [["tools", "files", "--decisions"], /--decisions takes no arguments/],
    [["pause", "llama", "mistral"], /name one agent: matrix-agents pause AGENT/],
    [["resume"], /name one agent: matrix-agents resume AGENT/],
    [["keys"], /keys can backup, recovery-key, new-device, restore/],
    [["keys", "burn"], /not "burn"/],
    [["keys", "new-device"], /needs an agent/],
    [["keys", "export", "llama"], /an agent and a file/],
    [["backup"], /name the file/],
    [["restore"], /name the file/],
    [["backup", "-"], /backup writes no standard output/],
    [["restore", "-"], /restore reads its file twice/],
    [["keys", "export", "llama", "-"], /keys export needs a file by its name, or \.\/-/],
    [["keys", "import", "llama", "-"], /keys import needs a file by its name, or \.\/-/],
    [["generate-registration", "-o", "-"], /writes no secrets to standard output/],
    [["restore", "a", "b"], /name the file/],
    [["backup", "x", "--new-devices"], /--new-devices is for restore only/],
    [["audit", "--since", "yesterday"], /--since needs a date/],
    [["audit", "--head", `1:${"0".repeat(64)}`], /--head is for audit --verify only/],
    [["audit", "--verify", "--head", "1"], /--head needs a head/],
    [["mailbox", "--since", "1d"], /--since is for audit only/],
    [["mailbox", "--secret-file", "x"], /--secret-file is for keys restore, keys export and keys import only/],
    [["keys", "reset-identity"], /needs an agent/],
    [["verify", "--yes"], /--yes is for init, rooms, keys reset-identity and keys seal-existing only/],
    [["mailbox", "--insecure-permissions"], /--insecure-permissions is for start only/],
    [["verify", "confirm"], /name one/],
    [["verify", "perhaps", "1"], /verify confirm ID/],
    [["fingerprints", "a", "b"], /one agent, or none/],
    [["keys", "backup", "--yes"], /--yes is for init, rooms, keys reset-identity/],
    [["keys", "rotate-master", "llama"], /keys rotate-master takes no arguments: llama/],
    [["mailbox", "-o", "x"], /--output is for generate-registration only/],
    [["--secret-file", "x", "keys"], /there is no command "x"/],
    [["start", "--force"], /--force is for generate-registration and restore only/],
  ] as const) {
    it(`refuses ${JSON.stringify(args)} in two lines, the second names the help, with exit code 2`, async () => {
      const { code, stdout, stderr } = await run(args);
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.match(stderr, words);
      const [error = "", help = "", ...more] = stderr.split("\n");
      assert.match(error, /^matrix-agents: \S/);
      assert.match(help, /^Help: matrix-agents help( [a-z-]+)*$/);
      assert.deepEqual(more, []);
      const shown = await run(help.replace(/^Help: matrix-agents /, "").split(" "));
      assert.deepEqual([shown.code, shown.stderr], [0, ""]);
    });
  }

  for (const command of ["start", "check-config", "generate-registration"]) {
    it(`${command} names every mistake in config.yaml, exits with 2, and has made nothing`, async () => {
      const { folder, config } = await folderWith({
        ...CONFIG,
        appservice: { port: 70_000 },
        database: "postgres://u:hunter2@h/d",
        agents: { demo: { provider: "demoo", temperature: "warm" } },
      });
      const inProcess = command === "start" ? runProcess : run;
      const { code, stdout, stderr } = await inProcess([command, "-c", config]);
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.ok(stderr.includes(config), stderr);
      assert.match(stderr, /appservice\.port: found 70000; expected a whole number from 1 to 65535/);
      assert.match(stderr, /database: found a value that is not shown; expected settings/);
      assert.match(stderr, /agents\.demo\.provider: found "demoo" \(did you mean demo\?\); expected/);
      assert.match(stderr, /agents\.demo\.temperature: found "warm"; expected a number from 0 to 2/);
      assert.doesNotMatch(stderr, /hunter2|Usage|\n\s+at /);
      assert.deepEqual(await readdir(folder), ["config.yaml"]);
    });
  }

  it("takes config.yaml of the current folder, and says what to do where there is none", async () => {
    const { folder } = await folderWith();
    const registered = await runProcess(["generate-registration"], folder);
    assert.equal(registered.code, 0);
    assert.equal((await runProcess(["check-config"], folder)).code, 0);
    const { code, stderr } = await runProcess(["start"], await temporaryDirectory("cli"));
    assert.equal(code, 2);
    assert.match(stderr, /config\.yaml.*\n.*no such file.*`matrix-agents init` makes one/);
  });

  it("start and check-config need a registration that fits", async () => {
    const { config, registration } = await folderWith();
    for (const { code, stderr } of [
      await runProcess(["start", "-c", config]),
      await run(["check-config", "-c", config]),
    ]) {
      assert.equal(code, 2);
      assert.match(stderr, /no such file.*generate-registration/);
    }
    await writeFile(registration, "id: agents\n");
    const { code, stderr } = await runProcess(["start", "-c", config]);
    assert.equal(code, 2);
    assert.match(stderr, /as_token: found nothing/);
  });
});

describe("matrix-agents generate-registration", () => {
  it("writes a file that only its owner can read, and says how to add it to Synapse", async () => {
    const { folder, config, registration } = await folderWith();
    const { code, stdout, stderr } = await run(["generate-registration", "-c", config]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal((await stat(registration)).mode & 0o777, 0o600);
    assert.deepEqual((await readdir(folder)).sort(), ["config.yaml", "registration.yaml"]);

    const written = load(await readFile(registration, "utf8")) as RegistrationFile;
    assert.equal(written.url, "http://127.0.0.1:9993");
    assert.ok(!stdout.includes(written.as_token) && !stdout.includes(written.hs_token));

    // The part for homeserver.yaml is the YAML that Synapse reads.
    const lines = stdout.split("\n");
    const start = lines.indexOf("app_service_config_files:");
    assert.deepEqual(load(lines.slice(start, start + 2).join("\n")), { app_service_config_files: [registration] });
    const flags = lines.slice(lines.indexOf("experimental_features:")).join("\n");
    assert.deepEqual(load(flags), {
      experimental_features: { msc2409_to_device_messages_enabled: true, msc3202_transaction_extensions: true },
    });
    assert.equal((await run(["check-config", "-c", config])).code, 0);
  });

  it("overwrites nothing without --force", async () => {
    const { folder, config, registration } = await folderWith();
    await writeFile(registration, "mine\n", { mode: 0o644 });
    const refused = await run(["generate-registration", "-c", config]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /exists already and is left as it is; --force/);
    assert.equal(await readFile(registration, "utf8"), "mine\n");
    assert.deepEqual((await readdir(folder)).sort(), ["config.yaml", "registration.yaml"]);

    assert.equal((await run(["generate-registration", "-c", config, "--force"])).code, 0);
    assert.match(await readFile(registration, "utf8"), /as_token: [0-9a-f]{64}/);
    // Synapse may read it through its group; others no longer can.
    assert.equal((await stat(registration)).mode & 0o777, 0o640);
    assert.deepEqual((await readdir(folder)).sort(), ["config.yaml", "registration.yaml"]);
  });

  it("of several at once lets one write", async () => {
    const { config, registration } = await folderWith();
    const ended = await Promise.all([1, 2, 3].map(() => runProcess(["generate-registration", "-c", config])));
    assert.deepEqual(ended.map(({ code }) => code).sort(), [0, 1, 1]);
    assert.match(await readFile(registration, "utf8"), /as_token: [0-9a-f]{64}/);
  });

  it("writes to the file and for the address that it is given", async () => {
    const { folder, config } = await folderWith();
    const output = join(folder, "other file.yaml");
    const url = "https://bridge.example.org/agents/";
    const { code, stdout } = await run(["generate-registration", "-c", config, "-o", output, "--url", url]);
    assert.equal(code, 0);
    assert.match(stdout, /The bridge itself reads .*registration\.yaml/);
    const written = load(await readFile(output, "utf8")) as RegistrationFile;
    assert.equal(written.url, "https://bridge.example.org/agents");
  });

  for (const [bind, url] of [
    ["0.0.0.0", "http://127.0.0.1:1234"],
    ["::", "http://127.0.0.1:1234"],
    ["::1", "http://[::1]:1234"],
    ["bridge.internal", "http://bridge.internal:1234"],
  ] as const) {
    it(`knows the address at which Synapse reaches a bridge that listens on ${bind}`, async () => {
      const { config, registration } = await folderWith({ ...CONFIG, appservice: { bind, port: 1234 } });
      assert.equal((await run(["generate-registration", "-c", config])).code, 0);
      assert.equal((load(await readFile(registration, "utf8")) as RegistrationFile).url, url);
    });
  }

  it("refuses a wrong --url and a folder that does not exist", async () => {
    const { folder, config } = await folderWith();
    const wrong = await run(["generate-registration", "-c", config, "--url", "127.0.0.1:9993"]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--url: expected a URL/);
    const nowhere = await run(["generate-registration", "-c", config, "-o", join(folder, "no", "r.yaml")]);
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.stderr, /can't be written: there is no folder /);
    assert.deepEqual(await readdir(folder), ["config.yaml"]);
  });
});

describe("matrix-agents start that can't", () => {
  const taken = createServer();
  let port: number;
  before(async () => {
    await new Promise<void>((listening) => taken.listen(0, "127.0.0.1", listening));
    const address = taken.address();
    assert.ok(typeof address === "object" && address !== null);
    ({ port } = address);
  });
  after(() => {
    taken.close();
  });

  async function startWith(settings: object): Promise<CommandResult> {
    const { folder, config } = await folderWith({ ...CONFIG, ...settings });
    await layEmbedded(join(folder, "data", "database"));
    assert.equal((await run(["generate-registration", "-c", config])).code, 0);
    return runProcess(["start", "-c", config]);
  }

  it("listen for monitoring says which setting to change", async () => {
    const { code, stderr } = await startWith({ monitoring: { enabled: true, port } });
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^matrix-agents: monitoring\\.port: another program listens on port ${port}`, "m"));
  });

  it("listen on its port says which setting to change", async () => {
    const { code, stderr } = await startWith({ appservice: { port } });
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`appservice\\.port: another program listens on port ${port}`));
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  it("because data_dir is a file says so", async () => {
    const { folder, config } = await folderWith();
    assert.equal((await run(["generate-registration", "-c", config])).code, 0);
    await writeFile(join(folder, "data"), "", { mode: 0o600 });
    // It begins as a backup does.
    const backup = join(folder, "backup");
    await writeFile(backup, `matrix-agents backup 1\n${"x".repeat(32)}`);
    for (const command of [["start"], ["mailbox"], ["restore", backup], ["keys", "rotate-master"]]) {
      const { code, stderr } = await runProcess([...command, "-c", config]);
      assert.equal(code, 1, stderr);
      assert.match(stderr, new RegExp(`${folder}/data is a file, not a folder`));
      assert.doesNotMatch(stderr, /^ +at |exists already/m);
    }
    const { stdout } = await runProcess(["doctor", "-c", config]);
    assert.match(stdout, /✗ +the bridge can't write into .*: it is a file, not a folder\n +→ move it away/);
    assert.match(stdout, /✗ database .*is a file, not a folder\n +→ move it away/);
  });

  it("reach its database says so, without the password", async () => {
    // No PostgreSQL is there: the server hangs up at once.
    taken.on("connection", (socket) => socket.destroy());
    const { code, stderr } = await startWith({ database: { url: `postgres://u:hunter2@127.0.0.1:${port}/d` } });
    assert.equal(code, 1);
    assert.match(stderr, /the database can't be used: \S/);
    assert.doesNotMatch(stderr, /hunter2|\n\s+at /);
  });
});

describe("matrix-agents start", () => {
  it("shuts its process in before it loads anything that could open a connection", async () => {
    const { config } = await folderWith();
    const { stderr } = await startProcess({
      command: process.execPath,
      args: ["--import", inCheckout("test/support/tell-loaded.mjs"), inCheckout("src/main.js"), "start", "-c", config],
    }).then(async (child) => child.exited.then(() => child));
    const loaded = stderr.flatMap((line) => (line.startsWith("loaded ") ? [line.slice("loaded ".length)] : []));
    const before = loaded.slice(0, loaded.indexOf("src/cli/run-bridge.ts"));
    assert.deepEqual(
      before.filter(
        (path) =>
          !/^src\/(main\.js|(cli\/.*|observability\/(described-error|operator-error|retryable))\.ts)$/.test(path),
      ),
      ["src/config/near-name.ts", "src/documents/reader-program.ts", "src/egress/guard.ts"],
    );
    assert.ok(loaded.length > before.length + 20, loaded.join("\n"));
  });

  it("ends after an uncaught error, and prints nothing of the data attached to it", async () => {
    const { config } = await folderWith({ ...CONFIG, appservice: { port: await freePort() } });
    assert.equal((await run(["generate-registration", "-c", config])).code, 0);
    const child = await startProcess({
      command: process.execPath,
      args: ["--import", inCheckout("test/support/uncaught.mjs"), inCheckout("src/main.js"), "start", "-c", config],
      env: { ...process.env, SAID: "quagga" },
    });
    assert.equal((await child.exited).code, 1);
    const text = [...child.stdout, ...child.stderr].join("\n");
    assert.match(text, /"level":60.*no such thing: .*an uncaught fault ends the process/);
    assert.doesNotMatch(text, /quagga/);
  });

  it("ends though a helper thread of V8 never does", async () => {
    const { config } = await folderWith({ ...CONFIG, appservice: { port: await freePort() } });
    assert.equal((await run(["generate-registration", "-c", config])).code, 0);
    const child = await startProcess({
      command: "python3",
      args: [
        inCheckout("test/support/stopped_helpers.py"),
        process.execPath,
        "--import",
        inCheckout("test/support/uncaught.mjs"),
        inCheckout("src/main.js"),
        "start",
        "-c",
        config,
      ],
      env: { ...process.env, SAID: "quagga", WAITS_FOR_A_LINE: "yes" },
    });
    const { code } = await child.exited;
    const text = [...child.stdout, ...child.stderr].join("\n");
    assert.equal(code, 1, text);
    assert.match(text, /an uncaught fault ends the process/);
  });
});
