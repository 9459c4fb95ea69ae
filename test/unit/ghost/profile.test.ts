import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setProfile } from "../../../src/ghost/profile.ts";
import type { HomeserverClient, HomeserverRequest } from "../../../src/homeserver/client.ts";
import { MatrixError } from "../../../src/homeserver/errors.ts";
import { silentLogger } from "../../../src/observability/log.ts";

const LLAMA = "@agent_llama:example.test";

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
    setProfile(server, LLAMA, { displayName }, last, silentLogger());

  it("is set where it differs from the last", async () => {
    const server = new Server();
    const first = await set(server, "Llama");
    assert.equal(await set(server, "Llama", first), first);
    assert.equal(server.calls.length, 1);
    const second = await set(server, "Llama 3", first);
    assert.notEqual(second, first);
    assert.deepEqual(server.calls[1]?.body, { displayname: "Llama 3" });
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
