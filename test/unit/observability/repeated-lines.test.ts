import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RepeatedLines } from "../../../src/observability/repeated-lines.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

describe("a failure that comes again and again", () => {
  it("is told once, counted after a minute, ten and each hour, and told to be over", () => {
    const lines = new RepeatedLines();
    const told: string[] = [];
    let now = 0;
    const second = (comes: boolean): void => {
      now += SECOND;
      if (comes && lines.note("key", "it failed", now) === "tell") told.push(`${now / SECOND} s: it failed`);
      for (const { kind, line, times } of lines.due(now)) told.push(`${now / SECOND} s: ${line} ${kind} ${times}`);
    };
    for (let count = 0; count < 2 * 60 * 60; count++) second(true);
    for (let count = 0; count < 120; count++) second(false);
    assert.deepEqual(told, [
      "1 s: it failed",
      "61 s: it failed goes on 61",
      "601 s: it failed goes on 601",
      "3601 s: it failed goes on 3601",
      "7201 s: it failed goes on 7200",
      "7290 s: it failed is over 7200",
    ]);
    assert.ok(lines.isEmpty);
    second(true);
    assert.equal(told.at(-1), "7321 s: it failed");
  });

  it("with long pauses is not over in each of them", () => {
    const lines = new RepeatedLines();
    for (let count = 0; count < 5; count++) lines.note("key", "it failed", count * 4 * MINUTE);
    const last = 16 * MINUTE;
    lines.due(last);
    assert.deepEqual(lines.due(last + 11 * MINUTE), []);
    assert.deepEqual(
      lines.due(last + 12 * MINUTE).map(({ kind }) => kind),
      ["is over"],
    );
  });

  it("is told apart from others, of which a bounded number is remembered", () => {
    const lines = new RepeatedLines();
    assert.equal(lines.note("a", "a", 0), "tell");
    assert.equal(lines.note("b", "b", 0), "tell");
    assert.equal(lines.note("a", "a", 0), "count");
    for (let count = 0; count < 500; count++) lines.note(`other ${count}`, "other", 0);
    assert.equal(lines.note("a", "a", 0), "tell", "forgotten");
    lines.due(15 * MINUTE);
    assert.ok(lines.isEmpty);
  });
});
