import assert from "node:assert/strict";
import { chmod, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { dump, load } from "js-yaml";
import type { RegistrationFile } from "../../src/config/registration.ts";
import { unknown, type Finding } from "../../src/doctor/check.ts";
import { CHECKS, CONFIG_CHECK, ROUNDTRIP_CHECK } from "../../src/doctor/checks.ts";
import type { Result } from "../../src/doctor/report.ts";
import type { Synapse } from "../../quickstart/synapse.ts";
import { startBridge, type RunningBridge } from "../support/bridge.ts";
import { runCommand, type CommandResult } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { DOMAIN, startHomeserver } from "../support/homeserver.ts";
import { inCheckout } from "../support/paths.ts";
import { type Process, startProcess } from "../support/process.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { startUser, type User } from "../support/user.ts";

interface Examination extends CommandResult {
  readonly results: readonly Result[];
}

describe("from nothing to a healthy bridge", () => {
  let folder: string;
  let config: string;
  let registration: string;
  let synapse: Synapse;
  let synapseDirectory: string;
  let port: number;
  let bridge: RunningBridge | undefined;
  const users: User[] = [];

  before(async () => {
    folder = join(await temporaryDirectory("init"), "agents");
    config = join(folder, "config.yaml");
    registration = join(folder, "registration.yaml");
    synapseDirectory = await temporaryDirectory("synapse");
    port = await freePort();
    synapse = await startHomeserver({ directory: synapseDirectory });
  });
  after(async () => {
    await Promise.all(users.map((user) => user.stop()));
    await bridge?.stop();
    await synapse.stop();
  });

  function init(...args: string[]): Promise<CommandResult> {
    return runCommand(["init", "-c", config, ...args]);
  }

  async function restartSynapse(): Promise<void> {
    await synapse.stop();
    synapse = await startHomeserver({ directory: synapseDirectory, port: synapse.port, registrations: [registration] });
  }

  it("init asks for settings that it can't find out, and writes nothing then", async () => {
    const { code, stderr } = await init("--homeserver", synapse.url, "--yes", "--no-wait");
    assert.equal(code, 2);
    assert.match(stderr, /init needs --domain, or a terminal/);
    await assert.rejects(stat(folder));
  });

  it("init on a terminal writes the files, says what to change, and waits until Synapse reaches it", async () => {
    const waiting: Process = await startProcess({
      command: "python3",
      args: [
        ...[inCheckout("test/support/pseudo_terminal.py"), "200", "50"],
        ...[process.execPath, inCheckout("src/main.js"), "init", "-c", config],
        ...["--homeserver", synapse.url, "--domain", DOMAIN, "--port", String(port)],
      ],
      env: { OLLAMA_HOST: "127.0.0.1:1" },
    });
    after(() => waiting.stop());
    let shown = "";
    waiting.onOutput((chunk) => (shown += chunk.toString()));
    const told = (): string => shown.replaceAll("\r\n", "\n");
    await eventually("init to ask for an Ollama", () => told().includes("demo agent alone"), { instead: told });
    waiting.type("\r");
    await eventually("init to wait", () => told().includes("does not know this registration's as_token"), {
      timeoutMs: 60_000,
      instead: () => `${told()}\n${waiting.stderr.join("\n")}`,
    });
    assert.match(told(), /Synapse 1\.\d+\.\d+ at http.*people sign in at the homeserver/);
    assert.match(told(), /No Ollama answers at http.*\n.*demo agent alone/);
    assert.match(told(), /app_service_config_files:\n {2}- ".*registration\.yaml"/);
    for (const file of [config, registration]) assert.equal((await stat(file)).mode & 0o777, 0o600);
    for (const path of [folder, join(folder, "data")]) assert.equal((await stat(path)).mode & 0o777, 0o700);

    await restartSynapse();
    assert.deepEqual(await waiting.exited, { code: 0, signal: null });
    assert.match(told(), /The homeserver knows the registration and reaches this machine \(\d+ ms\)/);
  });

  it("a first answer comes", async () => {
    bridge = await startBridge({ config });
    const alice = await startUser({ kind: "js-sdk", synapse, localpart: "alice" });
    users.push(alice);
    const agent = `@agent_demo:${DOMAIN}`;
    const roomId = await alice.createRoom({ direct: true, encrypted: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    const question = await alice.sendText({ roomId, body: "hello" });
    await alice.waitMessage({
      roomId,
      sender: agent,
      after: question,
      where: ({ body }) => body.includes("demo agent"),
    });
  });

  it("a second init changes nothing by itself, and finds that the bridge is reached", async () => {
    const files = async (): Promise<string[]> =>
      Promise.all([config, registration].map((file) => readFile(file, "utf8")));
    const before = await files();
    const { code, stdout } = await init();
    assert.equal(code, 0, stdout);
    assert.match(stdout, /config\.yaml stays as it is/);
    assert.match(stdout, /registration\.yaml stays as it is/);
    assert.match(stdout, /reaches this machine/);
    assert.deepEqual(await files(), before);
  });

  function doctor(...args: string[]): Promise<Examination> {
    return doctorOn(config, ...args);
  }

  async function doctorOn(file: string, ...args: string[]): Promise<Examination> {
    const result = await runCommand(["doctor", "-c", file, "--json", ...args]);
    const { checks } = JSON.parse(result.stdout) as { checks: Result[] };
    return { ...result, results: checks };
  }

  function found(results: readonly Result[], check: string): readonly Finding[] {
    return results.find((result) => result.check === check)?.findings ?? assert.fail(`no check ${check}`);
  }

  function assertBad(results: readonly Result[], check: string, words: RegExp): void {
    const findings = found(results, check);
    assert.ok(
      findings.some((finding) => finding.status === "bad" && words.test(`${finding.text} ${finding.mend}`)),
      JSON.stringify(findings),
    );
  }

  it("doctor finds no fault in a healthy stack, beside the running bridge", async () => {
    const { code, stdout, results } = await doctor();
    assert.deepEqual(
      results.map(({ check }) => check),
      [CONFIG_CHECK, ...CHECKS.map(({ name }) => name)],
    );
    for (const { check, findings } of results) {
      for (const finding of findings) assert.equal(finding.status, "good", `${check}: ${finding.text}`);
    }
    assert.equal(code, 0, stdout);
    const shown = await runCommand(["doctor", "-c", config]);
    assert.equal(shown.code, 0, shown.stdout);
    assert.match(shown.stdout, /^✓ ping +it works both ways, in \d+ ms/m);
    assert.doesNotMatch(shown.stdout, /^[✗–]/m);
    const { as_token, hs_token } = load(await readFile(registration, "utf8")) as RegistrationFile;
    for (const secret of [as_token, hs_token]) assert.ok(!shown.stdout.includes(secret));
  });

  it("doctor --roundtrip holds an encrypted conversation, and removes its user", async () => {
    const secret = join(synapseDirectory, "registration_shared_secret");
    const { code, results, stderr } = await doctor("--roundtrip", "--shared-secret-file", secret);
    const [finding] = found(results, ROUNDTRIP_CHECK);
    assert.match(
      finding?.text ?? "",
      /@agent_demo:example\.test joined .* answered in \d+ ms; @doctor-\w+:example\.test is deactivated/,
    );
    assert.equal(code, 0, stderr);
    const [user = ""] = /@doctor-\w+/.exec(finding?.text ?? "") ?? [];
    const profile = await fetch(`${synapse.url}/_matrix/client/v3/profile/${encodeURIComponent(`${user}:${DOMAIN}`)}`);
    assert.equal(profile.status, 404, "the account is deactivated, and its data are erased");

    const wrong = join(folder, "wrong-secret");
    await writeFile(wrong, "wrong", { mode: 0o600 });
    const refused = await doctor("--roundtrip", "--shared-secret-file", wrong);
    assert.equal(refused.code, 1);
    assertBad(
      refused.results,
      ROUNDTRIP_CHECK,
      /the shared secret is not this homeserver's.*registration_shared_secret/,
    );
  });

  it("a second init changes only the requested settings, and keeps tokens and comments", async () => {
    const [before, registered] = await Promise.all([config, registration].map((file) => readFile(file, "utf8")));
    const ollama = createServer((_request, response) => response.end('{"models":[]}'));
    const ollamaPort = await freePort();
    await new Promise<void>((listening) => ollama.listen(ollamaPort, "127.0.0.1", listening));
    const ollamaUrl = `http://127.0.0.1:${ollamaPort}`;
    const moved = await init("--port", String(port + 1), "--ollama", ollamaUrl, "--no-wait");
    ollama.closeAllConnections();
    ollama.close();
    assert.equal(moved.code, 0, moved.stderr);
    assert.match(moved.stdout, /Changed appservice\.port, providers\.ollama in/);
    assert.match(moved.stdout, /Changed url in .*its tokens stay/);
    const text = await readFile(config, "utf8");
    const comments = (of: string): string[] => of.split("\n").filter((line) => line.trim().startsWith("#"));
    assert.deepEqual(comments(text), comments(before ?? ""));
    const [old, fresh] = [registered ?? "", await readFile(registration, "utf8")].map(
      (file) => load(file) as RegistrationFile,
    );
    assert.deepEqual(fresh, { ...old, url: `http://127.0.0.1:${port + 1}` });
    assert.equal((await stat(registration)).mode & 0o777, 0o600);

    const back = await init("--port", String(port), "--no-wait");
    assert.equal(back.code, 0, back.stderr);
    assert.equal(await readFile(registration, "utf8"), registered);
    assert.ok((await readFile(config, "utf8")).startsWith((before ?? "").slice(0, 200)));
  });

  it("init refuses a URL without a homeserver, a wrong option, and another domain's server", async () => {
    const closed = await init("--homeserver", `http://127.0.0.1:${await freePort()}`);
    assert.equal(closed.code, 1);
    assert.match(closed.stderr, /nothing listens at/);
    const odd = await init("--port", "0");
    assert.equal(odd.code, 2);
    assert.match(odd.stderr, /--port: expected a whole number/);
  });

  /** The same bridge's files under another name, with changes. */
  async function variant(
    name: string,
    changes: { readonly settings?: object; readonly registration?: (from: RegistrationFile) => object },
  ): Promise<string> {
    const settings = load(await readFile(config, "utf8")) as { appservice: object };
    const from = load(await readFile(registration, "utf8")) as RegistrationFile;
    const registered = changes.registration?.(from) ?? from;
    const file = join(folder, `${name}.yaml`);
    await writeFile(join(folder, `${name}-registration.yaml`), dump(registered), { mode: 0o600 });
    await writeFile(
      file,
      dump({
        ...settings,
        appservice: { ...settings.appservice, registration: `./${name}-registration.yaml`, port: await freePort() },
        data_dir: `./${name}-data`,
        ...changes.settings,
      }),
      { mode: 0o600 },
    );
    return file;
  }

  it("doctor finds a provider that is away, and files that others can read", async () => {
    await chmod(registration, 0o644);
    const { code, results } = await doctor();
    await chmod(registration, 0o600);
    assert.equal(code, 1);
    assertBad(results, "providers", /ollama at 127\.0\.0\.1:\d+/);
    assertBad(results, "files", /registration can be read by everybody chmod 600 .*registration\.yaml/);
    assert.deepEqual(
      results.filter(({ findings }) => findings.some(({ status }) => status === "bad")).map(({ check }) => check),
      ["files", "providers"],
    );
  });

  it("doctor distinguishes swapped tokens from a registration that the homeserver does not have", async () => {
    const swapped = await variant("swapped", {
      registration: (from) => ({ ...from, as_token: from.hs_token, hs_token: from.as_token }),
    });
    assertBad((await doctorOn(swapped)).results, "registration", /as_token and hs_token are swapped/);
    const fresh = await variant("fresh", {
      registration: (from) => ({ ...from, as_token: "a".repeat(64), hs_token: "b".repeat(64) }),
    });
    const { results } = await doctorOn(fresh);
    assertBad(results, "registration", /does not know the as_token/);
    assertBad(
      results,
      "ping",
      /does not know this registration's as_token: its copy has another one than ours, \/.*registration\.yaml/,
    );
    const renamed = await variant("renamed", { registration: (from) => ({ ...from, sender_localpart: "someone" }) });
    assertBad((await doctorOn(renamed)).results, "registration", /another sender_localpart/);
    const differing = await variant("differing", {
      registration: (from) => ({ ...from, hs_token: "c".repeat(64), rate_limited: true }),
      settings: { appservice: { registration: "./differing-registration.yaml", port } },
    });
    const different = await doctorOn(differing);
    assertBad(different.results, "bridge", /a bridge with another hs_token listens/);
    assertBad(different.results, "rate-limit", /rate_limited is not false/);
  });

  it("doctor finds a second bridge with the same registration, and agents of another bridge", async () => {
    const second = await variant("second", {});
    assertBad((await doctorOn(second)).results, "sole-bridge", /another bridge with this registration answers/);
  });

  it("a second bridge with the same registration waits, and takes no device from the first", async () => {
    const { as_token } = load(await readFile(registration, "utf8")) as RegistrationFile;
    const devices = async (): Promise<unknown> => {
      const url = `${synapse.url}/_matrix/client/v3/devices?user_id=${encodeURIComponent(`@agent_demo:${DOMAIN}`)}`;
      const answer = await fetch(url, { headers: { authorization: `Bearer ${as_token}` } });
      const all = ((await answer.json()) as { devices: { device_id: string }[] }).devices;
      return all.map(({ device_id }) => device_id);
    };
    const before = await devices();
    const args = [inCheckout("src/main.js"), "start", "-c", await variant("beside", {})];
    const second = await startProcess({ command: process.execPath, args });
    after(() => second.stop());
    await eventually(
      "it to wait",
      () => second.stderr.some((line) => line.includes("once the other bridge has stopped")),
      {
        timeoutMs: 60_000,
        instead: () => second.stderr.join("\n"),
      },
    );
    assert.deepEqual(await second.stop({ signal: "SIGTERM" }), { code: 0, signal: null });
    assert.doesNotMatch(second.stderr.join("\n"), /"ready"|new device/);
    assert.deepEqual(await devices(), before);
  });

  it("doctor finds a device that is gone", async () => {
    const agent = `@agent_demo:${DOMAIN}`;
    const { as_token } = load(await readFile(registration, "utf8")) as RegistrationFile;
    const asAgent = async (method: string, path: string): Promise<Record<string, unknown>> => {
      const response = await fetch(
        `${synapse.url}/_matrix/client/v3/devices${path}?user_id=${encodeURIComponent(agent)}`,
        { method, headers: { authorization: `Bearer ${as_token}` }, ...(method === "DELETE" ? { body: "{}" } : {}) },
      );
      return (await response.json()) as Record<string, unknown>;
    };
    const { devices } = (await asAgent("GET", "")) as { devices: { device_id: string }[] };
    const [device] = devices;
    await asAgent("DELETE", `/${device?.device_id ?? ""}`);
    const { code, results } = await doctor();
    assert.equal(code, 1);
    assertBad(
      results,
      "devices",
      new RegExp(`device ${device?.device_id ?? ""} of ${agent} is gone .*keys new-device`),
    );
    assertBad(results, "cross-signing", /not signed/);
  });

  it("doctor says that the bridge is stopped, reads the embedded database, and changes nothing", async () => {
    await bridge?.stop();
    const before = await factsOf(join(folder, "data"));
    const { code, stdout, results } = await doctor();
    assert.equal(code, 1);
    assert.equal((JSON.parse(stdout) as { healthy: boolean }).healthy, false);
    assertBad(results, "bridge", /the bridge does not run start it: matrix-agents start/);
    assert.deepEqual(found(results, "ping"), [unknown("the bridge does not run, so no ping can reach it")]);
    for (const check of ["database", "migrations", "master-key", "namespace", "features"]) {
      assert.equal(found(results, check)[0]?.status, "good", JSON.stringify(found(results, check)));
    }
    assert.deepEqual(await factsOf(join(folder, "data")), before);
  });

  /** The files of a folder with all that a writer would change of them. */
  async function factsOf(of: string): Promise<string[]> {
    const entries = await readdir(of, { recursive: true });
    const facts = await Promise.all(entries.map((entry) => stat(join(of, entry))));
    return entries.map((entry, index) => {
      const { uid, mode, size, mtimeMs } = facts[index] ?? assert.fail();
      return `${entry} ${uid} ${mode} ${size} ${mtimeMs}`;
    });
  }

  it("doctor finds another program in the bridge's place, and another master key", async () => {
    const key = join(folder, "data", "master.key");
    const kept = await readFile(key, "utf8");
    await writeFile(key, `${"0".repeat(64)}\n`);
    const stranger = createServer((_request, response) => response.end("<h1>It works!</h1>"));
    await new Promise<void>((listening) => stranger.listen(port, "127.0.0.1", listening));
    const { results } = await doctor();
    stranger.close();
    stranger.closeAllConnections();
    assertBad(results, "bridge", /is no bridge|does not answer as a bridge/);
    assertBad(results, "master-key", /holds another master key/);
    await rm(key);
    assertBad((await doctor()).results, "master-key", /is missing.*backup/);
    await writeFile(key, kept, { mode: 0o600 });
  });

  it("doctor finds the homeserver stopped", async () => {
    await synapse.stop();
    const { code, results } = await doctor();
    assert.equal(code, 1);
    assertBad(results, "homeserver", /nothing listens at .*start the homeserver/s);
    assert.equal(found(results, "clock")[0]?.status, "unknown");
    assert.equal(found(results, "database")[0]?.status, "good");
  });
});
