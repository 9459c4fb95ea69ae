import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { instantOf, plusMonths, readTime, wallOf, weekdayOf } from "../../../src/time/zoned-time.ts";

const BERLIN = "Europe/Berlin";

/** The instant at which a zone's clocks show a time, in ISO 8601. */
function at(written: string, zone: string): string {
  return new Date(instantOf(wall(written), zone)).toISOString().slice(0, 16);
}

function wall(written: string): number {
  const read = readTime(written);
  assert.equal(read?.kind, "wall", written);
  return read.wall;
}

describe("the time of zones", () => {
  it("is ahead of UTC or behind it, by half hours too, and changes with the seasons", () => {
    for (const [written, zone, utc] of [
      ["2026-01-15T12:00", BERLIN, "2026-01-15T11:00"],
      ["2026-07-15T12:00", BERLIN, "2026-07-15T10:00"],
      ["2026-07-15T12:00", "Asia/Kolkata", "2026-07-15T06:30"],
      ["2026-07-15T12:00", "Asia/Kathmandu", "2026-07-15T06:15"],
      ["2026-01-15T12:00", "America/St_Johns", "2026-01-15T15:30"],
      ["2026-01-15T12:00", "Australia/Lord_Howe", "2026-01-15T01:00"],
      ["2026-07-15T12:00", "Australia/Lord_Howe", "2026-07-15T01:30"],
      ["2026-01-01T00:30", "Pacific/Kiritimati", "2025-12-31T10:30"],
      ["2026-01-15T12:00", "UTC", "2026-01-15T12:00"],
    ] as const)
      assert.equal(at(written, zone), utc, `${written} ${zone}`);
  });

  it("comes later where the clocks leave a time out, and the first time where they show it twice", () => {
    // The clocks of Berlin go from 02:00 to 03:00 on 29 March, and from 03:00 to 02:00 on 25 October.
    assert.equal(at("2026-03-29T01:59", BERLIN), "2026-03-29T00:59");
    assert.equal(at("2026-03-29T02:30", BERLIN), "2026-03-29T01:30");
    assert.equal(at("2026-03-29T03:30", BERLIN), "2026-03-29T01:30");
    assert.equal(at("2026-10-25T02:30", BERLIN), "2026-10-25T00:30");
    assert.equal(at("2026-10-25T03:00", BERLIN), "2026-10-25T02:00");
    // Lord Howe changes by half an hour: on 4 October from 02:00 to 02:30.
    assert.equal(at("2026-10-04T02:15", "Australia/Lord_Howe"), "2026-10-03T15:45");
    assert.equal(at("2026-04-05T01:45", "Australia/Lord_Howe"), "2026-04-04T14:45");
  });

  it("is the same there and back, at every half hour of a year in which the clocks change", () => {
    const begin = Date.UTC(2026, 0, 1);
    for (const zone of [BERLIN, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]) {
      for (let instant = begin; instant < Date.UTC(2027, 0, 1); instant += 1_800_000) {
        const back = instantOf(wallOf(instant, zone), zone);
        // Of two equal times it is the first.
        if (back !== instant) assert.equal(wallOf(back, zone), wallOf(instant, zone));
      }
    }
  });

  it("reads dates as they are written, and nothing else", () => {
    assert.deepEqual(readTime("2026-12-24"), { kind: "wall", wall: Date.UTC(2026, 11, 24), isDate: true });
    assert.deepEqual(readTime("2026-12-24T18:30:00+01:00"), {
      kind: "instant",
      instant: Date.UTC(2026, 11, 24, 17, 30),
    });
    assert.deepEqual(readTime("2026-12-24 18:30Z"), { kind: "instant", instant: Date.UTC(2026, 11, 24, 18, 30) });
    for (const none of ["2026-02-30", "2026-13-01", "2026-12-24T24:00", "24.12.2026", "tomorrow", "", "2026-12-24T18"])
      assert.equal(readTime(none), undefined, none);
  });

  it("ends a month with its last day", () => {
    assert.equal(plusMonths(wall("2026-01-31T09:00"), 1), wall("2026-02-28T09:00"));
    assert.equal(plusMonths(wall("2028-02-29T09:00"), -12), wall("2027-02-28T09:00"));
    assert.equal(plusMonths(wall("2026-11-30T09:00"), 3), wall("2027-02-28T09:00"));
    assert.equal(weekdayOf(wall("2026-11-30")), 1);
    assert.equal(weekdayOf(wall("2026-11-29")), 7);
  });
});
