import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { renderMarkdown } from "../../../src/text/markdown.ts";
import { describeDistrust, identityOf, nameOf } from "../../../src/answering/notices.ts";
import { english } from "../../../src/language/english.ts";

const userId = "@alice:example.org";

describe("the name of a person in a notice", () => {
  it("is their display name, and their user id where the name could be somebody else's", () => {
    assert.equal(nameOf({ userId, displayName: "Alice" }), "Alice");
    for (const displayName of ["\u3164", "\u2800"])
      assert.equal(nameOf({ userId, displayName }), "`@alice:example.org`");
    for (const displayName of ["＠admin：good.org", "evil.example/login"]) {
      assert.ok(nameOf({ userId, displayName }).endsWith("(`@alice:example.org`)"), displayName);
    }
    assert.equal(identityOf({ userId: "@a`b:c.d", displayName: "" }), "`@ab:c.d`");
    assert.equal(nameOf({ userId, displayName: "Алиса :-)" }), "Алиса \\:-)");
    for (const displayName of ["@bob:example.org", "bob:example.org", "your admin @bob"])
      assert.ok(nameOf({ userId, displayName }).endsWith("(`@alice:example.org`)"), displayName);
    for (const displayName of ["", " ", "\u200b\u202e", "[]", userId])
      assert.equal(nameOf({ userId, displayName }), "`@alice:example.org`");
    assert.equal(identityOf({ userId, displayName: "Alice" }), "Alice (`@alice:example.org`)");
  });

  it("is plain text, of one line and a limited length", () => {
    for (const displayName of [
      "**bold** _x_ `code` [link](https://evil.example) <b>html</b>",
      "https://evil.example/",
      "a\n\n# heading\n- list",
      "![x](y) $1$ ~~z~~ | a | &lt;",
      "\u202eecilA",
      "😀".repeat(500),
      "x".repeat(60_000),
    ]) {
      const { body, formattedBody = "" } = renderMarkdown(`because of ${nameOf({ userId, displayName })}.`);
      assert.deepEqual(formattedBody.match(/<(?!\/?p>|\/?code>)[^>]*>/g), null, formattedBody);
      assert.doesNotMatch(body, /[\n\u202e\ufffd]/);
      assert.ok(body.length < 300);
    }
  });

  it("has the user id beside it where an identity has changed", () => {
    const alice = { userId, displayName: "Alice" };
    for (const why of ["identity_changed", "verified_identity_changed"] as const)
      assert.match(describeDistrust(english, "Llama", alice, why), /identity of Alice \(`@alice:example\.org`\)/);
    assert.match(describeDistrust(english, "Llama", alice, "unsigned_device"), /Alice has not verified the device/);
    // People are not named in their own direct chat.
    assert.match(describeDistrust(english, "Llama", undefined, "unsigned_device"), /you have not verified the device/);
    for (const why of ["identity_changed", "verified_identity_changed"] as const) {
      const said = describeDistrust(english, "Llama", undefined, why);
      assert.match(said, /your encryption identity (?:was|has)/);
      assert.doesNotMatch(said, /undefined|If you has/);
    }
  });
});
