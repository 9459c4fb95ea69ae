import { readFile } from "node:fs/promises";
import { svgOf } from "../../test/bench/report/plot.ts";
import { plotsOf } from "../../test/bench/report/plots.ts";
import { shortNumber } from "../../test/bench/report/goals.ts";
import { growthOf } from "../../test/bench/report/growth.ts";
import { asMarkdown } from "../../test/bench/report/table.ts";
import { tablesOf } from "../../test/bench/report/tables.ts";
import { largeDeployment } from "./large-deployment.ts";
import { soakSection } from "./soak.ts";
import type { Results } from "../../test/bench/results.ts";

/** Written by `npm run bench`, and copied here. */
const RESULTS = new URL("../performance/results.json", import.meta.url);

async function readResults(): Promise<Results> {
  return JSON.parse(await readFile(RESULTS, "utf8")) as Results;
}

/** The plots, as SVG, by the names of their files in docs/images/performance/. */
export async function performancePlots(): Promise<ReadonlyMap<string, string>> {
  const { measured } = await readResults();
  return new Map([...plotsOf(measured)].map(([name, plot]) => [`${name}.svg`, `${svgOf(plot)}\n`]));
}

/** docs/performance.md, made of docs/performance/results.json. */
export async function performancePage(): Promise<string> {
  const { machine, measured } = await readResults();
  const plots = [...plotsOf(measured)].map(([name, plot]) =>
    [
      `![${plot.title}](images/performance/${name}.svg)`,
      growthOf(plot)
        .map((line) => `- ${line}`)
        .join("\n"),
    ].join("\n\n"),
  );
  return `# Performance

<!-- Made of docs/performance/results.json and docs/generate/performance.ts by \`npm run docs\`; edit these. -->

\`npm run bench\` measures all of this; \`npm run bench -- --quick\` measures the first part in three minutes. To publish a run, copy
\`bench-results/results.json\` to \`docs/performance/results.json\` and run \`npm run docs\`.

## Machine

${machine.processors} processors (${machine.model}), ${machine.memoryGiB} GiB of memory, ${machine.system}, Node ${machine.node}. The load was
${machine.load} when the run began. Times are of this machine. Ratios within the run carry over to others.

## Method

- Everything is real: Synapse on PostgreSQL, and the bridge on a PostgreSQL server of its own. Both servers wait for their disks (fsync). The
  model server answers at once with an echo of the question.
- People use matrix-js-sdk, in processes of their own. An answer counts when the person's client has decrypted it, and when it holds the
  question's own words.
- Two plain bots do the same job beside the bridge, on the same Synapse and in the same run: [one on
  matrix-nio](../test/bench/peers/nio_bot.py), a process for each agent, and [one on
  matrix-js-sdk](../test/bench/peers/js-sdk-bots.ts), all agents in one process with stores in memory. They ask the same model, and do nothing
  else: they keep no history, survive no crash without loss, and check nobody's identity.
- The programs take turns in rounds, and another one begins each round. All of them are warm. Every number is the median of the rounds.
- Processor time comes from \`/proc/PID/stat\` of a program's processes, their children, and the children that have ended. So a
  PostgreSQL server counts with all of its connections, those that are gone among them. Work in the second and a half after the last answer counts
  too. From Synapse's time the bench takes away what Synapse does when nobody asks, because Synapse serves all programs at once.
- In rooms with many members and devices, the first question comes after the agent's greeting, as a person would ask it. The
  greeting gives all devices the agent's key; the time from the invitation to it stands beside. Runs before December 2026 asked at once.
- Counts are taken on the wires, through proxies that read PostgreSQL's protocol and HTTP. The bytes of the write-ahead log are PostgreSQL's own
  count.

## Numbers

${tablesOf(measured).map(asMarkdown).join("\n\n")}

## Growth

The power 0 is flat, 1 is a straight line, 2 is a square. A fixed cost that outweighs the growing one at small sizes lowers the power.

${plots.join("\n\n")}

## Where the limit is

${limits(measured).join("\n")}

${largeDeployment(measured)}
${await soakSection()}`;
}

/** The answers that a core is enough for, by the processor's time of an answer when many are open. */
function limits({ answer, crowd = [] }: Results["measured"]): string[] {
  const largest = crowd.at(-1) ?? answer;
  const bridge = largest?.peers.bridge;
  if (largest === undefined || bridge === undefined) return ["Not measured."];
  const perSecond = (ms: number): string => shortNumber(1_000 / ms);
  return [
    `- Synapse's main process computes on one core. At ${shortNumber(bridge.synapseMs)} ms for an answer, that core is full at ${perSecond(bridge.synapseMs)} answers a second. Synapse's workers move this limit.`,
    `- A process of the bridge computes on one core too: at ${shortNumber(bridge.cpuMs)} ms for an answer it is full at ${perSecond(bridge.cpuMs)} answers a second. Several processes share the agents of one database.`,
    `- The bridge's PostgreSQL takes ${shortNumber(bridge.databaseMs)} ms for an answer, which spread over its cores.`,
    `- With ${largest.agents === 1 ? "one agent" : `${largest.agents} agents`} asked at once, ${shortNumber(bridge.perSecond)} answers came in a second on this machine, which the people's clients shared.`,
  ];
}
