import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mayTalk } from "../../../src/policy/access.ts";

describe("who may talk with agents", () => {
  it("is told by globs of user ids, matched whole and literally", () => {
    assert.ok(mayTalk(["@*:example.org"], "@alice:example.org"));
    assert.ok(!mayTalk(["@*:example.org"], "@alice:exampleXorg"));
    assert.ok(!mayTalk(["@*:example.org"], "@alice:example.org.evil.net"));
    assert.ok(!mayTalk(["@*:example.org"], "@x:evil.net\n@alice:example.com"));
    assert.ok(mayTalk(["@a?ice:example.org"], "@alice:example.org"));
    assert.ok(mayTalk(["@bob:b.c", "@a+b:b.c"], "@a+b:b.c"));
    assert.ok(!mayTalk([], "@alice:example.org"));
  });
});
