import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { createHomeserverClient, type HomeserverClient } from "../../../src/homeserver/client.ts";
import { MatrixError } from "../../../src/homeserver/errors.ts";
import { missingSupport } from "../../../src/homeserver/support.ts";
import { silentLogger } from "../../../src/observability/log.ts";

const BOT = "@agents:example.test";

describe("a homeserver that lacks a feature for encryption", () => {
  let answer: RequestListener;
  let client: HomeserverClient;
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method ?? ""} ${request.url?.split("?")[0] ?? ""}`);
    request.resume().on("end", () => {
      answer(request, response);
    });
  });

  before(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    client = createHomeserverClient({ url: `http://127.0.0.1:${port}`, asToken: "token", log: silentLogger() });
  });
  after(async () => {
    await client.close();
    server.close();
  });

  it("is recognised, with the lines to add, when it makes no devices", async () => {
    answer = (_request, response) => {
      response
        .writeHead(404, { "content-type": "application/json" })
        .end('{"errcode":"M_NOT_FOUND","error":"No device"}');
    };
    const [missing = "", ...more] = await missingSupport(client, BOT);
    assert.match(missing, /MSC4190.*1\.141.*io\.element\.msc4190: true.*msc4190_enabled: true/);
    assert.deepEqual(more, []);
  });

  it("is recognised when it does not let us act as a device, and the probe is removed", async () => {
    answer = (request, response) => {
      const body = request.url?.includes("whoami") === true ? JSON.stringify({ user_id: BOT }) : "{}";
      response.writeHead(200, { "content-type": "application/json" }).end(body);
    };
    asked.length = 0;
    const [missing = ""] = await missingSupport(client, BOT);
    assert.match(missing, /MSC4326.*1\.141/);
    assert.equal(asked.at(-1), "DELETE /_matrix/client/v3/devices/SUPPORTCHECK");
  });

  it("is not reported as lacking a feature when it is away", async () => {
    answer = (_request, response) => {
      response.writeHead(502).end();
    };
    await assert.rejects(missingSupport(client, BOT), MatrixError);
  });
});
