// The tests' own ground: the real services and clients that all others stand on.
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import pg from "pg";
import type { Synapse } from "../../quickstart/synapse.ts";
import { startBridge } from "../support/bridge.ts";
import { forEachDatabase } from "../support/databases.ts";
import { prepareDeployment } from "../support/deployment.ts";
import { eventually, NeverHappened } from "../support/eventually.ts";
import { DOMAIN, startHomeserver } from "../support/homeserver.ts";
import { startLateKeys } from "../support/late-keys.ts";
import { requestAs } from "../support/matrix-request.ts";
import { startPostgres } from "../support/postgres.ts";
import { startProcess } from "../support/process.ts";
import { startUser, type User } from "../support/user.ts";

describe("two people on a real Synapse", () => {
  let synapse: Synapse;
  let alice: User;
  let bob: User;
  before(async () => {
    synapse = await startHomeserver();
    [alice, bob] = await Promise.all([
      startUser({ kind: "js-sdk", synapse, localpart: "alice" }),
      startUser({ kind: "nio", synapse, localpart: "bob" }),
    ]);
  });
  after(async () => {
    await alice.stop();
    await bob.stop();
    await synapse.stop();
  });

  it("read each other in an encrypted direct chat", async () => {
    const roomId = await alice.createRoom({ direct: true, invite: [bob.userId] });
    await bob.join(roomId);
    await alice.waitMember(roomId, bob.userId);
    await bob.waitMember(roomId, alice.userId);

    const question = await alice.sendText({ roomId, body: "anybody there?", mentions: [bob.userId] });
    const heard = await bob.waitMessage({ roomId, sender: alice.userId });
    assert.equal(heard.eventId, question);
    assert.equal(heard.body, "anybody there?");
    assert.deepEqual(heard.content["m.mentions"], { user_ids: [bob.userId] });
    assert.equal(heard.encrypted, true);
    assert.equal(heard.wireContent["algorithm"], "m.megolm.v1.aes-sha2");
    assert.equal(heard.wireContent["body"], undefined);

    await bob.sendText({ roomId, body: "yes", replyTo: question });
    const answer = await alice.waitMessage({ roomId, sender: bob.userId, after: question });
    assert.equal(answer.body, "yes");
    assert.equal(answer.encrypted, true);
    assert.deepEqual(answer.wireContent["m.relates_to"], { "m.in_reply_to": { event_id: question } });
    assert.deepEqual(answer.shield, { colour: "red", reason: "unsigned_device" }, "nio does not cross-sign");

    const direct = await alice.request("GET", `/v3/user/${encodeURIComponent(alice.userId)}/account_data/m.direct`);
    assert.deepEqual(direct[bob.userId], [roomId]);
    const [device] = await bob.request<{ devices: object[] }>("GET", "/v3/devices").then(({ devices }) => devices);
    assert.ok(device);
    assert.deepEqual(await alice.deviceTrust(bob.userId), [{ deviceId: bob.deviceId, signedByOwner: false }]);
    assert.deepEqual(await alice.deviceTrust(alice.userId), [{ deviceId: alice.deviceId, signedByOwner: true }]);
  });

  for (const [kind, writer, reader] of [
    ["matrix-js-sdk", () => alice, () => bob],
    ["matrix-nio", () => bob, () => alice],
  ] as const) {
    it(`see edits, reactions and redactions by ${kind}, encrypted or not`, async () => {
      for (const encrypted of [true, false]) {
        const roomId = await writer().createRoom({ encrypted, invite: [reader().userId] });
        await reader().join(roomId);
        await writer().waitMember(roomId, reader().userId);

        const draft = await writer().sendText({ roomId, body: "draft" });
        assert.equal((await reader().waitMessage({ roomId })).encrypted, encrypted);
        await writer().edit(roomId, draft, "final");
        const final = await reader().waitMessage({ roomId, where: (message) => message.body === "final" });
        assert.equal(final.eventId, draft);
        assert.equal(final.content["body"], "draft");
        assert.equal(final.edits, 1);

        await writer().react(roomId, draft, "👍");
        const reaction = await reader().waitEvent({ roomId, where: (event) => event.type === "m.reaction" });
        assert.equal(reaction.encrypted, false);

        await writer().redact(roomId, draft);
        await eventually("the redaction", () => reader().messages(roomId)[0]?.redacted);
        assert.deepEqual(
          reader()
            .events(roomId)
            .filter((event) => event.decryptionError !== undefined),
          [],
        );
      }
    });
  }

  it("see who types and who has read messages", async () => {
    const roomId = await alice.createRoom({ invite: [bob.userId] });
    await bob.join(roomId);
    const eventId = await alice.sendText({ roomId, body: "read me" });
    await bob.waitMessage({ roomId });
    for (const [one, other] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const room = `/v3/rooms/${encodeURIComponent(roomId)}`;
      await one.request("PUT", `${room}/typing/${encodeURIComponent(one.userId)}`, { typing: true, timeout: 30_000 });
      await eventually("typing", () => other.typing(roomId).includes(one.userId));
      await one.request("PUT", `${room}/typing/${encodeURIComponent(one.userId)}`, { typing: false });
      await eventually("no typing", () => other.typing(roomId).length === 0);
      await one.request("POST", `${room}/receipt/m.read/${encodeURIComponent(eventId)}`, {});
      await eventually("the receipt", () => other.receipts(roomId).get(one.userId) === eventId);
    }
  });

  it("can refuse unsigned devices, which then can't read", async () => {
    const roomId = await alice.createRoom({ invite: [bob.userId] });
    await bob.join(roomId);
    await alice.waitMember(roomId, bob.userId);
    await alice.setOnlySignedDevices(true);
    const secret = await alice.sendText({ roomId, body: "for signed devices" });
    const unreadable = await bob.waitEvent({ roomId, where: (event) => event.eventId === secret });
    assert.equal(unreadable.type, "m.room.encrypted");
    assert.match(unreadable.decryptionError ?? "", /no session found/);
    await assert.rejects(bob.waitMessage({ roomId, timeoutMs: 200 }), (error: Error) => {
      assert.ok(error instanceof NeverHappened);
      assert.match(error.message, /no session found/);
      return true;
    });

    await alice.setOnlySignedDevices(false);
    await alice.rotateSession(roomId);
    await alice.sendText({ roomId, body: "for all" });
    assert.equal((await bob.waitMessage({ roomId })).body, "for all");
    const [first, second] = alice.messages(roomId);
    assert.notEqual(first?.wireContent["session_id"], second?.wireContent["session_id"]);
  });

  for (const [kind, reader] of [
    ["js-sdk", () => bob],
    ["nio", () => alice],
  ] as const) {
    it(`read a message late that came before its key from ${kind}`, async () => {
      const lateKeys = await startLateKeys(synapse.url);
      const writer = await startUser({ kind, synapse: { ...synapse, url: lateKeys.url }, localpart: `late-${kind}` });
      try {
        const roomId = await writer.createRoom({ invite: [reader().userId] });
        await reader().join(roomId);
        await writer.waitMember(roomId, reader().userId);
        lateKeys.hold();
        const eventId = await writer.sendText({ roomId, body: "better late than never" });
        const early = await reader().waitEvent({ roomId, where: (event) => event.eventId === eventId });
        assert.equal(early.type, "m.room.encrypted");
        assert.ok(early.decryptionError);
        await lateKeys.release();
        const late = await reader().waitMessage({ roomId });
        assert.equal(late.eventId, eventId);
        assert.equal(late.body, "better late than never");
        assert.equal(reader().events(roomId).length, 1);
      } finally {
        await writer.stop();
        await lateKeys.stop();
      }
    });
  }

  it("go on after a restart of Synapse on the same folder", async () => {
    const roomId = await alice.createRoom({ invite: [bob.userId] });
    await bob.join(roomId);
    await alice.waitMember(roomId, bob.userId);
    const { directory, port } = synapse;
    synapse.kill("SIGKILL");
    assert.equal((await synapse.exited).signal, "SIGKILL");
    synapse = await startHomeserver({ directory, port });
    await synapse.registerUser("alice", "a password");
    await alice.sendText({ roomId, body: "still here?" });
    assert.equal((await bob.waitMessage({ roomId, timeoutMs: 60_000 })).body, "still here?");
  });
});

describe("Synapse", () => {
  it("keeps its folder to itself", async () => {
    const synapse = await startHomeserver();
    try {
      for (const file of ["homeserver.yaml", "signing.key", "registration_shared_secret", "homeserver.log"]) {
        assert.equal((await stat(join(synapse.directory, file))).mode & 0o077, 0, file);
      }
      assert.equal((await stat(synapse.directory)).mode & 0o077, 0);
    } finally {
      await synapse.stop();
    }
  });

  it("that does not start says why", async () => {
    await assert.rejects(startHomeserver({ registrations: ["/nowhere/registration.yaml"] }), {
      name: "SynapseError",
      message: /\/nowhere\/registration\.yaml/,
    });
    const busy = await startHomeserver();
    try {
      await assert.rejects(startHomeserver({ port: busy.port }), { message: /in use/ });
    } finally {
      await busy.stop();
    }
  });

  for (const toDevicePush of [false, true]) {
    it(`accepts the registration of a bridge ${toDevicePush ? "with" : "without"} pushed to-device messages`, async () => {
      const deployment = await prepareDeployment({ toDevicePush });
      try {
        const request = requestAs(deployment.synapse.url, deployment.files.asToken);
        const who = await request<{ user_id: string }>("GET", "/v3/account/whoami");
        assert.equal(who.user_id, `@agents-appservice:${DOMAIN}`);
      } finally {
        await deployment.stop();
      }
    });
  }
});

describe("the bridge", () => {
  it("that does not start is reported with the end of its log", async () => {
    await assert.rejects(startBridge({ config: "/nowhere/config.yaml" }), { message: /did not start[^]*\S/ });
  });
});

describe("a process", () => {
  it("is ended when its parent is killed", async () => {
    const program = `
      const { startProcess } = await import(${JSON.stringify(new URL("../support/process.ts", import.meta.url).href)});
      const child = await startProcess({ command: process.execPath, args: ["-e", "setInterval(() => {}, 1000)"] });
      console.log(child.pid);
      setInterval(() => {}, 1000);`;
    const parent = await startProcess({ command: process.execPath, args: ["--input-type=module", "-e", program] });
    const grandchild = Number(await eventually("its child's number", () => parent.stdout[0]));
    process.kill(grandchild, 0);
    parent.kill("SIGKILL");
    await parent.exited;
    await eventually("the end of its child", () => hasEnded(grandchild));
  });
});

describe("PostgreSQL", () => {
  it("keeps committed data when it is killed", async () => {
    const postgres = await startPostgres();
    try {
      const url = await postgres.createDatabase();
      await query(url, "create table kept as select 1 as one");
      await postgres.kill();
      await assert.rejects(query(url, "select 1"), { code: "ECONNREFUSED" });
      await postgres.restart();
      assert.deepEqual(await query(url, "select one from kept"), [{ one: 1 }]);
      await postgres.restart();
      assert.deepEqual(await query(url, "show fsync"), [{ fsync: "on" }]);
    } finally {
      await postgres.stop();
    }
  });
});

describe("a fresh database", () => {
  forEachDatabase((kind, open) => {
    it("returns JavaScript's own types", async () => {
      const database = await open({ migrated: false });
      assert.equal(database.kind, kind);
      const { rows } = await database.query(`
        select 9007199254740991::int8 as big, 1.5::numeric as number, '\\x00ff'::bytea as bytes,
               '2024-02-29T12:00:00Z'::timestamptz as time, '{"a": [1]}'::jsonb as json, true as yes, null as nothing`);
      const [row] = rows;
      assert.ok(row?.["bytes"] instanceof Uint8Array);
      assert.deepEqual(
        { ...row, bytes: [...row["bytes"]] },
        {
          big: Number.MAX_SAFE_INTEGER,
          number: 1.5,
          bytes: [0, 255],
          time: new Date("2024-02-29T12:00:00Z"),
          json: { a: [1] },
          yes: true,
          nothing: null,
        },
      );
    });

    it("has the schema, and shares nothing with another", async () => {
      const [one, other] = [await open(), await open()];
      const migrations = await one.query("select name from migrations");
      assert.ok(migrations.count > 0);
      await one.execute("create table only_here (a integer)");
      await assert.rejects(other.query("select * from only_here"), { code: "42P01" });
    });
  });
});

async function query(url: string, sql: string): Promise<object[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function hasEnded(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return true;
  }
  // Where nobody collects an orphan's exit code it stays listed as a zombie (Z); it has still ended.
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
}
