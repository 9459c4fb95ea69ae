import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressOf, signInLink } from "../../../src/web/address.ts";
import { isOwnForm } from "../../../src/web/security-headers.ts";

const LOCAL = { bind: "127.0.0.1", port: 9595, url: undefined, viewers: [] };
const BEHIND = { ...LOCAL, url: "https://example.org/agents/" };

describe("the page's address", () => {
  it("is the listener's, where no proxy is named", () => {
    const { url, path, isSecure } = addressOf(LOCAL);
    assert.deepEqual([url, path, isSecure], ["http://127.0.0.1:9595", "", false]);
    assert.equal(addressOf({ ...LOCAL, bind: "0.0.0.0" }).url, "http://127.0.0.1:9595");
    assert.equal(addressOf({ ...LOCAL, bind: "::1" }).url, "http://[::1]:9595");
  });

  it("is the proxy's, with its path", () => {
    const { url, path, isSecure } = addressOf(BEHIND);
    assert.deepEqual([url, path, isSecure], ["https://example.org/agents", "/agents", true]);
    assert.equal(signInLink(addressOf(BEHIND), "code"), "https://example.org/agents/sign-in#code");
  });

  it("has hosts and origins of its own only", () => {
    const { hosts, origins } = addressOf(BEHIND);
    for (const host of ["example.org", "127.0.0.1:9595", "localhost:9595", "[::1]:9595"])
      assert.ok(hosts.has(host), host);
    for (const host of ["evil.example", "example.org:9595", "127.0.0.1", ""]) assert.ok(!hosts.has(host), host);
    assert.ok(origins.has("https://example.org"));
    assert.ok(!origins.has("http://example.org"), "without the scheme it is another origin");
  });

  it("takes forms from its own origins, and from no other, a hidden or a missing one", () => {
    const address = addressOf(BEHIND);
    assert.ok(isOwnForm({ origin: "https://example.org" }, address));
    for (const origin of ["https://example.org.evil.example", "https://evil.example", "null", "", undefined]) {
      assert.ok(!isOwnForm({ origin }, address), origin);
    }
  });
});
