import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wantedScopes } from "../../../src/tools/sign-in/scope-challenge.ts";

const error = 'Bearer error="insufficient_scope"';

describe("a server that wants further rights of a person", () => {
  it("names them", () => {
    for (const [header, scopes] of [
      [`${error}, scope="files:read files:write"`, ["files:read", "files:write"]],
      [`${error}, scope="a a"`, ["a"]],
      [
        `Bearer realm="x", scope="https://api.example.org/auth/a.b", error="insufficient_scope"`,
        ["https://api.example.org/auth/a.b"],
      ],
      ["bearer error=insufficient_scope,scope=a", ["a"]],
      [`${error}, resource_metadata="https://hs/", error_description="more", scope="a"`, ["a"]],
    ] as const)
      assert.deepEqual(wantedScopes(header), scopes, header);
  });

  it("is refused where they can't be asked for", () => {
    const many = Array.from({ length: 11 }, (_, nth) => `s${nth}`).join(" ");
    for (const scope of ["", "`a`", "<b>", "ä", "a\\b", "x".repeat(101), many])
      assert.deepEqual(wantedScopes(`${error}, scope="${scope}"`), [], scope);
    assert.deepEqual(wantedScopes(error), []);
    assert.deepEqual(wantedScopes(`${error}, ${"x".repeat(5_000)}, scope="a"`), []);
  });

  it("is told from one that wants something else", () => {
    for (const header of [
      null,
      "",
      "Basic",
      'Bearer error="invalid_token", scope="a"',
      'Bearer scope="insufficient_scope"',
    ])
      assert.equal(wantedScopes(header), undefined);
  });
});
