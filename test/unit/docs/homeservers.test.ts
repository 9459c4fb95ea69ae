import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { SYNAPSE_VERSION } from "../../../quickstart/synapse.ts";
import { OLDEST_SYNAPSE } from "../../../src/homeserver/survey.ts";
import { DENDRITE_VERSION } from "../../support/dendrite.ts";
import { inCheckout } from "../../support/paths.ts";
import { SHAPES } from "../../support/stand-in.ts";

describe("the table of homeservers", async () => {
  const page = await readFile(inCheckout("docs/homeservers.md"), "utf8");
  const rows = page
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const rowOf = (name: string): readonly string[] => {
    const row = rows.find((cells) => cells[1] === name && cells.length > 5);
    assert.ok(row, `there is no row of ${name}`);
    return row;
  };

  it("has the versions that the tests run, and says that they are run", () => {
    for (const name of [
      `Synapse ${SYNAPSE_VERSION}`,
      `Synapse ${OLDEST_SYNAPSE}`,
      `Dendrite ${DENDRITE_VERSION}`,
      "Synapse with workers",
    ]) {
      assert.match(rowOf(name)[2] ?? "", /^run/);
    }
  });

  it("says of each homeserver that only a stand-in answers for that it was not run", () => {
    for (const name of Object.keys(SHAPES)) {
      const row = rowOf(name === "a homeserver without devices" ? "any other" : name);
      assert.match(row[2] ?? "", /^\*\*not run\*\*/);
    }
  });

  it("has a row for each file of tests", async () => {
    const files = (await readdir(inCheckout("test/homeservers"))).filter((file) => file.endsWith(".test.ts"));
    for (const file of files) assert.ok(page.includes(`../test/homeservers/${file} "`), file);
  });
});
