import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { ToolFailure } from "../../../src/tools/tool-failure.ts";
import { httpToolServers } from "../../support/http-tool-servers.ts";

const SIGNAL = new AbortController().signal;

describe("a call of a tool over HTTP that breaks off", () => {
  const { httpServer, startHttpToolServer, stop } = httpToolServers();
  let real: Awaited<ReturnType<typeof startHttpToolServer>>;

  before(async () => {
    real = await startHttpToolServer("t");
  });
  after(async () => {
    await stop();
    await real[Symbol.asyncDispose]();
  });

  /** A proxy before the server that answers calls with a status. */
  async function startProxy(status: number): Promise<Server> {
    const proxy = createServer((request, response) => {
      const forward = async (): Promise<void> => {
        const body = Buffer.concat(await request.toArray()).toString();
        if (body.includes('"tools/call"')) {
          response.writeHead(status).end();
          return;
        }
        const headers = new Headers(request.headers as Record<string, string>);
        for (const name of ["connection", "content-length", "host", "transfer-encoding"]) headers.delete(name);
        const answer = await fetch(`${real.url}/mcp`, { method: "POST", body, headers });
        response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
        response.end(await answer.text());
      };
      forward().catch(() => response.destroy());
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    return proxy;
  }

  async function failureOfCall(status: number, isGone = false): Promise<readonly [string, boolean]> {
    const proxy = await startProxy(status);
    try {
      const server = httpServer(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/mcp`, "t");
      assert.equal((await server.tools(SIGNAL)).tools.length, 2);
      if (isGone) {
        proxy.close();
        proxy.closeAllConnections();
        await once(proxy, "close");
        // The first call finds the end of the connection that was there.
        await assert.rejects(server.call("add", { a: 2, b: 3 }, SIGNAL));
      }
      const failure = await server.call("add", { a: 2, b: 3 }, SIGNAL).then(
        () => assert.fail("it did not fail"),
        (error: unknown) => error,
      );
      assert.ok(failure instanceof ToolFailure, String(failure));
      return [failure.code, failure.mayBeDone];
    } finally {
      proxy.close();
      proxy.closeAllConnections();
    }
  }

  for (const status of [500, 502, 504])
    it(`may be done where the answer is HTTP ${status}`, async () => {
      assert.deepEqual(await failureOfCall(status), ["ended", true]);
    });

  it("is not done where the server says that it is not there now", async () => {
    assert.deepEqual(await failureOfCall(503), ["unreachable", false]);
  });

  it("is not done where nothing listens there any more", async () => {
    assert.deepEqual(await failureOfCall(200, true), ["unreachable", false]);
  });
});
