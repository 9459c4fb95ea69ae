import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OwnToolsConfig } from "../../../../src/config/config.ts";
import type { WantedReminder } from "../../../../src/reminders/reminders.ts";
import { mayRemind, remindTool } from "../../../../src/tools/own/remind.ts";
import { contextOf } from "../../../support/tool-servers.ts";

/** A Monday, 19:05 in Berlin. */
const NOW = Date.UTC(2026, 10, 30, 18, 5);

async function remind(given: Record<string, unknown>, context = contextOf()) {
  const made: WantedReminder[] = [];
  const store = {
    add: (wanted: WantedReminder) => {
      made.push(wanted);
      return Promise.resolve({ ...wanted, id: 3, nextAt: NOW });
    },
  };
  const call = { ...context, given: { words: "Call Ann", ...given }, signal: new AbortController().signal };
  const { text, isError } = await remindTool(store, "Europe/Berlin", () => NOW).run(call);
  assert.equal(made.length, isError ? 0 : 1, text);
  return { text, made: made[0] };
}

describe("the tool for reminders", () => {
  it("takes one time, in the usual zone, a named one, or with an offset", async () => {
    for (const [given, when] of [
      [{ at: "2026-12-01T08:00" }, "2026-12-01 08:00 (Europe/Berlin)"],
      [{ at: "2026-12-01T08:00", zone: "Asia/Kolkata" }, "2026-12-01 08:00 (Asia/Kolkata)"],
      [{ at: "2026-12-01T08:00:00Z" }, "2026-12-01 09:00 (Europe/Berlin)"],
    ] as const)
      assert.match((await remind(given)).text, new RegExp(when.replace(/[()]/g, "\\$&")));
  });

  it("takes times that come again", async () => {
    for (const [given, recurrence, when] of [
      [{ time: "9:00" }, { kind: "weekly", days: [1, 2, 3, 4, 5, 6, 7], minute: 540 }, "2026-12-01 09:00"],
      [
        { time: "09:30", days: ["Friday", "monday", "friday"] },
        { kind: "weekly", days: [1, 5], minute: 570 },
        "2026-12-04 09:30",
      ],
      [{ time: "20:00" }, { kind: "weekly", days: [1, 2, 3, 4, 5, 6, 7], minute: 1_200 }, "2026-11-30 20:00"],
      [{ time: "00:00", month_day: 31 }, { kind: "monthly", day: 31, minute: 0 }, "2026-12-31 00:00"],
    ] as const) {
      const { text, made } = await remind(given);
      assert.deepEqual(made?.recurrence, recurrence);
      assert.ok(text.includes(when), text);
    }
  });

  it("counts for whoever asked, and for the call that makes it", async () => {
    const { made } = await remind({ time: "09:00" });
    const { owner, madeBy, words, zone } = made ?? {};
    assert.deepEqual(
      { owner, madeBy, words, zone },
      { owner: "@alice:hs", madeBy: "1 callcall1", words: "Call Ann", zone: "Europe/Berlin" },
    );
  });

  it("is the person's own only where her words came encrypted, and nobody else's", async () => {
    const { turn } = contextOf();
    const own = contextOf({ turn: { ...turn, isAuthentic: true } });
    assert.equal((await remind({ time: "09:00" }, own)).made?.isAuthentic, true);
    // Such as an agent's question, a repetition, or words in clear in an encrypted conversation.
    assert.equal((await remind({ time: "09:00" })).made?.isAuthentic, undefined);
  });

  it("says what it does not understand", async () => {
    for (const given of [
      {},
      { at: "2026-12-01" },
      { at: "tomorrow" },
      { at: "2026-11-30T08:00" },
      { at: "2999-01-01T08:00" },
      { at: "2026-12-01T08:00", time: "09:00" },
      { at: "2026-12-01T08:00", days: ["monday"] },
      { time: "25:00" },
      { time: "9" },
      { time: 9 },
      { time: "09:00", days: [] },
      { time: "09:00", days: ["someday"] },
      { time: "09:00", days: Array.from({ length: 100_000 }, () => "monday") },
      { time: "09:00", month_day: 0 },
      { time: "09:00", month_day: 1, days: ["monday"] },
      { time: "09:00", zone: "Berlin" },
      { time: "09:00", words: " " },
      { time: "09:00", words: "x".repeat(2_001) },
    ])
      assert.match((await remind(given)).text, /^Not done: /, JSON.stringify(given).slice(0, 100));
  });

  it("is not for reminders themselves", async () => {
    const { turn } = contextOf();
    const context = contextOf({ turn: { ...turn, eventId: "reminder 3 1764523500000" } });
    assert.match((await remind({ time: "09:00" }, context)).text, /^Not done/);
  });

  it("counts only where the admin still has it", () => {
    const who = { agent: "llama", roomId: "!room:hs", userId: "@alice:hs" };
    const own: OwnToolsConfig = {
      type: "own",
      locality: "local",
      cloudModels: false,
      tools: new Map([["remind", "ask"]]),
      approvers: "asker",
      approverUsers: [],
      callTimeoutMs: 1_000,
      timeZone: "UTC",
      hosts: [],
    };
    assert.equal(mayRemind([own], who), true);
    assert.equal(mayRemind([], who), false);
    assert.equal(mayRemind([{ ...own, tools: new Map([["time", "never"]]) }], who), false);
    assert.equal(mayRemind([{ ...own, tools: new Map([["remind", "refuse"]]) }], who), false);
    assert.equal(mayRemind([{ ...own, agents: ["qwen"] }], who), false);
    assert.equal(
      mayRemind(
        [
          { ...own, agents: ["qwen"] },
          { ...own, agents: ["llama"] },
        ],
        who,
      ),
      true,
    );
    assert.equal(mayRemind([{ ...own, rooms: ["!other:hs"] }], who), false);
    assert.equal(mayRemind([{ ...own, users: ["@bob:hs"] }], who), false);
  });
});
