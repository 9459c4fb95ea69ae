import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import type { Foundation, Happenings } from "../../../src/bridge/foundation.ts";
import { Recovery } from "../../../src/bridge/recovery.ts";
import type { Stores } from "../../../src/bridge/stores.ts";
import type { Ghosts } from "../../../src/ghost/ghosts.ts";
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
