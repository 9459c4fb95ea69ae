import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StrandedTransactions } from "../../../src/homeserver/stranded.ts";

describe("the suspicion that transactions are stranded", () => {
  it("is there at the start and after a return, and refuses one transaction each time", () => {
    const stranded = new StrandedTransactions();
    const taken = [stranded.takeSuspicion(), stranded.takeSuspicion()];
    stranded.suspect();
    stranded.suspect();
    taken.push(stranded.takeSuspicion(), stranded.takeSuspicion());
    assert.deepEqual(taken, [true, false, true, false]);
  });
});
