import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { load } from "js-yaml";
import type { RegistrationFile } from "../../src/config/registration.ts";
import type { Synapse } from "../../src/quickstart/synapse.ts";
import { startBridge, type RunningBridge } from "../support/bridge.ts";
import { runCommand, type CommandResult } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { DOMAIN, startHomeserver } from "../support/homeserver.ts";
import { inCheckout } from "../support/paths.ts";
import { type Process, startProcess } from "../support/process.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { startUser, type User } from "../support/user.ts";

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

  it("init asks for what it can't find out, and writes nothing then", async () => {
    const { code, stderr } = await init("--homeserver", synapse.url, "--yes", "--no-wait");
    assert.equal(code, 2);
    assert.match(stderr, /init needs --domain, or a terminal/);
    await assert.rejects(stat(folder));
  });

  it("init writes the files, says what to change, and waits until Synapse reaches it", async () => {
    const waiting: Process = await startProcess({
      command: process.execPath,
      args: [
        ...[inCheckout("src/main.ts"), "init", "-c", config, "--yes"],
        ...["--homeserver", synapse.url, "--domain", DOMAIN, "--port", String(port)],
      ],
      env: { OLLAMA_HOST: "127.0.0.1:1" },
    });
    after(() => waiting.stop());
    const told = (): string => waiting.stdout.join("\n");
    await eventually("init to wait", () => told().includes("does not know this registration's as_token"), {
      timeoutMs: 60_000,
      instead: () => `${told()}\n${waiting.stderr.join("\n")}`,
    });
    assert.match(told(), /Synapse 1\.\d+\.\d+ at http.*people sign in at the homeserver/);
    assert.match(told(), /No Ollama at .*demo agent/);
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

  it("init again changes nothing unasked, and finds the bridge reached", async () => {
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

  it("init again changes what it is asked to, and keeps tokens and comments", async () => {
    const [before, registered] = await Promise.all([config, registration].map((file) => readFile(file, "utf8")));
    const moved = await init("--port", String(port + 1), "--ollama", "http://127.0.0.1:1", "--no-wait");
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

  it("init refuses what is no homeserver, a wrong option, another domain's server", async () => {
    const closed = await init("--homeserver", `http://127.0.0.1:${await freePort()}`);
    assert.equal(closed.code, 1);
    assert.match(closed.stderr, /nothing listens at/);
    const odd = await init("--port", "0");
    assert.equal(odd.code, 2);
    assert.match(odd.stderr, /--port: expected a whole number/);
  });
});
