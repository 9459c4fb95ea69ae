import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { path } from "../../../src/homeserver/path.ts";

describe("a path", () => {
  for (const [segment, encoded] of [
    ["!room:example.org", "!room%3Aexample.org"],
    ["a/b?c#d%e", "a%2Fb%3Fc%23d%25e"],
    ["", ""],
    ["..a", "..a"],
    ["é 🙂", "%C3%A9%20%F0%9F%99%82"],
  ] as const) {
    it(`keeps ${JSON.stringify(segment)} one segment`, () => {
      const built = path`/rooms/${segment}/state/${"x"}`;
      assert.equal(built, `/rooms/${encoded}/state/x`);
      assert.equal(new URL(built, "http://h").pathname, built);
    });
  }

  for (const segment of [".", ".."]) {
    it(`refuses ${segment}, which a URL would resolve`, () => assert.throws(() => path`/rooms/${segment}`, RangeError));
  }
});
