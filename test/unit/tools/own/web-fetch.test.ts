import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nextUrl } from "../../../../src/tools/own/web-fetch.ts";

const next = (from: string, location: string): string | undefined => nextUrl(new URL(from), location)?.href;

describe("the address to which a page leads", () => {
  it("may be encrypted where it was not, and never the other way round", () => {
    assert.equal(next("http://a.example/x", "https://a.example/x"), "https://a.example/x");
    assert.equal(next("https://a.example/x", "http://a.example/x"), undefined);
    assert.equal(next("https://a.example/x", "HTTP://a.example/x"), undefined);
    assert.equal(next("https://a.example/x", " http://a.example/"), undefined);
  });

  it("may be relative, and is of no other scheme", () => {
    assert.equal(next("https://a.example/x/y", "../z"), "https://a.example/z");
    assert.equal(next("https://a.example/x", "//b.example/"), "https://b.example/");
    for (const location of ["file:///etc/passwd", "data:text/plain,x", "javascript:1", "ftp://a.example/", "http://["])
      assert.equal(next("http://a.example/", location), undefined, location);
  });
});
