import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readinessOf } from "../../../src/observability/readiness.ts";

const well = (): Promise<undefined> => Promise.resolve(undefined);

describe("readiness", () => {
  it("is true when every check succeeds", async () => {
    assert.deepEqual(await readinessOf({ database: well, homeserver: well }), {
      ready: true,
      checks: { database: "ok", homeserver: "ok" },
    });
  });

  it("names the fault of each check, even when one of them throws or takes its time", async () => {
    const { ready, checks } = await readinessOf(
      {
        database: well,
        homeserver: () => Promise.resolve("it is away"),
        lease: () => Promise.reject(new Error("no such lease")),
        providers: () => new Promise(() => undefined),
      },
      20,
    );
    assert.equal(ready, false);
    assert.deepEqual(checks, {
      database: "ok",
      homeserver: "it is away",
      lease: "no such lease",
      providers: "no answer within 0.02 s",
    });
  });
});
