import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fingerprintOf, setProfile } from "../../../src/ghost/profile.ts";
import type { HomeserverClient, HomeserverRequest } from "../../../src/homeserver/client.ts";
import { MatrixError } from "../../../src/homeserver/errors.ts";
import { AI_FIELD, AI_MADE } from "../../../src/matrix/ai-mark.ts";
import { silentLogger } from "../../../src/observability/log.ts";

const LLAMA = "@agent_llama:example.test";

const FIELD_PATH = `/_matrix/client/v3/profile/${encodeURIComponent(LLAMA)}/${AI_FIELD}`;

/** A homeserver that answers calls with a status. */
class Server implements HomeserverClient {
  readonly calls: HomeserverRequest[] = [];
  status = 200;

  request(request: HomeserverRequest): Promise<unknown> {
    this.calls.push(request);
    if (this.status === 200) return Promise.resolve({});
    const answer = { status: this.status, errcode: "M_FORBIDDEN", error: "no", retryAfterMs: undefined };
    return Promise.reject(new MatrixError("PUT displayname", answer));
  }
  requestText(): never {
    throw new Error("nobody asks for that");
  }
  requestBytes(): never {
    throw new Error("nobody asks for that");
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

describe("a ghost's name", () => {
  const set = (server: Server, displayName: string, last?: string): Promise<string> =>
    setProfile(server, LLAMA, { displayName, isMarked: false }, last, silentLogger());

  it("is set where it differs from the last", async () => {
    const server = new Server();
    const first = await set(server, "Llama");
    assert.equal(await set(server, "Llama", first), first);
    assert.equal(server.calls.length, 1);
    const second = await set(server, "Llama 3", first);
    assert.notEqual(second, first);
    assert.deepEqual(server.calls[1]?.body, { displayname: "Llama 3" });
    // The last profile may have had a mark.
    assert.deepEqual(
      server.calls.slice(2).map(({ method, path }) => `${method} ${path}`),
      [`DELETE ${FIELD_PATH}`],
    );
  });

  it("that the homeserver refuses is not tried again, but one that it can't set now is", async () => {
    const server = new Server();
    server.status = 403;
    const refused = await set(server, "Llama");
    assert.equal(await set(server, "Llama", refused), refused);
    assert.equal(server.calls.length, 1);
    for (const status of [401, 429, 502]) {
      server.status = status;
      await assert.rejects(set(server, "Llama"), { status });
    }
  });
});

describe("a ghost's mark", () => {
  const set = async (server: Server, isMarked: boolean, last?: string): Promise<string[]> => {
    const before = server.calls.length;
    const profile = { displayName: "Llama", isMarked };
    assert.equal(await setProfile(server, LLAMA, profile, last, silentLogger()), fingerprintOf(profile));
    return server.calls.slice(before).map(({ method, path }) => `${method} ${path.split("/").at(-1) ?? ""}`);
  };
  const [marked, plain] = [true, false].map((isMarked) => fingerprintOf({ displayName: "Llama", isMarked }));

  it("is set with its name, and by itself where only it is missing, as after an upgrade", async () => {
    const server = new Server();
    assert.deepEqual(await set(server, true), ["PUT displayname", `PUT ${AI_FIELD}`]);
    assert.deepEqual(server.calls[1]?.body, { [AI_FIELD]: AI_MADE });
    assert.deepEqual(await set(server, true, plain), [`PUT ${AI_FIELD}`]);
    assert.deepEqual(await set(server, true, marked), []);
  });

  it("is removed by itself, and is nothing to remove from a profile that was never set", async () => {
    const server = new Server();
    assert.deepEqual(await set(server, false, marked), [`DELETE ${AI_FIELD}`]);
    assert.deepEqual(await set(server, false), ["PUT displayname"]);
  });

  it("that the homeserver refuses does not silence it", async () => {
    const server = new Server();
    server.status = 404;
    assert.deepEqual(await set(server, true, plain), [`PUT ${AI_FIELD}`]);
  });
});
