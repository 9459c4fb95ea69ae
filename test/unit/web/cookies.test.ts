import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressOf } from "../../../src/web/address.ts";
import { cookieIn, languageOf, sessionCookie, sessionCookieName } from "../../../src/web/cookies.ts";

const LOCAL = { bind: "127.0.0.1", port: 9595, url: undefined, viewers: [] };

describe("the page's cookies", () => {
  it("are read by their whole names", () => {
    assert.equal(cookieIn("a=1; b=2", "b"), "2");
    assert.equal(cookieIn("xb=1;b=2=3", "b"), "2=3");
    for (const header of [undefined, "", "b", "=2", "ab=1", "b=1; b=2", `a=${"x".repeat(9_000)}; b=2`]) {
      assert.equal(cookieIn(header, "b"), undefined, header);
    }
  });

  it("are hidden from scripts and from other sites' forms, stay below the page's path, and go by https where it has that", () => {
    const local = sessionCookie(addressOf(LOCAL));
    assert.deepEqual(
      [local.httpOnly, local.sameSite, local.secure, local.path, local.maxAge],
      [true, "lax", false, "/", 12 * 3_600_000],
    );
    const behind = sessionCookie(addressOf({ ...LOCAL, url: "https://example.org/agents/" }));
    assert.deepEqual([behind.secure, behind.path], [true, "/agents"]);
  });

  it("have a name that no neighbour can set, where the page has https", () => {
    assert.equal(sessionCookieName(addressOf(LOCAL)), "matrix_agents_session");
    assert.equal(
      sessionCookieName(addressOf({ ...LOCAL, url: "https://example.org" })),
      "__Host-matrix_agents_session",
    );
    assert.equal(
      sessionCookieName(addressOf({ ...LOCAL, url: "https://example.org/agents" })),
      "__Secure-matrix_agents_session",
    );
  });
});

describe("the page's language", () => {
  it("is the chosen one, else the browser's first that there is, else English", () => {
    assert.equal(languageOf("de", ["en"]), "de");
    assert.equal(languageOf("xx", ["fr-FR", "de-AT", "en"]), "de");
    assert.equal(languageOf(undefined, ["*"]), "en");
    assert.equal(languageOf("__proto__", []), "en");
  });
});
