import { createMetrics, METRICS, type Declaration } from "../../src/observability/metrics.ts";
import { table } from "./table.ts";

/** docs/metrics.md, made of src/observability/metrics.ts. */
export async function metricsReference(): Promise<string> {
  const own: readonly Declaration[] = Object.values(METRICS);
  const names = new Set(own.map(({ name }) => name));
  const usual = (await createMetrics(() => undefined).describe()).filter(({ name }) => !names.has(name));
  return `# Metrics

<!-- Made of src/observability/metrics.ts by \`npm run docs\`; edit that. -->

What \`/metrics\` tells ([operations.md](operations.md)), in Prometheus' text form. Times are in seconds. Labels hold names
of agents and providers and words from short lists, never the id of a user, a room or an event.

With several processes on one database each has a listener of its own. What is said to be of the whole database is told by
each of them alike: take the maximum, not the sum.

${table(
  ["metric", "kind", "labels", "meaning"],
  own.map(({ name, kind, labels, help }) => [
    `\`${name}\``,
    kind,
    Object.entries(labels)
      .map(([label, meaning]) => `\`${label}\`: ${meaning}`)
      .join("<br>"),
    help,
  ]),
)}

A histogram has \`_bucket\`, \`_sum\` and \`_count\` behind its name. Their buckets end at:

${own
  .filter(({ buckets }) => buckets !== undefined)
  .map(({ name, buckets }) => `- \`${name}\`: ${buckets?.join(", ") ?? ""}`)
  .join("\n")}

## Of the process and of Node.js

As the usual dashboards for Node.js know them.

${table(
  ["metric", "kind", "meaning"],
  usual.map(({ name, kind, help }) => [`\`${name}\``, kind, help]),
)}
`;
}
