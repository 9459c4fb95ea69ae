import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { slopeThrough } from "../../soak/line.ts";
import { reportOf } from "../../soak/report.ts";
import type { Sample } from "../../soak/sample.ts";
import type { SoakResult } from "../../soak/soak.ts";
import { grownTables, trendsOf } from "../../soak/trends.ts";

/** Three lives of ten minutes, with a sample each half minute; each second one comes after a collection. */
function samplesWith(of: (at: { readonly minutes: number; readonly age: number }) => Partial<Sample>): Sample[] {
  return Array.from({ length: 60 }, (_, index) => {
    const [minutes, age] = [index / 2, (index % 20) / 2];
    return {
      ...{ minutes, life: Math.floor(index / 20), ageSeconds: age * 60, answered: index * 30, memory: 200 },
      ...{ isCollected: index % 2 === 0, lag: 20, loaded: 1, connections: 5, files: 30, tables: { mailbox: 100_000 } },
      ...of({ minutes, age }),
    };
  });
}

const grown = (samples: readonly Sample[]): string[] =>
  trendsOf(samples)
    .filter(({ isFlat }) => !isFlat)
    .map(({ what }) => what);

describe("the line through groups of points", () => {
  it("has their common slope, whatever their heights", () => {
    const rising = (from: number) => [1, 2, 3].map((x) => ({ x: x + from, y: 2 * x }));
    assert.equal(slopeThrough([rising(0)]), 2);
    // Each begins low again.
    assert.equal(slopeThrough([rising(0), rising(3), rising(6)]), 2);
    assert.equal(slopeThrough([[{ x: 1, y: 5 }], []]), 0);
  });
});

describe("the trends of a soak", () => {
  it("are flat where nothing grows, and where only garbage does between two collections", () => {
    assert.deepEqual(grown(samplesWith(() => ({}))), []);
    const sawtooth = samplesWith(({ minutes }) => (minutes % 1 === 0 ? {} : { memory: 200 + 10 * minutes }));
    assert.deepEqual(grown(sawtooth), []);
  });

  it("find memory that each process loses, though each begins low again", () => {
    assert.deepEqual(grown(samplesWith(({ age }) => ({ memory: 200 + 8 * age }))), [
      "memory after a full collection, within a process's life",
    ]);
  });

  it("leave out the growth while a process becomes warm", () => {
    assert.deepEqual(grown(samplesWith(({ age }) => ({ memory: Math.min(200, 100 + 40 * age) }))), []);
  });

  it("find connections, files and tables that grow", () => {
    const leak = samplesWith(({ minutes }) => ({
      connections: 5 + minutes,
      files: 30 + minutes,
      tables: { mailbox: 100_000 * (1 + minutes) },
    }));
    assert.deepEqual(grown(leak), [
      "connections to the database",
      "open files and sockets",
      "tables without kept rows",
    ]);
  });

  it("hold the tables with kept rows to a size for each answer", () => {
    const leaving = (kibibytes: number): Sample[] =>
      samplesWith(({ minutes }) => ({ tables: { messages: minutes * 60 * kibibytes * 1_024 } }));
    assert.deepEqual(grown(leaving(5)), []);
    assert.deepEqual(grown(leaving(15)), ["tables with kept rows, for each answer"]);
  });
});

describe("the report of a soak", () => {
  const samples = samplesWith(() => ({}));
  const tally = { asked: 9, once: 9, lost: 0, twice: 0, undecryptable: 0, notices: 0, said: [], bad: [] };
  const result: SoakResult = {
    ...{ minutes: 30, tally, visits: 2, restarts: [], unloaded: 3, samples },
    ...{ trends: trendsOf(samples), grown: grownTables(samples) },
  };

  it("is good only where nothing was lost and nothing grew", () => {
    assert.ok(reportOf(result).isGood);
    assert.ok(!reportOf({ ...result, tally: { ...tally, once: 8, lost: 1 } }).isGood);
    const [first, ...others] = result.trends;
    assert.ok(first);
    assert.ok(!reportOf({ ...result, trends: [{ ...first, isFlat: false }, ...others] }).isGood);
  });
});
