import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pageOf } from "../../../src/web/views/paging.ts";

const LIST = Array.from({ length: 25 }, (_, index) => index + 1);

describe("a page of a long list", () => {
  it("is the asked one, or the first where there is no such page", () => {
    const page = (asked: string): readonly number[] => pageOf(LIST, 10, new URLSearchParams({ page: asked })).shown;
    assert.deepEqual([page("1")[0], page("2")[0], page("3").length], [1, 11, 5]);
    for (const wrong of ["0", "4", "-1", "1e1", "x", "", "99999999999999999999"])
      assert.equal(page(wrong)[0], 1, wrong);
  });

  it("says that there is one page of nothing", () => {
    assert.deepEqual(pageOf([], 10, new URLSearchParams()), { shown: [], all: 0, number: 1, pages: 1 });
  });
});
