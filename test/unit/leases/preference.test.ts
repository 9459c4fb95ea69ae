import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { preferredProcess } from "../../../src/leases/preference.ts";

const GHOSTS = Array.from({ length: 600 }, (_, index) => `@agent_${index}:example.test`);

describe("the process that a free ghost should go to", () => {
  it("is none when there is none, and the only one when there is one", () => {
    assert.equal(preferredProcess("@a:b", []), undefined);
    assert.equal(preferredProcess("@a:b", [7]), 7);
  });

  it("does not depend on the order in which the processes are known", () => {
    for (const ghost of GHOSTS) {
      assert.equal(preferredProcess(ghost, [1, 2, 3]), preferredProcess(ghost, [3, 1, 2]));
    }
  });

  it("gives each about as many, and moves only the ghosts of one that ends", () => {
    const before = GHOSTS.map((ghost) => preferredProcess(ghost, [1, 2, 3]));
    for (const process of [1, 2, 3]) {
      const share = before.filter((preferred) => preferred === process).length;
      assert.ok(share > 140 && share < 260, `${process} has ${share}`);
    }
    for (const [index, ghost] of GHOSTS.entries()) {
      const after = preferredProcess(ghost, [1, 3]);
      if (before[index] !== 2) assert.equal(after, before[index]);
    }
  });
});
