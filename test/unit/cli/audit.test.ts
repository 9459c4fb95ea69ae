import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { momentOf } from "../../../src/cli/commands/audit.ts";
import { UsageError } from "../../../src/cli/usage-error.ts";

describe("the option --since of the audit log", () => {
  const now = new Date("2026-06-01T12:00:00Z");

  it("is an age, or a date in UTC unless it says otherwise", () => {
    const cases: Record<string, string> = {
      "90m": "2026-06-01T10:30:00.000Z",
      "12h": "2026-06-01T00:00:00.000Z",
      "7d": "2026-05-25T12:00:00.000Z",
      "2w": "2026-05-18T12:00:00.000Z",
      "2028-02-29": "2028-02-29T00:00:00.000Z",
      "2026-05-31": "2026-05-31T00:00:00.000Z",
      "2026-05-31T14:00": "2026-05-31T14:00:00.000Z",
      "2026-05-31 14:00:30": "2026-05-31T14:00:30.000Z",
      "2026-05-31T14:00+02:00": "2026-05-31T12:00:00.000Z",
    };
    for (const [typed, moment] of Object.entries(cases))
      assert.equal(momentOf(typed, now).toISOString(), moment, typed);
  });

  it("is nothing else", () => {
    for (const typed of [
      "",
      "yesterday",
      "12",
      "3y",
      "2026-13-40",
      "2026-02-31",
      "2026-02-30T10:00",
      "31.5.2026",
      "12h ago",
    ]) {
      assert.throws(() => momentOf(typed, now), UsageError, typed);
    }
  });
});
