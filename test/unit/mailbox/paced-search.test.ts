import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PacedSearch } from "../../../src/mailbox/paced-search.ts";

const PACE = { shortestMs: 10, longestMs: 35 };

/** A search whose finds and pauses are noted; it is wanted again in each pause as long as `wanted` has a yes. */
function paced(
  finds: number[],
  wanted: boolean[],
): { readonly search: PacedSearch; readonly noted: (string | number)[] } {
  const noted: (string | number)[] = [];
  const search = new PacedSearch(
    {
      find: () => {
        noted.push("find");
        return Promise.resolve(finds.shift() ?? 0);
      },
      pause: (ms) => {
        noted.push(ms);
        if (wanted.shift() === true) search.want().catch(() => noted.push("failed"));
        return Promise.resolve();
      },
    },
    PACE,
  );
  return { search, noted };
}

describe("a paced search", () => {
  it("is made once for all who want it meanwhile, and again for those who want it afterwards", async () => {
    const { search, noted } = paced([1, 1, 1], [true, false, false]);
    await Promise.all([search.want(), search.want()]);
    assert.deepEqual(noted, ["find", 10, "find", 10]);
    await search.want();
    assert.deepEqual(noted.slice(4), ["find", 10]);
  });

  it("pauses longer each time that nothing is found, up to the longest, and not when something was", async () => {
    const { search, noted } = paced([0, 0, 0, 0, 2, 0], [true, true, true, true, true, false]);
    await search.want();
    assert.deepEqual(
      noted.filter((one) => one !== "find"),
      [10, 20, 35, 35, 10, 10],
    );
    await search.want();
    assert.deepEqual(noted.slice(-2), ["find", 20]);
  });

  it("searches again after a failure, but no sooner than after a search", async () => {
    const noted: (string | number)[] = [];
    const parts = {
      find: () => {
        noted.push("find");
        return noted.length < 4 ? Promise.reject(new Error("no database")) : Promise.resolve(1);
      },
      pause: (ms: number) => Promise.resolve(void noted.push(ms)),
    };
    await new PacedSearch(parts, PACE).want();
    assert.deepEqual(noted, ["find", 10, "find", 20, "find", 10]);
  });

  it("ends with its pause, and can be wanted again", async () => {
    let isStopping = true;
    const parts = {
      find: () => (isStopping ? Promise.reject(new Error("no database")) : Promise.resolve(0)),
      pause: () => (isStopping ? Promise.reject(new Error("it stops")) : Promise.resolve()),
    };
    const search = new PacedSearch(parts, PACE);
    await assert.rejects(search.want(), /it stops/);
    isStopping = false;
    await search.want();
  });
});
