import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { describe, it } from "node:test";
import { ASSETS } from "../../../src/web/assets.ts";
import { inCheckout } from "../../support/paths.ts";

describe("the files beside the page", () => {
  it("are less than 200 kB with it, and name no other address", async () => {
    const sizes = await Promise.all(
      Object.values(ASSETS).map(async ({ source }) => (await stat(new URL(source, inAssets()))).size),
    );
    const all = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(all < 120_000, `${all} bytes, with 80 kB left for the page itself`);
    for (const name of ["page.css", "page.js", "icon.svg"] as const) {
      const text = await readFile(inCheckout(`src/web/assets/${name}`), "utf8");
      assert.doesNotMatch(text.replace("http://www.w3.org/2000/svg", ""), /https?:|\/\/[a-z]/, name);
    }
  });
});

/** The places are relative to the file that names them. */
function inAssets(): URL {
  return new URL("../../../src/web/assets.ts", import.meta.url);
}
