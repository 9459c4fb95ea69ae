import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { matchesGlob, particularity } from "../../../src/text/glob.ts";

describe("a glob", () => {
  for (const [glob, text, matches] of [
    ["@*:example.org", "@alice:example.org", true],
    ["@*:example.org", "@alice:exampleXorg", false],
    ["@*:example.org", "@alice:example.org.evil.net", false],
    ["@*:example.org", "@x:evil.net\n@alice:example.com", false],
    ["@a?ice:example.org", "@alice:example.org", true],
    ["@a?ice:example.org", "@aice:example.org", false],
    ["@a+b:b.c", "@a+b:b.c", true],
    ["@a+b:b.c", "@aab:b.c", false],
    ["*", "", true],
    ["?", "", false],
    ["", "", true],
    ["", "a", false],
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "a-b-b", false],
    ["**a**", "xa", true],
    ["?", "🎈", true],
    ["*[a-z](", "x[a-z](", true],
  ] as const) {
    it(`${glob} stands ${matches ? "" : "not "}for ${JSON.stringify(text)}`, () => {
      assert.equal(matchesGlob(glob, text), matches);
    });
  }

  it("is matched in linear time, whatever its form", () => {
    const begin = performance.now();
    for (const glob of ["*a".repeat(127), "*".repeat(255), `${"*a?".repeat(80)}b`, "?".repeat(255)]) {
      assert.equal(matchesGlob(`${glob}!`, "a".repeat(255)), false);
    }
    assert.ok(performance.now() - begin < 1_000);
  });

  it("is more specific the more characters it names, and most without any wildcard", () => {
    assert.ok(particularity("*") < particularity("*.org"));
    assert.ok(particularity("*.org") < particularity("*.example.org"));
    assert.ok(particularity("*.example.org.and.more") < particularity("a.b"));
  });
});
