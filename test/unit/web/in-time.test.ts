import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inTime, TooSlow } from "../../../src/web/in-time.ts";

describe("an answer in time", () => {
  it("is the answer, or the fault of its maker", async () => {
    assert.equal(await inTime(Promise.resolve(1), 10_000), 1);
    await assert.rejects(inTime(Promise.reject(new Error("its own")), 10_000), /its own/);
  });

  it("is none where it takes too long, whatever comes of it later", async () => {
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<void>((_resolve, reject) => (fail = reject));
    await assert.rejects(inTime(work, 1), TooSlow);
    // Rejected now, it must not end the process.
    fail(new Error("too late"));
    await assert.rejects(work, /too late/);
  });
});
