import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import { pino } from "pino";
import { AgentsAppService } from "../../../src/homeserver/app-service.ts";
import { startAppService } from "../../../src/homeserver/appservice-bridge.ts";
import { eventually } from "../../support/eventually.ts";

describe("the log of matrix-appservice-bridge", () => {
  it("comes into our log, without message text", async (t) => {
    const printed = [t.mock.method(console, "log"), t.mock.method(console, "error"), t.mock.method(console, "warn")];
    const server = createServer((_request, response) => {
      response.writeHead(403, { "content-type": "application/json" });
      response.end(JSON.stringify({ errcode: "M_FORBIDDEN", error: "server-text" }));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    let logged = "";
    const log = pino(
      { level: "trace" },
      new Writable({
        write(line: Buffer, _encoding, done) {
          logged += line.toString();
          done();
        },
      }),
    );
    const running = await startAppService({
      registration: {
        id: "agents",
        url: "http://127.0.0.1:1",
        as_token: "as-secret",
        hs_token: "hs-secret",
        sender_localpart: "agents",
        namespaces: { users: [{ exclusive: true, regex: "@agent_.*:x" }], aliases: [], rooms: [] },
      },
      homeserverUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      domain: "x",
      bindAddress: "127.0.0.1",
      port: 0,
      appService: new AgentsAppService({
        hsToken: "hs-secret",
        onTransaction: () => Promise.resolve(),
        onUserQuery: () => Promise.resolve(false),
        log,
      }),
      log,
    });
    t.after(() => running.close());
    const content = { msgtype: "m.text", body: "message-text" };
    await assert.rejects(running.botIntent.matrixClient.sendMessage("!r:x", content));
    await eventually("the error in our log", () => logged.includes("MatrixHttpClient"), { instead: () => logged });
    assert.match(logged, /"errcode":"M_FORBIDDEN"/);
    assert.doesNotMatch(logged, /as-secret|hs-secret|message-text|server-text/);
    // Node itself warns once about something that the bot-sdk's dependencies still use.
    const lines = printed.flatMap(({ mock }) => mock.calls.map((call) => String(call.arguments[0])));
    assert.deepEqual(
      lines.filter((line) => !line.includes("DeprecationWarning")),
      [],
    );
  });
});
