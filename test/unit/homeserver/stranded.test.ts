import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StrandedTransactions } from "../../../src/homeserver/stranded.ts";
import { silentLogger } from "../../../src/observability/log.ts";

const NEVER = new AbortController().signal;

describe("the suspicion that transactions are stranded", () => {
  it("is there at the start and after a return, and refuses one transaction each time", () => {
    const stranded = new StrandedTransactions(() => Promise.resolve(), silentLogger());
    const admitted = [stranded.admits("1"), stranded.admits("2")];
    stranded.suspect();
    stranded.suspect();
    admitted.push(stranded.admits("3"), stranded.admits("4"));
    assert.deepEqual(admitted, [false, true, false, true]);
  });

  it("has the homeserver asked until a transaction comes", async () => {
    let asked = 0;
    const stranded = new StrandedTransactions(() => {
      if (++asked === 2) stranded.admits("1");
      return Promise.resolve();
    }, silentLogger());
    stranded.admits("1");
    await stranded.retrieve(NEVER);
    assert.equal(asked, 2);
    stranded.suspect();
    stranded.admits("2");
    const stopping = new AbortController();
    const retrieving = stranded.retrieve(stopping.signal);
    stopping.abort(new Error("stopping"));
    await assert.rejects(retrieving, /stopping/);
  });
});
