import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { libraries } from "../../../docs/generate/notice.ts";

/** The licences of code that may be shipped under Apache-2.0: each asks for no more than that its text comes along. */
const PERMISSIVE: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0",
  // Of fonts, which may go with any program.
  "OFL-1.1",
  "PSF-2.0",
  "PostgreSQL",
  "Python-2.0",
  "Unlicense",
]);

/** Whether one of the licences to choose from will do (SPDX: `(A OR B)`). */
function isPermissive(licence: string): boolean {
  return licence
    .replace(/^\((.*)\)$/, "$1")
    .split(" OR ")
    .some((one) => one.split(" AND ").every((part) => PERMISSIVE.has(part)));
}

describe("the libraries that are shipped", () => {
  it("have licences with which Apache-2.0 can be shipped", async () => {
    const all = await libraries();
    assert.ok(all.length > 150);
    assert.deepEqual(
      all.filter(({ licence }) => !isPermissive(licence)),
      [],
    );
  });

  it("would be found out with another licence", () => {
    for (const licence of [
      "GPL-3.0-only",
      "AGPL-3.0",
      "",
      "UNLICENSED",
      "(GPL-2.0 OR LGPL-3.0)",
      "MIT AND GPL-2.0",
      "SSPL-1.0",
    ])
      assert.ok(!isPermissive(licence), licence);
    for (const licence of ["MIT", "(MIT OR GPL-3.0)", "MIT AND ISC"]) assert.ok(isPermissive(licence), licence);
  });
});
