import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { goalRows, shortNumber } from "../../bench/report/goals.ts";
import { orderOf } from "../../bench/report/growth.ts";
import { svgOf } from "../../bench/report/plot.ts";
import { plotsOf } from "../../bench/report/plots.ts";
import { asMarkdown, asText } from "../../bench/report/table.ts";
import { tablesOf } from "../../bench/report/tables.ts";
import type { Measured } from "../../bench/measured.ts";

const ANSWERS = {
  cpuMs: 20,
  databaseMs: 10,
  synapseMs: 50,
  synapseDatabaseMs: 20,
  latencyMs: 90,
  perSecond: 9,
  unanswered: 0,
  share: 0.3,
  memoryMiB: 150,
};
const NIO = { ...ANSWERS, cpuMs: 15, databaseMs: 0, latencyMs: 100, memoryMiB: 40 };

const MEASURED: Measured = {
  answer: { agents: 1, answers: 30, peers: { bridge: ANSWERS, nio: NIO } },
  crowd: [{ agents: 50, answers: 300, peers: { bridge: { ...ANSWERS, cpuMs: 4 }, nio: NIO } }],
  pauses: { storedToAskedMs: 9.99, answeredToSentMs: 8.01 },
};

describe("the report of the bench", () => {
  it("says of each goal whether it is reached, missed or was not measured", () => {
    const rows = new Map(goalRows(MEASURED).map((row) => [row.what, row]));
    const verdictOf = (beginning: string): string[] =>
      [...rows.values()]
        .filter(({ what }) => what.startsWith(beginning))
        .map(({ now, verdict }) => `${now}: ${verdict}`);
    assert.deepEqual(verdictOf("CPU of bridge"), ["2×: missed"]);
    assert.deepEqual(verdictOf("the same with 50 agents"), ["0.93×: reached"]);
    assert.deepEqual(verdictOf("latency from question"), ["0.9×: reached"]);
    assert.deepEqual(verdictOf("push stored"), ["9.99 ms: reached"]);
    assert.deepEqual(verdictOf("model's last token"), ["8.01 ms: missed"]);
    assert.deepEqual(verdictOf("kept per"), ["–: not measured"]);
    assert.deepEqual(verdictOf("the same, 1 agent, against matrix-js-sdk"), ["–: not measured"]);
  });

  it("has a table for each part that was measured, and none for others", () => {
    assert.equal(tablesOf({}).length, 1);
    const titles = tablesOf(MEASURED).map(({ title }) => title);
    assert.equal(titles.length, 4);
    assert.match(titles[2] ?? "", /50 agents all asked at once/);
  });

  it("shows how the costs of an answer grow, by size, with a plot of times and one of counted pages", () => {
    const costs = { latencyMs: 100, cpuMs: 30, pages: 400 };
    const grown = { ...costs, latencyMs: 200, pages: 4_000 };
    const measured: Measured = {
      rooms: [
        { rooms: 5, ...costs },
        { rooms: 50, ...grown },
      ],
      history: [
        { messages: 5, ...costs },
        { messages: 50, ...grown },
      ],
      threads: [
        { threads: 5, ...costs },
        { threads: 50, ...grown },
      ],
      queued: [
        { queued: 5, ...costs },
        { queued: 50, ...grown },
      ],
      age: [
        { formerAnswers: 5, ...costs },
        { formerAnswers: 50, ...grown },
      ],
    };
    const plots = plotsOf(measured);
    for (const by of ["rooms", "history", "threads", "queue", "age"]) {
      const [line] = plots.get(`pages-by-${by}`)?.series ?? [];
      assert.equal(orderOf(line?.points ?? [])?.toFixed(2), "1.00", by);
      assert.equal(plots.get(`answer-by-${by}`)?.series.length, 2, by);
    }
    const tables = tablesOf(measured).slice(1);
    assert.deepEqual(
      tables.map(({ rows }) => rows[1]?.slice(1)),
      Array<string[]>(5).fill(["200", "30", "4000"]),
    );
  });

  it("writes tables for terminals and pages", () => {
    const table = { title: "Title", head: ["", "ms"], rows: [["one thing", "5"]] };
    assert.equal(asText(table), "Title\n             ms\n  one thing   5");
    assert.equal(asMarkdown(table), "### Title\n\n|  | ms |\n| --- | ---: |\n| one thing | 5 |");
  });

  it("tells the order of a curve", () => {
    const curve = (of: (x: number) => number): { x: number; y: number }[] => [1, 10, 50].map((x) => ({ x, y: of(x) }));
    assert.equal(orderOf(curve(() => 7))?.toFixed(6), "0.000000");
    assert.equal(orderOf(curve((x) => 3 * x))?.toFixed(6), "1.000000");
    assert.equal(orderOf(curve((x) => x ** 2 / 9))?.toFixed(6), "2.000000");
    assert.equal(orderOf([{ x: 1, y: 2 }]), undefined);
    assert.equal(orderOf(curve((x) => x - 1)), undefined);
  });

  it("writes numbers with the digits that count", () => {
    assert.deepEqual([0.123, 5, 45.67, 1234.5].map(shortNumber), ["0.12", "5", "45.7", "1235"]);
  });

  it("draws each program's line through its sizes, the largest value inside the plot", () => {
    const plot = plotsOf(MEASURED).get("cpu-by-agents");
    assert.deepEqual(
      plot?.series.map(({ name, points }) => [name, points]),
      [
        [
          "this bridge",
          [
            { x: 1, y: 30 },
            { x: 50, y: 14 },
          ],
        ],
        [
          "matrix-nio",
          [
            { x: 1, y: 15 },
            { x: 50, y: 15 },
          ],
        ],
      ],
    );
    const svg = svgOf({ title: "A < B & C", x: "x", y: "y", series: plot.series });
    assert.match(svg, /A &lt; B &amp; C/);
    assert.equal(svg.match(/<polyline/g)?.length, 2);
    assert.match(svg, />40<\/text>/);
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
    // One size alone is in the middle, and nothing is divided by nothing.
    assert.doesNotMatch(
      svgOf({ title: "", x: "", y: "", series: [{ name: "", points: [{ x: 5, y: 0 }] }] }),
      /NaN|Infinity/,
    );
  });

  it("draws a course over time from edge to edge, with few marks", () => {
    const course = (points: readonly { x: number; y: number }[]): string =>
      svgOf({ title: "", x: "minutes", y: "", across: "time", series: [{ name: "", points }] });
    const svg = course([
      { x: 0, y: 1 },
      { x: 5.3, y: 2 },
      { x: 10.6, y: 1 },
    ]);
    assert.match(svg, /points="64,[\d.]+ 344,[\d.]+ 624,[\d.]+"/);
    assert.deepEqual(
      [...svg.matchAll(/middle">([\d.]+)</g)].map(([, mark]) => mark),
      ["0", "4", "8"],
    );
    assert.doesNotMatch(course([{ x: 0, y: 0 }]), /NaN|Infinity/);
  });
});
