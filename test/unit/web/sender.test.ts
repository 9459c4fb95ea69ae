import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressOf } from "../../../src/web/address.ts";
import { senderOf } from "../../../src/web/sender.ts";

const LOCAL = addressOf({ bind: "127.0.0.1", port: 9595, url: undefined, viewers: [] });
const BEHIND = addressOf({ bind: "127.0.0.1", port: 9595, url: "https://example.org", viewers: [] });

function sender(peer: string, forwarded: string | undefined, address = BEHIND): string {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  return senderOf({ headers, socket: { remoteAddress: peer } as never }, address);
}

describe("the sender of a request of the page", () => {
  it("is the one that a proxy on this machine names last", () => {
    assert.equal(sender("127.0.0.1", "192.0.2.1"), "192.0.2.1");
    assert.equal(sender("::1", "192.0.2.9, 192.0.2.1"), "192.0.2.1", "what came before is the stranger's own word");
    assert.equal(sender("::ffff:127.0.0.1", " 2001:db8::1 "), "2001:db8::1");
  });

  it("is the other end of the connection, where that is no proxy of ours or names nobody", () => {
    assert.equal(sender("192.0.2.7", "192.0.2.1"), "192.0.2.7");
    assert.equal(sender("127.0.0.1", "192.0.2.1", LOCAL), "127.0.0.1");
    for (const nobody of [undefined, "", "unknown", "192.0.2.1, ", "192.0.2.1, x\u0000"]) {
      assert.equal(sender("127.0.0.1", nobody), "127.0.0.1", nobody);
    }
  });
});
