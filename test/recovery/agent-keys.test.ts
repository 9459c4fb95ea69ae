import assert from "node:assert/strict";
import { cp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openEmbedded } from "../../src/database/embedded.ts";
import { isBackedUp } from "../support/backed-up.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { layEmbedded } from "../support/embedded.ts";
import { eventually } from "../support/eventually.ts";
import type { User } from "../support/user.ts";

describe("an agent's keys", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;
  let recoveryKey: string;

  before(async () => {
    // Its database is lost, copied and altered here, as an admin would: by its folder.
    deployment = await startDeployment({
      database: "embedded",
      extraConfig: { encryption: { forget_keys_after: "14d" } },
    });
    alice = await deployment.user("js-sdk", "alice");
    await alice.setOnlySignedDevices(true);
    agent = deployment.agent("demo");
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
  });
  after(() => deployment.stop());

  async function ask(body: string): Promise<string> {
    const question = await alice.sendText({ roomId, body });
    await answered(question, body);
    return question;
  }

  async function answered(question: string, body: string): Promise<void> {
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.ok(answer.body.includes(body), answer.body);
    assert.equal(answer.shield?.colour ?? "none", "none");
  }

  interface Identity {
    readonly devices: readonly string[];
    readonly names: readonly (string | undefined)[];
    readonly masterKey: string | undefined;
  }

  /** The agent's devices and master key as the server shows them to others. */
  async function identity(): Promise<Identity> {
    const answer = await alice.request<{
      device_keys: Record<string, Record<string, { unsigned?: { device_display_name?: string } }>>;
      master_keys: Record<string, { keys: Record<string, string> }>;
    }>("POST", "/v3/keys/query", { device_keys: { [agent]: [] } });
    const devices = answer.device_keys[agent] ?? {};
    return {
      devices: Object.keys(devices),
      names: Object.values(devices).map(({ unsigned }) => unsigned?.device_display_name),
      masterKey: Object.values(answer.master_keys[agent]?.keys ?? {})[0],
    };
  }

  /** Waits until the agent has another device than before, which its identity has signed, and Alice's client knows it. */
  async function replaced(before: Identity): Promise<void> {
    await eventually("a new device, signed", async () => {
      const { devices, masterKey } = await identity();
      if (devices.length !== 1 || devices[0] === before.devices[0]) return false;
      assert.equal(masterKey, before.masterKey);
      const trust = await alice.deviceTrust(agent);
      return (
        trust.length === 1 && trust.every(({ deviceId, signedByOwner }) => deviceId === devices[0] && signedByOwner)
      );
    });
  }

  /** Waits until the key of a message is in the agent's backup. */
  async function backedUp(eventId: string): Promise<void> {
    const room = encodeURIComponent(roomId);
    const event = await alice.request<{ content: { session_id: string } }>(
      "GET",
      `/v3/rooms/${room}/event/${encodeURIComponent(eventId)}`,
    );
    const sessionId = event.content.session_id;
    await eventually("the key to be in the backup", () => isBackedUp(deployment, { agent, roomId, sessionId }));
  }

  it("are backed up on the server, where another client of the same user reads them with the recovery key", async () => {
    const question = await ask("kept for later");
    await backedUp(question);
    await deployment.stopBridge();
    const shown = await deployment.command(["keys", "recovery-key", "demo"]);
    assert.equal(shown.code, 0, shown.stderr);
    recoveryKey = shown.stdout.trim();
    const { masterKey } = await identity();
    const again = await deployment.user("js-sdk", "agent_demo", {
      agent: { appserviceToken: deployment.files.asToken, recoveryKey },
    });
    assert.ok((await again.restoreBackup()) >= 2);
    assert.equal(await again.readEvent(roomId, question), "kept for later");
    const trust = await again.deviceTrust(agent);
    assert.ok(trust.every(({ signedByOwner }) => signedByOwner));
    assert.equal((await identity()).masterKey, masterKey);
    await again.request("POST", "/v3/logout", {});
    await again.stop();
  });

  it("are backed up again when somebody has started another backup, which does not get them", async () => {
    await deployment.startBridge();
    const url = `${deployment.synapse.url}/_matrix/client/v3/room_keys/version?user_id=${encodeURIComponent(agent)}`;
    const headers = { authorization: `Bearer ${deployment.files.asToken}`, "content-type": "application/json" };
    const foreign = { algorithm: "m.megolm_backup.v1.curve25519-aes-sha2", auth_data: { public_key: "A".repeat(43) } };
    const made = await fetch(url, { method: "POST", headers, body: JSON.stringify(foreign) });
    const { version } = (await made.json()) as { version: string };
    await alice.rotateSession(roomId);
    await ask("after another backup was begun");
    await eventually("a backup of our own with all keys", async () => {
      const current = (await (await fetch(url, { headers })).json()) as { version: string; count: number };
      return current.version !== version && current.count >= 3;
    });
    await deployment.stopBridge();
  });

  it("are shown as clients show them, from the database", async () => {
    const { code, stdout } = await deployment.command(["fingerprints", "demo"]);
    assert.equal(code, 0);
    const { devices, names, masterKey = "" } = await identity();
    assert.deepEqual([devices.length, names], [1, ["Demo (matrix-appservice-agents)"]]);
    assert.ok(stdout.includes(`device ${devices[0] ?? ""}`));
    assert.ok(stdout.replaceAll(" ", "").includes(`identity:${masterKey}`));
    assert.doesNotMatch(stdout, /[▀▄█]/, "no picture for a program that reads this");
    const onTerminal = await deployment.command(["fingerprints", "demo"], "", { terminal: true });
    assert.match(onTerminal.stdout, /[▀▄█]{10}/);
    assert.ok(onTerminal.stdout.includes("\u001b[47m"));
    const colourless = await deployment.command(["fingerprints", "demo"], "", {
      terminal: true,
      env: { NO_COLOR: "1" },
    });
    assert.match(colourless.stdout, /[▀▄█]{10}/);
    assert.ok(!colourless.stdout.includes("\u001b"));
  });

  it("survive the device: a new one has the same identity and the old keys", async () => {
    const before = await identity();
    const { code, stdout } = await deployment.command(["keys", "new-device", "demo"]);
    assert.equal(code, 0);
    assert.match(stdout, /when the bridge is started/);
    // Sent while the device is being replaced, under a key that only the old device got.
    const question = await alice.sendText({ roomId, body: "to the old device" });
    await deployment.startBridge();
    await answered(question, "to the old device");
    await replaced(before);
    await ask("to the new device");
  });

  it("survive the database: the identity comes back from the server, and so do the rooms and their keys", async () => {
    const before = await identity();
    await backedUp(await ask("before the loss"));
    await deployment.stopBridge("kill");
    // The name that earlier versions gave all devices: the bridge recognises it as the agent's own, and removes it.
    const [device = ""] = before.devices;
    const as = `user_id=${encodeURIComponent(agent)}`;
    const renamed = await fetch(`${deployment.synapse.url}/_matrix/client/v3/devices/${device}?${as}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${deployment.files.asToken}` },
      body: JSON.stringify({ display_name: "matrix-appservice-agents" }),
    });
    assert.equal(renamed.ok, true);
    const database = join(deployment.settings.directory, "data", "database");
    await rm(database, { recursive: true });
    await layEmbedded(database);
    const question = await alice.sendText({ roomId, body: "after the loss" });
    await deployment.startBridge();
    await answered(question, "after the loss");
    await replaced(before);
    await ask("and still there");
  });

  it("are not used again when the database went back in time", async () => {
    await deployment.stopBridge();
    const data = join(deployment.settings.directory, "data", "database");
    await cp(data, `${data}.old`, { recursive: true });
    await deployment.startBridge();
    await backedUp(await ask("after the backup was made"));
    const before = await identity();
    await deployment.stopBridge();
    await rm(data, { recursive: true });
    await cp(`${data}.old`, data, { recursive: true });
    const meanwhile = await alice.sendText({ roomId, body: "to the device that was" });
    await deployment.startBridge();
    await answered(meanwhile, "to the device that was");
    await replaced(before);
    await ask("after the backup was restored");
    const answers = alice.messages(roomId).filter(({ sender, body }) => sender === agent && body.includes("was made"));
    assert.equal(answers.length, 1, "an answered question is not answered again");
    assert.ok(
      deployment.bridge.logs().some((line) => line.msg.startsWith("this ghost's keys in the database are older")),
    );
  });

  it("are restored with the recovery key when the master key is lost too, and not without it", async () => {
    const before = await identity();
    await deployment.stopBridge();
    const data = join(deployment.settings.directory, "data");
    await rm(data, { recursive: true });
    await layEmbedded(join(data, "database"));
    await deployment.startBridge();
    await eventually("the agent to stand without its identity", () =>
      deployment.bridge.logs().some((line) => line.msg === "this ghost's device is not signed"),
    );
    const stranger = await identity();
    assert.equal(stranger.masterKey, before.masterKey);
    // People whose apps also send to unsigned devices are told once why there is no answer.
    const bob = await deployment.user("js-sdk", "bob");
    const theirs = await bob.createRoom({ direct: true, invite: [agent] });
    await bob.waitMember(theirs, agent);
    const first = await bob.sendText({ roomId: theirs, body: "who are you?" });
    const notice = await bob.waitMessage({ roomId: theirs, sender: agent, after: first });
    assert.equal(notice.content["msgtype"], "m.notice");
    assert.match(notice.body, /it can't prove its encryption identity/);
    const second = await bob.sendText({ roomId: theirs, body: "and now?" });
    await eventually("the second answer not to be sent", () =>
      deployment.bridge.logs().some((line) => line["event"] === second && line.msg === "the answer could not be sent"),
    );
    assert.equal(bob.messages(theirs).filter(({ sender }) => sender === agent).length, 1);
    await deployment.stopBridge();

    const wrong = await deployment.command(
      ["keys", "restore", "demo"],
      recoveryKey.replace(/\w$/, (last) => (last === "a" ? "b" : "a")),
    );
    assert.equal(wrong.code, 2);
    assert.ok(!wrong.stderr.includes(recoveryKey.slice(0, 20)));
    const { code, stderr } = await deployment.command(["keys", "restore", "demo"], recoveryKey);
    assert.equal(code, 0, stderr);
    await deployment.startBridge();
    await replaced(stranger);
    await ask("is it you?");
    const third = await bob.sendText({ roomId: theirs, body: "so it is you" });
    const answer = await bob.waitMessage({ roomId: theirs, sender: agent, after: third });
    assert.equal(answer.content["msgtype"], "m.text");
    assert.equal((await identity()).masterKey, before.masterKey);
  });

  it("are forgotten when they are old, in the database and in the backup, and the conversation goes on", async () => {
    await backedUp(await ask("to be forgotten"));
    await deployment.stopBridge();
    // The first load sees the contents of the backup; then three weeks go by.
    await deployment.startBridge();
    await ask("seen");
    await deployment.stopBridge();
    const database = await openEmbedded(join(deployment.settings.directory, "data", "database"));
    await database.query("update backed_up_keys set seen_at = now() - interval '20 days'");
    await database.query("update crypto_records set created_at = now() - interval '20 days'");
    const { count } = await database.query("select from backed_up_keys");
    await database.close();
    assert.ok(count > 0);
    const keys = async (): Promise<number> =>
      Number(/ (\d+) room keys?/.exec((await deployment.command(["keys", "backup", "demo"])).stdout)?.[1]);
    const before = await keys();
    await deployment.startBridge();
    await eventually("the old keys to be forgotten", () =>
      deployment.bridge.logs().some((line) => line.msg === "old room keys forgotten"),
    );
    await alice.rotateSession(roomId);
    await ask("all is new");
    await deployment.stopBridge();
    const left = await keys();
    assert.ok(left < before, `${left} of ${before}`);
    await deployment.startBridge();
  });

  it("are exported to a file and imported from it, under a passphrase", async () => {
    await backedUp(await ask("to be exported"));
    const file = join(deployment.settings.directory, "keys.txt");
    const full = await deployment.command(["keys", "export", "demo", file], "correct horse", { writesNothing: true });
    assert.equal(full.code, 1, full.stderr);
    assert.match(full.stderr, /^matrix-agents: .*keys\.txt can't be written: .*ulimit -f.*$/m);
    assert.doesNotMatch(full.stderr, /Help:/);
    await deployment.stopBridge();
    const exported = await deployment.command(["keys", "export", "demo", file], "correct horse");
    assert.equal(exported.code, 0, exported.stderr);
    assert.match(await readFile(file, "utf8"), /^-----BEGIN MEGOLM SESSION DATA-----/);
    const refused = await deployment.command(["keys", "import", "demo", file], "wrong");
    assert.equal(refused.code, 2);
    const imported = await deployment.command(["keys", "import", "demo", file], "correct horse");
    assert.equal(imported.code, 0, imported.stderr);
    const status = await deployment.command(["keys", "backup", "demo"]);
    assert.equal(status.code, 0, status.stdout);
    assert.match(status.stdout, /identity in secret storage, [1-9]\d* room keys? in backup/);
    await deployment.startBridge();
    await ask("still here?");
  });

  it("are never replaced except by the operator, who is first told which people that hurts", async () => {
    await deployment.stopBridge();
    const before = await identity();
    const refused = await deployment.command(["keys", "reset-identity", "demo"]);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /@alice:example\.test/);
    assert.match(refused.stderr, /nothing was done/);
    const done = await deployment.command(["keys", "reset-identity", "demo", "--yes"]);
    assert.equal(done.code, 0, done.stderr);
    await deployment.startBridge();
    await eventually("another identity, that has signed another device", async () => {
      const { devices, masterKey } = await identity();
      if (masterKey === before.masterKey || devices.length !== 1 || devices[0] === before.devices[0]) return false;
      const trust = await alice.deviceTrust(agent);
      return trust.length === 1 && trust.every(({ signedByOwner }) => signedByOwner);
    });
    await ask("do we know each other?");
    await deployment.stopBridge();
    const { masterKey } = await identity();
    const status = await deployment.command(["keys", "backup", "demo"]);
    assert.equal(status.code, 0, status.stdout);
    await deployment.startBridge();
    await ask("and after a restart?");
    assert.equal((await identity()).masterKey, masterKey, "once");
  });

  it("leave all actions on them in the audit log, in one whole chain", async () => {
    await deployment.stopBridge();
    const { code, stdout } = await deployment.command(["audit", "--json", "--since", "1d"]);
    assert.equal(code, 0);
    const rows = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    // The database was lost in between: its log does not have the entries from before.
    const kinds = new Set(rows.map(({ kind, command, what }) => [kind, command ?? what].filter(Boolean).join(" ")));
    for (const kind of [
      "device.new",
      "identity.reset",
      "keys.exported room_keys",
      "admin.command keys import",
      "admin.command keys reset-identity",
    ]) {
      assert.ok(kinds.has(kind), `${kind} in ${[...kinds].join(", ")}`);
    }
    const verified = await deployment.command(["audit", "--verify"]);
    assert.equal(verified.code, 0, verified.stdout);
    assert.match(verified.stdout, /^head: \d+:[0-9a-f]{64}$/m);
  });
});
