import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nextAfter, type Recurrence } from "../../../src/time/recurrence.ts";
import { readTime } from "../../../src/time/zoned-time.ts";

const BERLIN = "Europe/Berlin";
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];

/** The next instants after one, in ISO 8601. */
function nexts(recurrence: Recurrence, zone: string, after: string, count: number): string[] {
  const found: string[] = [];
  for (let instant: number | undefined = Date.parse(after); found.length < count;) {
    instant = nextAfter(recurrence, zone, instant);
    if (instant === undefined) break;
    found.push(new Date(instant).toISOString().slice(0, 16));
  }
  return found;
}

function weekly(days: readonly number[], hour: number, minute = 0): Recurrence {
  return { kind: "weekly", days, minute: hour * 60 + minute };
}

describe("a time that comes again", () => {
  it("comes at the same hour before and after the clocks change", () => {
    // Friday; the clocks of Berlin change on Sunday, 29 March.
    assert.deepEqual(nexts(weekly([1, 2, 3, 4, 5], 9), BERLIN, "2026-03-26T12:00Z", 3), [
      "2026-03-27T08:00",
      "2026-03-30T07:00",
      "2026-03-31T07:00",
    ]);
    assert.deepEqual(nexts(weekly(EVERY_DAY, 9), BERLIN, "2026-10-24T00:00Z", 3), [
      "2026-10-24T07:00",
      "2026-10-25T08:00",
      "2026-10-26T08:00",
    ]);
  });

  it("comes once on a day whose clocks leave its time out, or show it twice", () => {
    assert.deepEqual(nexts(weekly(EVERY_DAY, 2, 30), BERLIN, "2026-03-28T12:00Z", 3), [
      "2026-03-29T01:30",
      "2026-03-30T00:30",
      "2026-03-31T00:30",
    ]);
    assert.deepEqual(nexts(weekly(EVERY_DAY, 2, 30), BERLIN, "2026-10-24T12:00Z", 2), [
      "2026-10-25T00:30",
      "2026-10-26T01:30",
    ]);
    // Between the two equal times it is over for the day.
    assert.deepEqual(nexts(weekly(EVERY_DAY, 2, 30), BERLIN, "2026-10-25T01:00Z", 1), ["2026-10-26T01:30"]);
  });

  it("keeps to zones with half hours", () => {
    assert.deepEqual(nexts(weekly([1], 9), "Asia/Kolkata", "2026-11-28T00:00Z", 1), ["2026-11-30T03:30"]);
    // Lord Howe's clocks go from 02:00 to 02:30 on 4 October.
    assert.deepEqual(nexts(weekly(EVERY_DAY, 2, 15), "Australia/Lord_Howe", "2026-10-02T20:00Z", 2), [
      "2026-10-03T15:45",
      "2026-10-04T15:15",
    ]);
  });

  it("comes next week where it is over today, and not at its own instant", () => {
    assert.deepEqual(nexts(weekly([1], 9), "UTC", "2026-11-30T09:00Z", 1), ["2026-12-07T09:00"]);
    assert.deepEqual(nexts(weekly([1], 9), "UTC", "2026-11-30T08:59Z", 1), ["2026-11-30T09:00"]);
    // It is Tuesday in Auckland already.
    assert.deepEqual(nexts(weekly([2], 9), "Pacific/Auckland", "2026-11-30T12:00Z", 1), ["2026-11-30T20:00"]);
  });

  it("comes on the last day of months that are too short", () => {
    assert.deepEqual(nexts({ kind: "monthly", day: 31, minute: 540 }, "UTC", "2026-01-31T10:00Z", 3), [
      "2026-02-28T09:00",
      "2026-03-31T09:00",
      "2026-04-30T09:00",
    ]);
    assert.deepEqual(nexts({ kind: "monthly", day: 1, minute: 0 }, BERLIN, "2026-12-15T00:00Z", 1), [
      "2026-12-31T23:00",
    ]);
  });

  it("comes once where it is one time", () => {
    const read = readTime("2026-12-24T18:00");
    assert.equal(read?.kind, "wall");
    const once: Recurrence = { kind: "once", wall: read.wall };
    assert.deepEqual(nexts(once, BERLIN, "2026-11-30T00:00Z", 2), ["2026-12-24T17:00"]);
  });
});
