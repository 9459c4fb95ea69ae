import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { endpointOf } from "../../../src/homeserver/endpoint.ts";
import { inCheckout } from "../../support/paths.ts";

describe("the kind of a call to the homeserver", () => {
  for (const [path, kind] of [
    ["/_matrix/client/v3/sync", "sync"],
    ["/_matrix/client/v3/rooms/!a%3Aexample.org/send/m.room.message/txn", "send"],
    ["/_matrix/client/v3/rooms/!a%3Aexample.org/state", "state"],
    ["/_matrix/client/v3/rooms/!a%3Aexample.org/event/%24event", "event"],
    ["/_matrix/client/v3/rooms/!a%3Aexample.org/receipt/m.read/%24event", "receipt"],
    ["/_matrix/client/v3/profile/%40a%3Aexample.org/displayname", "profile"],
    ["/_matrix/client/v3/user/%40a%3Aexample.org/account_data/m.direct", "account_data"],
    ["/_matrix/client/v3/keys/query", "keys_query"],
    ["/_matrix/client/v3/keys/device_signing/upload", "keys_signing"],
    ["/_matrix/client/v3/room_keys/keys/!a%3Aexample.org/session", "key_backup"],
    ["/_matrix/client/v1/appservice/agents/ping", "ping"],
    ["/_matrix/client/v1/media/download/example.org/abc", "media"],
    ["/_matrix/media/v3/upload", "media"],
    ["/_matrix/client/versions", "versions"],
  ] as const) {
    it(`of ${path} is ${kind}`, () => {
      assert.equal(endpointOf(path), kind);
    });
  }

  it("of a request that is kept open differs from one that is answered at once", () => {
    assert.equal(endpointOf("/_matrix/client/v3/sync", true), "watch");
  });

  it("is never taken from the request's content", () => {
    for (const path of ["/_matrix/client/v3/rooms/send/!secret", "/_matrix/client/v3/constructor", "/secret", ""]) {
      assert.equal(endpointOf(path), "other", path);
    }
  });

  it("is known for every call in the code", async () => {
    for await (const file of glob(inCheckout("src/homeserver/*.ts"))) {
      const code = await readFile(file, "utf8");
      for (const [, path = ""] of code.matchAll(/(\/_matrix\/(?:client|media)\/[^"`\s)]+)["`]/g)) {
        if (file.endsWith("endpoint.ts")) continue;
        assert.notEqual(endpointOf(path.replaceAll(/\$\{[^}]+\}/g, "!x")), "other", `${path} of ${file}`);
      }
    }
  });
});
