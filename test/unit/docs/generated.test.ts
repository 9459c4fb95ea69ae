import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { describe, it } from "node:test";
import { GENERATED } from "../../../docs/generate/pages.ts";
import { readSchema, settingsOf } from "../../../docs/generate/schema.ts";
import { METRICS, type Declaration } from "../../../src/observability/metrics.ts";

describe("the references", () => {
  for (const { file, make } of GENERATED) {
    it(`${basename(file)} is as its source makes it (npm run docs)`, async () => {
      assert.equal(await readFile(file, "utf8"), await make());
    });
  }
});

describe("config.schema.yaml", () => {
  it("describes every setting and group", async () => {
    const settings = settingsOf(await readSchema());
    assert.ok(settings.length > 80);
    const silent = settings.filter(({ schema }) => (schema.description ?? "").length < 5).map(({ path }) => path);
    assert.deepEqual(silent, []);
  });
});

describe("the metrics", () => {
  it("have names that tell the counted thing and its unit, and labels that are each explained", () => {
    for (const { name, kind, help, labels } of Object.values<Declaration>(METRICS)) {
      assert.match(name, /^matrix_agents_[a-z_]+$/);
      assert.equal(name.endsWith("_total"), kind === "counter", name);
      if (kind === "histogram") assert.match(name, /_seconds$/);
      assert.match(help, /\.$/, name);
      for (const [label, meaning] of Object.entries(labels)) assert.ok(meaning.length > 3, `${name} ${label}`);
    }
  });
});
