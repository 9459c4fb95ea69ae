import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { createHomeserverClient, type HomeserverClient } from "../../../src/homeserver/client.ts";
import { sync } from "../../../src/homeserver/device-calls.ts";
import { AnswerTooLarge } from "../../../src/homeserver/errors.ts";
import { silentLogger } from "../../../src/observability/log.ts";

const DEVICE = { userId: "@agent_llama:example.test", deviceId: "LLAMA" };
const REST = { device_one_time_keys_count: { signed_curve25519: 50 }, device_unused_fallback_key_types: [] };
const HUGE = { to_device: { events: [{ type: "m.junk", content: { junk: "x".repeat(65 * 1024 * 1024) } }] } };

describe("a /sync that is too large to be read", () => {
  const asked: string[] = [];
  let answers: Readonly<Record<string, object>> = {};
  let client: HomeserverClient;
  const server = createServer((request, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
    const [from, to] = [searchParams.get("since") ?? searchParams.get("from"), searchParams.get("to")];
    const call = `${pathname.split("/").at(-1) ?? ""} ${from ?? ""}${to === null ? "" : `-${to}`}`;
    asked.push(call);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answers[call] ?? {}));
  });
  before(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    client = createHomeserverClient({ url, asToken: "secret", log: silentLogger() });
  });
  after(async () => {
    await client.close();
    server.close();
  });

  it("is skipped, however many there are, and the devices that changed with it are asked for", async () => {
    answers = {
      "sync a": { next_batch: "b", ...HUGE, ...REST },
      "sync b": { next_batch: "c", ...HUGE, ...REST },
      "sync c": { next_batch: "d", device_lists: { changed: ["@carol:example.test"] }, ...REST },
      "changes a-b": { changed: ["@alice:example.test"], left: ["@bob:example.test"] },
      "changes b-c": { changed: ["@carol:example.test", 3] },
    };
    let lost = 0;
    const told = await sync(client, DEVICE, "a", { lost: () => lost++ });
    assert.equal(lost, 2);
    assert.equal(told.nextBatch, "d");
    assert.deepEqual([...told.changedUsers].sort(), ["@alice:example.test", "@carol:example.test"]);
    assert.deepEqual(told.leftUsers, ["@bob:example.test"]);
    assert.deepEqual(told.keyCounts, { signed_curve25519: 50 });
  });

  it("is skipped for a new device, too", async () => {
    answers = { "sync ": { next_batch: "b", ...HUGE, ...REST }, "sync b": { next_batch: "c", ...REST } };
    asked.length = 0;
    assert.equal((await sync(client, DEVICE, undefined)).nextBatch, "c");
    assert.deepEqual(asked, ["sync ", "sync b"]);
  });

  it("is a failure where it does not name the next position, or names the same", async () => {
    for (const next of [{}, { next_batch: "a" }]) {
      answers = { "sync a": { ...next, ...HUGE, ...REST } };
      await assert.rejects(sync(client, DEVICE, "a"), AnswerTooLarge);
    }
  });
});
