import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { html } from "../../../src/web/html.ts";

const HOSTILE = `<script>alert(1)</script>"'&\u0000\u202e`;

describe("a piece of the page", () => {
  it("escapes texts, in lists and in attributes, and nothing twice", () => {
    const inner = html`<b title="${HOSTILE}">${HOSTILE}</b>`;
    const text = html`<p>${[inner, [HOSTILE]]}${undefined}${false}${0}</p>`.toString();
    assert.doesNotMatch(text, /<script|"'/);
    assert.equal(text.split("&lt;script&gt;").length, 4);
    assert.doesNotMatch(text, /&amp;lt;/);
    assert.match(text, /0<\/p>$/);
  });
});
