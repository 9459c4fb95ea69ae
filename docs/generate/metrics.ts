import { createMetrics, METRICS, type Declaration } from "../../src/observability/metrics.ts";
import { table } from "./table.ts";

/** docs/metrics.md, made of src/observability/metrics.ts. */
export async function metricsReference(): Promise<string> {
  const own: readonly Declaration[] = Object.values(METRICS);
  const names = new Set(own.map(({ name }) => name));
  const usual = (await createMetrics(() => undefined).describe()).filter(({ name }) => !names.has(name));
  return `# Metrics

<!-- Made of src/observability/metrics.ts by \`npm run docs\`; edit that. -->

\`/metrics\` ([operations.md](operations.md)) answers in Prometheus' text format. Times are in seconds. Labels hold names of agents and providers
and words from short lists, never the id of a user, a room or an event.

Several processes on one database each have a listener. They report the same values for metrics of the whole database: take the maximum, not the
sum.

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

A histogram's name has \`_bucket\`, \`_sum\` and \`_count\` behind it. The buckets end at:

${own
  .filter(({ buckets }) => buckets !== undefined)
  .map(({ name, buckets }) => `- \`${name}\`: ${buckets?.join(", ") ?? ""}`)
  .join("\n")}

## Process and Node.js

The usual dashboards for Node.js know these.

${table(
  ["metric", "kind", "meaning"],
  usual.map(({ name, kind, help }) => [`\`${name}\``, kind, help]),
)}
`;
}
