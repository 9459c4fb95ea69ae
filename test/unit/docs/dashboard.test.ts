import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, describe, it } from "node:test";
import { load } from "js-yaml";
import { createMetrics, METRICS, type Declaration } from "../../../src/observability/metrics.ts";
import { inCheckout } from "../../support/paths.ts";

/** Metrics that Prometheus itself makes. */
const PROMETHEUS = ["up"];

/** The names of metrics in a query: before a selector, or alone in a function. */
function namesIn(query: string): string[] {
  const names = query.matchAll(/\b(?:matrix_agents|process|nodejs)_[a-z0-9_]+\b|\bup\b/g);
  return [...names].map(([name]) => name);
}

/** The labels by which a query selects or sums, with the metric of the same query. */
function labelsIn(query: string): string[] {
  const selected = [...query.matchAll(/([a-z_]+)(?:=|!=|=~|!~)"/g)].map(([, label = ""]) => label);
  const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = ""]) => labels.split(/,\s*/));
  return [...selected, ...grouped];
}

interface Asked {
  readonly where: string;
  readonly query: string;
}

describe("the metrics that the dashboard and alerts ask for", () => {
  const asked: Asked[] = [];
  const declared = Object.values<Declaration>(METRICS);
  let known: Set<string>;

  before(async () => {
    const dashboard = JSON.parse(await readFile(inCheckout("docker/grafana/dashboard.json"), "utf8")) as {
      panels: { title: string; targets?: { expr: string }[] }[];
    };
    for (const { title, targets = [] } of dashboard.panels) {
      for (const { expr } of targets) asked.push({ where: `the panel ${title}`, query: expr });
    }
    const alerts = load(await readFile(inCheckout("docker/prometheus/alerts.yaml"), "utf8")) as {
      groups: { rules: { alert: string; expr: string }[] }[];
    };
    for (const { alert, expr } of alerts.groups.flatMap(({ rules }) => rules)) {
      asked.push({ where: `the alert ${alert}`, query: expr });
    }
    const all = await createMetrics(() => undefined).describe();
    known = new Set([
      ...PROMETHEUS,
      ...all.flatMap(({ name, kind }) =>
        kind === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
    ]);
  });

  it("exist", () => {
    assert.ok(asked.length > 40);
    for (const { where, query } of asked) {
      const names = namesIn(query);
      assert.ok(names.length > 0, `${where} asks for nothing`);
      for (const name of names) assert.ok(known.has(name), `${where} asks for ${name}, which there is not`);
    }
  });

  it("are grouped by existing labels", () => {
    for (const { where, query } of asked) {
      const labels = new Set(["job", "instance", "le"]);
      for (const { name, labels: own } of declared) {
        if (namesIn(query).some((asked) => asked.startsWith(name)))
          for (const label of Object.keys(own)) labels.add(label);
      }
      for (const label of labelsIn(query)) assert.ok(labels.has(label), `${where} tells apart by ${label}`);
    }
  });

  it("include every metric of ours", () => {
    const names = asked.flatMap(({ query }) => namesIn(query));
    const unseen = declared.map(({ name }) => name).filter((name) => !names.some((one) => one.startsWith(name)));
    assert.deepEqual(unseen, ["matrix_agents_readings_failed"]);
  });
});
