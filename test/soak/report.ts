import { svgOf, type Plot } from "../bench/report/plot.ts";
import type { Sample } from "./sample.ts";
import type { SoakResult } from "./soak.ts";

const [WIDTH, HEIGHT] = [640, 360];
const MIB = 2 ** 20;
const TABLES_SHOWN = 4;

/** The result in words, and whether nothing was lost, nothing grew, and agents left memory and came back. */
export function reportOf({ minutes, tally, visits, restarts, unloaded, trends }: SoakResult): {
  readonly lines: readonly string[];
  readonly isGood: boolean;
} {
  const { asked, once, lost, twice, undecryptable, notices, said } = tally;
  const isWhole = lost + twice + undecryptable + notices === 0;
  const kills = restarts.filter(({ how }) => how === "kill").length;
  const grown = trends.filter(({ isFlat }) => !isFlat);
  return {
    isGood: isWhole && unloaded > 0 && grown.length === 0,
    lines: [
      `${minutes.toFixed(1)} minutes, ${visits} visits, ${restarts.length} restarts (${kills} by SIGKILL), the agent out of memory ${unloaded} times`,
      `asked ${asked}, answered once ${once}, lost ${lost}, twice ${twice}, undecryptable ${undecryptable}, notices ${notices}${said.length === 0 ? "" : `: ${said.join(" | ")}`}`,
      ...trends.map(({ what, unit, mean, growth, bound, because, isFlat }) => {
        const by = `${growth >= 0 ? "+" : ""}${growth.toFixed(2)}`;
        return `${isFlat ? "flat " : "GROWS"} ${what}: ${by} at a mean of ${mean.toFixed(1)} ${unit} (bound ${bound.toFixed(1)}: ${because})`;
      }),
      isWhole ? "Nothing lost, nothing said twice." : "Not all questions have exactly one readable answer.",
    ],
  };
}

/** The course of the run, one plot below the other, as SVG. */
export function plotOf({ samples }: SoakResult): string {
  const over = (name: string, of: (sample: Sample) => number, isMeant: (sample: Sample) => boolean = () => true) => ({
    name,
    points: samples.filter(isMeant).map((sample) => ({ x: sample.minutes, y: of(sample) })),
  });
  const time = { x: "minutes", across: "time" } as const;
  const plots: Plot[] = [
    {
      ...time,
      title: "Memory of the bridge",
      y: "MiB (PSS)",
      series: [
        over("memory", (sample) => sample.memory),
        over(
          "after a full collection",
          (sample) => sample.memory,
          (sample) => sample.isCollected,
        ),
      ],
    },
    { ...time, title: "Lag of the event loop", y: "ms", series: [over("99th percentile", (sample) => sample.lag)] },
    {
      ...time,
      title: "Open connections and agents in memory",
      y: "",
      series: [
        over("connections to the database", (sample) => sample.connections),
        over("files and sockets", (sample) => sample.files),
        over("agents", (sample) => sample.loaded),
      ],
    },
    {
      ...time,
      title: "The largest tables",
      y: "MiB",
      series: largestTables(samples).map((table) => over(table, (sample) => (sample.tables[table] ?? 0) / MIB)),
    },
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT * plots.length}">`,
    ...plots.map((plot, at) =>
      svgOf(plot).replace("<svg ", `<svg y="${HEIGHT * at}" width="${WIDTH}" height="${HEIGHT}" `),
    ),
    "</svg>",
  ].join("\n");
}

function largestTables(samples: readonly Sample[]): string[] {
  return Object.entries(samples.at(-1)?.tables ?? {})
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, TABLES_SHOWN)
    .map(([name]) => name);
}
