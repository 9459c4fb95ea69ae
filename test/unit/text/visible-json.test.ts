import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { visibleJson } from "../../../src/text/visible-json.ts";

/** Characters that hide something: each is invisible, looks like a space, or turns text around. */
const HIDING = [
  ...["\u0000", "\u0007", "\u001b", "\u007f", "\u0085", "\u009b", "\u00a0", "\u00ad", "\u034f", "\u061c", "\u115f"],
  ...["\u1160", "\u1680", "\u17b4", "\u180e", "\u2003", "\u200b", "\u200d", "\u200e", "\u200f", "\u2028", "\u2029"],
  ...["\u202a", "\u202e", "\u202f", "\u205f", "\u2060", "\u2066", "\u2069", "\u2800", "\u3000", "\u3164", "\ufe0f"],
  ...["\ufeff", "\uffa0", "\ufff9", "\ud800", "\udfff", "\u{e0001}", "\u{e0061}", "\u{1d173}", "\u{f0000}"],
];

describe("JSON that people read", () => {
  it("hides nothing, and is JSON of the same value", () => {
    for (const hiding of HIDING) {
      const value = { [`a${hiding}b`]: [`c${hiding}d`] };
      const written = visibleJson(value);
      assert.match(written, /^[ -~\n]*$/, JSON.stringify(hiding));
      assert.deepEqual(JSON.parse(written), value);
    }
  });

  it("pushes nothing out of sight by spaces", () => {
    for (const count of [9, 40, 5_000]) {
      const value = { list: [{ [`ls${" ".repeat(count)}x`]: `ls${" ".repeat(count)};rm` }] };
      const written = visibleJson(value);
      assert.ok(!/\S {9}/.test(written));
      assert.deepEqual(JSON.parse(written), value);
    }
    const code = { deep: [[[[[[["if a:\n        b"]]]]]]] };
    assert.equal(visibleJson(code), JSON.stringify(code, null, 2));
  });

  it("leaves readable text of all languages as it is", () => {
    const text = "Grüße, 東京, שלום, مرحبا, 😀 <b>&amp; `x` \\u202e";
    assert.ok(visibleJson({ text }).includes(text.replace("\\", "\\\\")));
  });

  it("mentions nobody", () => {
    assert.ok(!/@room/i.test(visibleJson(["@room", "@ROOM"])));
    assert.deepEqual(JSON.parse(visibleJson(["@room"])), ["@room"]);
  });
});
