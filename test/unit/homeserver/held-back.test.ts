import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wasHeldBack } from "../../../src/homeserver/held-back.ts";
import { parseTransaction } from "../../../src/homeserver/transaction.ts";

function transaction(...ages: readonly unknown[]): ReturnType<typeof parseTransaction> {
  const events = ages.map((age, nth) => ({
    event_id: `$${nth}`,
    room_id: "!r:a.b",
    sender: "@ann:a.b",
    type: "m.room.message",
    content: {},
    // The sender's clock proves nothing.
    origin_server_ts: 1,
    ...(age === undefined ? {} : { unsigned: { age } }),
  }));
  return parseTransaction("1", { events });
}

describe("a transaction", () => {
  it("was held back if one of its events is two seconds old, by the homeserver's own clock", () => {
    assert.equal(wasHeldBack(transaction(3, 2_000)), true);
    assert.equal(wasHeldBack(transaction(3, 1_999)), false);
  });

  it("was not where nothing tells the age", () => {
    for (const age of [undefined, null, "9000", -5, Number.NaN, { age: 9_000 }])
      assert.equal(wasHeldBack(transaction(age)), false);
    assert.equal(wasHeldBack(transaction()), false);
  });
});
