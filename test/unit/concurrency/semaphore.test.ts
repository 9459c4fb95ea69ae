import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Semaphore } from "../../../src/concurrency/semaphore.ts";

describe("a semaphore", () => {
  it("lets so many pass at once, the others in order, and tells that somebody waits", async () => {
    let full = 0;
    const semaphore = new Semaphore(2, () => full++);
    const [first, second] = [await semaphore.acquire(), await semaphore.acquire()];
    const passed: number[] = [];
    const third = semaphore.acquire().then((release) => (passed.push(3), release));
    const fourth = semaphore.acquire().then((release) => (passed.push(4), release));
    assert.equal(full, 2);
    assert.equal(semaphore.waiting, 2);
    first();
    first();
    const release = await third;
    assert.deepEqual(passed, [3], "a place that is freed twice counts once");
    release();
    await fourth;
    assert.deepEqual(passed, [3, 4]);
    second();
    assert.equal(semaphore.waiting, 0);
  });

  it("passes on errors and frees the place", async () => {
    const semaphore = new Semaphore(1);
    await assert.rejects(
      semaphore.run(() => Promise.reject(new Error("no"))),
      /no/,
    );
    assert.equal(await semaphore.run(() => Promise.resolve("yes")), "yes");
  });
});
