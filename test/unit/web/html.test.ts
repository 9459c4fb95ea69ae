import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { html } from "../../../src/web/html.ts";

const HOSTILE = `<script>alert(1)</script>"'&`;

describe("a piece of the page", () => {
  it("escapes texts, in lists and in attributes, and nothing twice", () => {
    const inner = html`<b title="${HOSTILE}">${HOSTILE}</b>`;
    const text = html`<p>${[inner, [HOSTILE]]}${undefined}${false}${0}</p>`.toString();
    assert.doesNotMatch(text, /<script|"'/);
    assert.equal(text.split("&lt;script&gt;").length, 4);
    assert.doesNotMatch(text, /&amp;lt;/);
    assert.match(text, /0<\/p>$/);
  });

  it("lets no text turn or hide what stands beside it", () => {
    const text = html`<p>${"a\u202eb\u2066c\u0000d\ud800e\u200ff\ng"}${["\u202e"]}</p>`.toString();
    assert.equal(text, "<p>a b c d\ufffde f g </p>");
  });
});
