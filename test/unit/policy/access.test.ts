import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mayTalk } from "../../../src/policy/access.ts";

describe("who may talk with agents", () => {
  it("is told by globs of user ids, matched whole and literally", () => {
    assert.ok(mayTalk({ users: ["@*:example.org"], ignore: [] }, "@alice:example.org"));
    assert.ok(!mayTalk({ users: ["@*:example.org"], ignore: [] }, "@alice:exampleXorg"));
    assert.ok(!mayTalk({ users: ["@*:example.org"], ignore: [] }, "@alice:example.org.evil.net"));
    assert.ok(!mayTalk({ users: ["@*:example.org"], ignore: [] }, "@x:evil.net\n@alice:example.com"));
    assert.ok(mayTalk({ users: ["@a?ice:example.org"], ignore: [] }, "@alice:example.org"));
    assert.ok(mayTalk({ users: ["@bob:b.c", "@a+b:b.c"], ignore: [] }, "@a+b:b.c"));
    assert.ok(!mayTalk({ users: [], ignore: [] }, "@alice:example.org"));
  });

  it("is not who is ignored, however many are let in", () => {
    const access = { users: ["@*:*"], ignore: ["@_*:*", "@telegram_*:*"] };
    assert.ok(mayTalk(access, "@alice:example.org"));
    for (const userId of ["@_slack_U1:example.org", "@telegram_1:example.org"]) assert.ok(!mayTalk(access, userId));
  });
});
