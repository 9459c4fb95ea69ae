import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { dump, load } from "js-yaml";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import type { Message } from "../support/timeline.ts";
import type { User } from "../support/user.ts";

describe("a backup", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;
  let file: string;

  before(async () => {
    deployment = await startDeployment({
      database: "postgres",
      extraConfig: { encryption: { verification: "accept" } },
    });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
    file = join(deployment.settings.directory, "backup");
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    await alice.verify({ userId: agent, roomId });
    assert.deepEqual(await alice.finishVerification(true), { done: true });
    await eventually("the agent to be verified", () => alice.isVerified(agent));
    await alice.waitMessage({ roomId, sender: agent, where: ({ body }) => body.includes("by itself") });
  });
  after(() => deployment.stop());

  async function ask(body: string): Promise<Message> {
    const question = await alice.sendText({ roomId, body });
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.ok(answer.body.includes(body), answer.body);
    assert.equal(answer.encrypted, true);
    assert.equal(answer.shield?.colour ?? "none", "none");
    return answer;
  }

  async function deviceIds(): Promise<string[]> {
    return (await alice.deviceTrust(agent)).map(({ deviceId }) => deviceId);
  }

  async function loseDatabase(): Promise<void> {
    const database = openPostgres(deployment.settings.database ?? "", silentLogger());
    await database.execute("drop schema public cascade; create schema public");
    await database.close();
  }

  it("is made beside the running bridge, and holds no unsealed word", async () => {
    await ask("my favourite colour is teal");
    const { code, stdout, stderr } = await deployment.command(["backup", file]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^\d+ rows written to .*master key/);
    assert.doesNotMatch(await readFile(file, "latin1"), /teal|agent_demo/);
    assert.equal((await deployment.command(["backup", file])).code, 1, "it is there already");
    const nowhere = await deployment.command(["backup", join(`${file}.nowhere`, "backup")]);
    assert.match(nowhere.stderr, /nowhere.backup can't be written: there is no folder /);
    assert.doesNotMatch(nowhere.stderr, /\.part/);
    const made = (await deployment.command(["audit"])).stdout.match(/backup\.made/g);
    assert.equal(made?.length, 1, "only a backup that could begin is in the log");
  });

  it("restores a lost database, with new devices of the same identity, and the conversations before", async () => {
    await ask("this is said after the backup");
    const [device] = await deviceIds();
    assert.match((await deployment.command(["restore", file, "--force"])).stderr, /a bridge is running/);
    await deployment.stopBridge("kill");
    await loseDatabase();

    const refused = await deployment.command(["restore", file]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, new RegExp(`${agent}.*--new-devices`));
    const { code, stdout, stderr } = await deployment.command(["restore", file, "--new-devices"]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /agents get new devices|1 agent gets a new device/);
    assert.match((await deployment.command(["restore", file, "--new-devices"])).stderr, /not empty/);

    await deployment.startBridge();
    const answer = await ask("what did I say before?");
    assert.match(answer.body, /teal/);
    assert.equal(await alice.isVerified(agent), true);
    await eventually("one device, and another than before", async () => {
      const devices = await deviceIds();
      return devices.length === 1 && devices[0] !== device;
    });
    const chain = await deployment.command(["audit", "--verify"]);
    assert.equal(chain.code, 0, chain.stdout);
    const log = await deployment.command(["audit"]);
    for (const kind of ["agent.joined", "verification.done", "backup.made", "backup.restored"]) {
      assert.ok(log.stdout.includes(kind), `${kind} in ${log.stdout}`);
    }
  });

  it("of a bridge that was stopped and not used since moves to the other database with its devices", async () => {
    await deployment.stopBridge();
    const moved = `${file}.moved`;
    assert.equal((await deployment.command(["backup", moved])).code, 0);
    const before = await deviceIds();
    const config = load(await readFile(deployment.files.config, "utf8")) as Record<string, unknown>;
    delete config["database"];
    await writeFile(deployment.files.config, dump(config), { mode: 0o600 });
    const { code, stdout, stderr } = await deployment.command(["restore", moved]);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stdout, /new devices/);

    await deployment.startBridge();
    const answer = await ask("and in the other database, what did I say before?");
    assert.match(answer.body, /what did I say before/);
    assert.deepEqual(await deviceIds(), before);

    // The database has been used meanwhile: the same backup proves nothing any more.
    await deployment.stopBridge();
    const again = await deployment.command(["restore", moved, "--force"]);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /--new-devices/);
  });
});
