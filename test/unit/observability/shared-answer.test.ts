import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sharedAnswer } from "../../../src/observability/shared-answer.ts";
import { eventually } from "../../support/eventually.ts";

describe("a shared answer", () => {
  it("is asked for once by all who want it at once, and anew when it is old", async () => {
    let asked = 0;
    const ask = sharedAnswer(() => Promise.resolve(++asked), 1);
    assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [1, 1, 1]);
    await eventually("the answer to be old", async () => (await ask()) > 1);
  });

  it("is a failure for all of them, and then asked for again", async () => {
    let asked = 0;
    const ask = sharedAnswer(() => (++asked === 1 ? Promise.reject(new Error("away")) : Promise.resolve("well")), 1);
    for (const { status } of await Promise.allSettled([ask(), ask()])) assert.equal(status, "rejected");
    await eventually("the next answer", async () => (await ask().catch(() => "away")) === "well");
  });
});
