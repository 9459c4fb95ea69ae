import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import type { Foundation, Happenings } from "../../../src/bridge/foundation.ts";
import { Recovery } from "../../../src/bridge/recovery.ts";
import type { Stores } from "../../../src/bridge/stores.ts";
import type { Ghosts } from "../../../src/ghost/ghosts.ts";
import { createHomeserverClient } from "../../../src/homeserver/client.ts";
import type { HomeserverReach } from "../../../src/homeserver/reach.ts";
import { silentLogger } from "../../../src/observability/log.ts";

describe("a homeserver that returns", () => {
  it("has nothing done as an agent before the start knows that no other bridge with the registration answers", async () => {
    const happenings: Happenings = new EventEmitter();
    const done: string[] = [];
    const alone = Promise.withResolvers<undefined>();
    const foundation = { happenings, background: { run: (name: string) => done.push(name) }, log: silentLogger() };
    const ghosts = { catchUpAll: () => done.push("catching up") };
    const reach = { untilNoOther: () => alone.promise };
    const recovery = new Recovery(
      foundation as unknown as Foundation,
      {} as Stores,
      ghosts as unknown as Ghosts,
      reach as unknown as HomeserverReach,
      () => Promise.resolve(),
    );
    const start = recovery.ping();
    happenings.emit("homeserverReturned");
    assert.deepEqual(done, ["ping"]);
    alone.resolve(undefined);
    await start;
    happenings.emit("homeserverReturned");
    assert.deepEqual(done.slice(1), ["catching up", "the search for missed events", "ping"]);
  });
});

describe("a homeserver that sends no deletions", () => {
  it("has them looked for, also where it is away for a moment when it is asked for its name", async (test) => {
    const asked: string[] = [];
    const known = Promise.withResolvers<undefined>();
    const server = createServer(({ url = "" }, response) => {
      asked.push(url);
      if (asked.length < 3) return response.writeHead(502).end();
      response.once("finish", () => known.resolve(undefined));
      return response.end(JSON.stringify({ server: { name: "Dendrite", version: "0.13.8" } }));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const log = silentLogger();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = createHomeserverClient({ url, asToken: "token", log });
    const stop = new AbortController();
    test.after(async () => {
      await client.close();
      server.close();
    });
    let looking: Promise<unknown> = Promise.resolve();
    const background = { run: (_name: string, work: () => Promise<unknown>) => (looking = work()) };
    const foundation = { happenings: new EventEmitter(), background, client, stopping: stop.signal, log };
    const recovery = new Recovery(
      foundation as unknown as Foundation,
      {} as Stores,
      {} as unknown as Ghosts,
      {} as unknown as HomeserverReach,
      () => Promise.resolve(),
    );
    recovery.watchDeletions();
    const ended = assert.rejects(looking, /enough/);
    await Promise.race([known.promise, ended]);
    assert.deepEqual(new Set(asked), new Set(["/_matrix/federation/v1/version"]));
    // It goes on until the bridge stops.
    stop.abort(new Error("enough"));
    await ended;
  });
});
