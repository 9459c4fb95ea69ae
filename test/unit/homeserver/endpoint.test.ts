import assert from "node:assert/strict";
import { glob } from "node:fs/promises";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import type { HomeserverClient } from "../../../src/homeserver/client.ts";
import { endpointOf } from "../../../src/homeserver/endpoint.ts";
import { MatrixError } from "../../../src/homeserver/errors.ts";
import { pingAppservice } from "../../../src/homeserver/ping.ts";
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

  it("is known for every call that is made", async () => {
    for (const [name, call] of await allCalls()) {
      const paths = await pathsOf(call);
      assert.ok(paths.length > 0, `${name} calls nothing`);
      for (const path of paths) assert.notEqual(endpointOf(path), "other", `${path} of ${name}`);
    }
  });
});

type Call = (client: HomeserverClient, ...args: readonly unknown[]) => unknown;

/** Every function that calls the homeserver, by the modules of these calls. Watching never ends, and is tested above. */
async function allCalls(): Promise<[name: string, call: Call][]> {
  const files = await Array.fromAsync(
    glob(inCheckout("src/homeserver/{calls,*-calls,invites,room-history,support}.ts")),
  );
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(file).href) as Promise<object>));
  const calls = [...modules.flatMap((module) => Object.entries(module)), ["pingAppservice", pingAppservice]] as const;
  return calls.filter((entry): entry is [string, Call] => typeof entry[1] === "function");
}

/** Passes for every argument: a text, an object with any fields, a function. */
const ANYTHING: unknown = new Proxy(() => ANYTHING, {
  get: (_target, name) => (name === Symbol.toPrimitive ? () => "mxc://example.org/secret" : ANYTHING),
  has: () => true,
});

/** The paths that a call asks a homeserver for that refuses everything. */
async function pathsOf(call: Call): Promise<string[]> {
  const paths: string[] = [];
  const refuse = ({ path }: { path: string }): Promise<never> => {
    paths.push(path);
    return Promise.reject(
      new MatrixError("GET", { status: 404, errcode: "M_NOT_FOUND", error: "refused", retryAfterMs: undefined }),
    );
  };
  const client = new Proxy({} as HomeserverClient, { get: () => refuse });
  await Promise.resolve(call(client, ...Array.from({ length: 5 }, () => ANYTHING))).catch(() => undefined);
  return paths;
}
