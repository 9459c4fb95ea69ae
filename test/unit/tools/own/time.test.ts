import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { timeTool } from "../../../../src/tools/own/time.ts";
import { contextOf } from "../../../support/tool-servers.ts";

const NOW = Date.UTC(2026, 10, 30, 18, 5);

async function ask(given: Record<string, unknown>): Promise<string> {
  const call = { ...contextOf(), given, signal: new AbortController().signal };
  return (await timeTool("Europe/Berlin", () => NOW).run(call)).text;
}

describe("the tool for the time", () => {
  it("tells the time now, in the usual zone or a named one", async () => {
    assert.equal(await ask({}), "Monday, 2026-11-30 19:05 in Europe/Berlin (UTC+01:00), week 49.");
    assert.match(await ask({ zone: "Asia/Kolkata" }), /^Monday, 2026-11-30 23:35 in Asia\/Kolkata \(UTC\+05:30\)/);
    assert.match(await ask({ zone: "Pacific/Auckland" }), /^Tuesday, 2026-12-01 07:05/);
    assert.match(await ask({ zone: "America/St_Johns" }), /UTC-03:30/);
  });

  it("tells the weekday and the week of a date", async () => {
    assert.match(await ask({ at: "2026-12-24" }), /^Thursday, 2026-12-24 00:00 .* week 52\.$/);
    assert.match(await ask({ at: "2027-01-01" }), /^Friday, .* week 53\.$/);
    assert.match(await ask({ at: "2026-12-24T18:30:00Z" }), /^Thursday, 2026-12-24 19:30 in Europe/);
  });

  it("adds on the calendar, and hours on the clock", async () => {
    assert.match(await ask({ at: "2026-03-28T12:00", add: { days: 1 } }), /^Sunday, 2026-03-29 12:00/);
    assert.match(await ask({ at: "2026-03-28T12:00", add: { hours: 24 } }), /^Sunday, 2026-03-29 13:00/);
    assert.match(await ask({ at: "2026-01-31", add: { months: 1 } }), /^Saturday, 2026-02-28/);
    assert.match(await ask({ at: "2026-12-01", add: { weeks: -1, minutes: -1 } }), /^Monday, 2026-11-23 23:59/);
  });

  it("tells the time between two", async () => {
    assert.match(await ask({ until: "2026-12-24" }), /23 days, 4 hours and 55 minutes; by the calendar 24 days\.$/);
    assert.match(
      await ask({ at: "2026-03-28", until: "2026-03-30" }),
      /1 days, 23 hours and 0 minutes; by the calendar 2/,
    );
    assert.match(await ask({ until: "2026-11-29" }), /have passed since/);
  });

  it("says what it does not understand", async () => {
    assert.match(await ask({ zone: "Berlin" }), /^Not done: there is no such time zone/);
    assert.match(await ask({ zone: "x".repeat(100_000) }), /^Not done/);
    for (const at of ["tomorrow", "2026-02-30", 7, "9".repeat(100_000)])
      assert.match(await ask({ at }), /^Not done: "at"/);
    for (const add of [7, { days: 1.5 }, { days: 1e9 }, { centuries: 1 }, { years: -3_000 }, { years: 90_000 }])
      assert.match(await ask({ add }), /^Not done: "add"/, JSON.stringify(add));
    assert.match(await ask({ until: "never" }), /^Not done: "until"/);
  });
});
