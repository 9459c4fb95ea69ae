import assert from "node:assert/strict";
import { chmod, lstat, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { dump, load } from "js-yaml";
import { makeRegistration } from "../../../src/config/registration.ts";
import { runCommand, type CommandResult } from "../../support/command.ts";
import { layEmbedded } from "../../support/embedded.ts";
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/free-port.ts";
import { json, startModelServer } from "../../support/model-server.ts";
import { inCheckout } from "../../support/paths.ts";
import { type Process, startProcess } from "../../support/process.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

/** A bridge whose homeserver is not there: it listens, and waits. */
async function startLonely(more: Launch = {}): Promise<Process> {
  const bridge = await launch(more);
  await eventually(
    "the bridge to wait for its homeserver",
    () => {
      assert.equal(bridge.exit(), undefined, `${JSON.stringify(bridge.exit())}\n${said(bridge)}`);
      return bridge.stderr.some((line) => line.includes("waiting for the homeserver"));
    },
    { timeoutMs: 60_000 },
  );
  return bridge;
}

/** What the bridge has said, without the modules that it was told to name. */
function said({ stderr }: Process): string {
  return stderr.filter((line) => !line.startsWith("loaded ")).join("\n");
}

function portOf({ appservice }: Record<string, unknown>): unknown {
  return (appservice as { readonly port: unknown }).port;
}

interface Launch {
  readonly options?: readonly string[];
  readonly settings?: object;
  /** Of the registration. */
  readonly mode?: number;
  readonly folder?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Whether its database has still to be made. */
  readonly isNew?: boolean;
}

async function launch({ options = [], settings = {}, mode = 0o600, ...more }: Launch): Promise<Process> {
  const { folder = await temporaryDirectory("start"), env = {}, isNew = false } = more;
  const [port, homeserverPort] = [await freePort(), await freePort()];
  const config = {
    homeserver: { url: `http://127.0.0.1:${homeserverPort}`, domain: "example.org" },
    appservice: { port },
    logging: { format: "json" },
    providers: { demo: { type: "demo" } },
    agents: { demo: { provider: "demo" } },
    ...settings,
  };
  const registration = makeRegistration({ domain: "example.org", url: `http://127.0.0.1:${port}` });
  await writeFile(join(folder, "config.yaml"), dump(config), { mode: 0o600 });
  await writeFile(join(folder, "registration.yaml"), dump(registration), { mode: 0o600 });
  await chmod(join(folder, "registration.yaml"), mode);
  if (!isNew) await layEmbedded(join(folder, "data", "database"));
  return startProcess({
    command: process.execPath,
    args: [inCheckout("src/main.js"), "start", "-c", join(folder, "config.yaml"), ...options],
    env,
  });
}

describe("matrix-agents start", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`stops at ${signal}, though its homeserver is away, and exits with 0`, async () => {
      const bridge = await startLonely();
      assert.deepEqual(await bridge.stop({ signal }), { code: 0, signal: null });
      assert.ok(bridge.stderr.at(-1)?.includes('"stopped"'), bridge.stderr.at(-1));
      assert.deepEqual(bridge.stdout, []);
    });
  }

  it("says at the first signal that it stops, and ends at the second, while its database is made", async () => {
    const bridge = await launch({ isNew: true });
    const says = (words: string): boolean => bridge.stderr.some((line) => line.includes(words));
    const within = { timeoutMs: 60_000, instead: () => said(bridge) };
    await eventually("the database to be made", () => says("making the embedded database"), within);
    process.kill(bridge.pid, "SIGINT");
    await eventually("it to hear the signal", () => says('"stopping"'), within);
    assert.ok(!says("listening for the homeserver"), said(bridge));
    process.kill(bridge.pid, "SIGINT");
    assert.deepEqual(await bridge.exited, { code: 130, signal: null });
    assert.ok(!says("listening for the homeserver"), said(bridge));
  });

  it("says once why no homeserver answers at the address that it was given, and what to do", async () => {
    const other = await startModelServer();
    const bridge = await startLonely({
      settings: { homeserver: { url: other.url, domain: "example.org" } },
    });
    await eventually("it to ask again", () => other.requests.length > 8);
    await bridge.stop({ signal: "SIGTERM" });
    await other.close();
    const told = bridge.stderr.filter((line) => line.includes("waiting for the homeserver"));
    assert.equal(told.length, 1, told.join("\n"));
    assert.match(
      told[0] ?? "",
      /"reason":"the server at .* is no homeserver \(HTTP 404, application\/json\): use the address and port/,
    );
    assert.doesNotMatch(bridge.stderr.join("\n"), /"stack"|M_UNKNOWN/);
  });

  it("survives SIGHUP while its homeserver is away, and reads its configuration again", async () => {
    const bridge = await startLonely();
    process.kill(bridge.pid, "SIGHUP");
    await eventually("the configuration to be read", () =>
      bridge.stderr.some((line) => line.includes("the configuration is unchanged")),
    );
    assert.deepEqual(await bridge.stop({ signal: "SIGTERM" }), { code: 0, signal: null });
  });

  it("is told by matrix-agents reload to read its configuration again, after showing what would change", async () => {
    const folder = await temporaryDirectory("reload");
    const config = join(folder, "config.yaml");
    const reload = (...options: readonly string[]): Promise<CommandResult> =>
      runCommand(["reload", ...options, "-c", config]);
    const bridge = await startLonely({ folder });
    const before = load(await readFile(config, "utf8")) as Record<string, unknown>;
    const change = (more: object): Promise<void> => writeFile(config, dump({ ...before, ...more }));

    const same = await reload();
    assert.deepEqual([same.code, same.stdout.trim()], [0, "the running bridge has this configuration already"]);

    await change({ turns: { max_queued: 7 } });
    const shown = await reload("--preview");
    assert.deepEqual([shown.code, shown.stdout.trim()], [0, "would be applied without a restart: turns"]);
    const applied = await reload();
    assert.deepEqual([applied.code, applied.stdout.trim()], [0, "applied: turns"]);
    const noted = await runCommand(["audit", "-c", config]);
    assert.match(noted.stdout, /config\.reloaded.*turns/);
    assert.match(noted.stdout, /local:/);

    await change({ turns: { max_queued: 8 }, leases: { expire_after: "1m" } });
    for (const options of [["--preview"], []]) {
      const { code, stdout, stderr } = await reload(...options);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(
        stderr,
        /only a restart applies leases\.expire_after; these wait for it: turns; the running bridge keeps/,
      );
    }

    await change({ turns: { max_queued: 0 } });
    const wrong = await reload();
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /turns\.max_queued: found 0/);

    await change({ turns: { max_queued: 7 } });
    await chmod(join(folder, "registration.yaml"), 0o644);
    const open = await reload("--preview");
    assert.equal(open.code, 2);
    assert.match(open.stderr, /the bridge finds mistakes, and keeps its configuration: secrets are not safe/);
    await chmod(join(folder, "registration.yaml"), 0o600);

    assert.equal((await lstat(join(folder, "data", `control-${String(portOf(before))}.sock`))).mode & 0o777, 0o600);
    await bridge.stop({ signal: "SIGKILL" });
    const gone = await reload();
    assert.deepEqual([gone.code, gone.stdout], [1, ""]);
    assert.match(gone.stderr, /no bridge runs with the data folder/);
    const preview = await reload("--preview");
    assert.equal(preview.code, 0);
    assert.match(preview.stdout, /the next start takes .*, which has no mistakes/);
  });

  it("loads the client of a provider only when one is configured, and lets it connect from then on", async (test) => {
    const model = await startModelServer();
    test.after(() => model.close());
    model.on("/v1/models", json({ data: [] }));
    const folder = await temporaryDirectory("start");
    const bridge = await startLonely({
      folder,
      env: { NODE_OPTIONS: `--import ${inCheckout("test/support/tell-loaded.mjs")}` },
    });
    const clients = (): readonly string[] =>
      ["openai", "@anthropic-ai/sdk"].filter((name) =>
        bridge.stderr.some((line) => line.startsWith(`loaded node_modules/${name}/`)),
      );
    assert.deepEqual(clients(), []);
    const file = join(folder, "config.yaml");
    const config = load(await readFile(file, "utf8")) as { readonly providers: object };
    const openai = { type: "openai", url: `${model.url}/v1`, discover: true };
    await writeFile(file, dump({ ...config, providers: { ...config.providers, openai } }));
    process.kill(bridge.pid, "SIGHUP");
    await eventually("the new provider to be asked for its models", () =>
      model.requests.some(({ path }) => path === "/v1/models"),
    );
    assert.deepEqual(clients(), ["openai"]);
    assert.ok(!bridge.stderr.some((line) => line.includes("was refused")), said(bridge));
    await bridge.stop({ signal: "SIGTERM" });
  });

  it("refuses secrets that others can read, and names the command that fixes it", async () => {
    const bridge = await launch({ mode: 0o644 });
    assert.deepEqual(await bridge.exited, { code: 2, signal: null });
    assert.match(
      bridge.stderr.join("\n"),
      /registration can be read by everybody; mend it with: chmod 600 \S+registration\.yaml/,
    );
    assert.match(bridge.stderr.join("\n"), /--insecure-permissions/);
  });

  it("still starts with --insecure-permissions, and says so in the log", async () => {
    // It comes as far as its database.
    const database = { url: "postgres://u:p@127.0.0.1:1/d" };
    const bridge = await launch({ options: ["--insecure-permissions"], settings: { database }, mode: 0o644 });
    assert.deepEqual(await bridge.exited, { code: 1, signal: null });
    assert.ok(bridge.stderr.some((line) => line.includes("can be read by everybody; starting anyway")));
  });
});
