import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryOf } from "../../bench/measuring/memory.ts";
import { median } from "../../bench/measuring/median.ts";
import { cpuOf, familyOf, parseStat, processes } from "../../bench/measuring/processes.ts";

describe("measuring processes", () => {
  it("reads a line of /proc, whatever the program calls itself", () => {
    const line = "42 (a ) (b) 7) S 1 42 42 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 99 5 6";
    assert.deepEqual(parseStat(line), { pid: 42, parent: 1, cpuMs: 1_000 });
  });

  it("counts a process, its children and theirs once each", () => {
    const all = [
      { pid: 4, parent: 3, cpuMs: 1 },
      { pid: 3, parent: 2, cpuMs: 10 },
      { pid: 2, parent: 1, cpuMs: 100 },
      { pid: 9, parent: 1, cpuMs: 1_000 },
    ];
    assert.deepEqual(
      familyOf(all, [2, 3]).map(({ pid }) => pid),
      [4, 3, 2],
    );
    assert.equal(cpuOf(all, [2, 3]), 111);
    assert.equal(cpuOf(all, [5]), 0);
  });

  it("sees what this process has computed", async () => {
    const before = cpuOf(await processes(), [process.pid]);
    const until = process.cpuUsage();
    while (process.cpuUsage(until).user < 100_000);
    assert.ok(cpuOf(await processes(), [process.pid]) - before >= 80);
    const { pss, rss } = await memoryOf([process.pid]);
    assert.ok(pss > 10 && rss >= pss, `${pss} of ${rss} MiB`);
  });

  it("takes the value in the middle", () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([4, 1, 2, 9]), 3);
    assert.ok(Number.isNaN(median([])));
  });
});
