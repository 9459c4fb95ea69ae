import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Queryable } from "../../../src/database/database.ts";
import { combined, type Outcome } from "../../../src/ghost/outcome.ts";

const tx = {} as Queryable;

describe("several outcomes of one event", () => {
  it("are stored in their order, and their later steps run in it", async () => {
    const done: string[] = [];
    const outcome = (name: string): Outcome => ({
      store: (given) => {
        assert.equal(given, tx, "in the same transaction");
        return Promise.resolve(void done.push(`${name} stored`));
      },
      last: (given) => {
        assert.equal(given, tx, "in the same transaction");
        return Promise.resolve(void done.push(`${name} completed`));
      },
      after: () => void done.push(`${name} followed`),
    });
    const { store, last, after } = combined(outcome("first"), {}, { after: undefined }, outcome("second"));
    await store?.(tx);
    assert.deepEqual(done, ["first stored", "second stored"]);
    const completed = last?.(tx);
    assert.deepEqual(done.slice(2), ["first completed", "second completed"], "all of it is begun at once");
    await completed;
    await after?.();
    assert.deepEqual(done.slice(4), ["first followed", "second followed"]);
  });

  it("are stored only up to the first that fails", async () => {
    const fails: Outcome = { store: () => Promise.reject(new Error("the database went away")) };
    const { store } = combined(fails, { store: () => Promise.reject(new Error("never reached")) });
    await assert.rejects(store?.(tx) ?? Promise.resolve(), /went away/);
  });
});
