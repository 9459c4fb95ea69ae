import assert from "node:assert/strict";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import type { User } from "../support/user.ts";

describe("the master key", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;
  let path: string;

  before(async () => {
    deployment = await startDeployment({ database: "postgres" });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    path = join(deployment.settings.directory, "data", "master.key");
  });
  after(() => deployment.stop());

  async function ask(body: string, room = roomId): Promise<string> {
    const question = await alice.sendText({ roomId: room, body });
    const answer = await alice.waitMessage({ roomId: room, sender: agent, after: question });
    assert.equal(answer.content["msgtype"], "m.text");
    return answer.body;
  }

  it("is replaced while the bridge runs, which goes on with its devices, and with the new key after a restart", async () => {
    await ask("before");
    const former = await readFile(path, "utf8");
    const fingerprints = (await deployment.command(["fingerprints", "demo"])).stdout;
    const { code, stdout, stderr } = await deployment.command(["keys", "rotate-master"]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\d+ keys? (is|are) now wrapped by it/);
    assert.ok(!stdout.includes(former.trim()) && !stdout.includes((await readFile(path, "utf8")).trim()));
    assert.notEqual(await readFile(path, "utf8"), former);
    await ask("after");
    const other = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(other, agent);
    await ask("in a new room", other);
    await deployment.stopBridge();
    await deployment.startBridge();
    await ask("after a restart");
    assert.equal((await deployment.command(["fingerprints", "demo"])).stdout, fingerprints);
    const audit = await deployment.command(["audit", "--json"]);
    assert.match(audit.stdout, /"master_key\.rotated"/);
  });

  it("that is wrong or missing prevents the bridge's start, and nothing is overwritten", async () => {
    await deployment.stopBridge();
    const kept = `${path}.kept`;
    await rename(path, kept);
    const gone = await deployment.command(["start"]);
    assert.equal(gone.code, 2);
    assert.match(gone.stderr, /master\.key with the master key is missing.*put the key back from your backup/s);
    await assert.rejects(stat(path), "no new one was made");
    await writeFile(path, await readFile(`${path}.1`, "utf8"), { mode: 0o600 });
    const another = await deployment.command(["start"]);
    assert.equal(another.code, 2);
    assert.match(another.stderr, /holds another master key than the one this database was made with/);
    assert.equal(await readFile(path, "utf8"), await readFile(`${path}.1`, "utf8"));
    await rename(kept, path);
    await deployment.startBridge();
    await ask("and with the right one");
  });
});
