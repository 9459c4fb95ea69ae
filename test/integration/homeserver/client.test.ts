import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { after, before, beforeEach, describe, it } from "node:test";
import { pino } from "pino";
import { downloadMedia, getProfile, register, uploadMedia, versions } from "../../../src/homeserver/calls.ts";
import { createHomeserverClient, type HomeserverClient } from "../../../src/homeserver/client.ts";
import { deleteDevice, deviceSeen, sync } from "../../../src/homeserver/device-calls.ts";
import {
  AddressTooLong,
  HomeserverUnreachable,
  MatrixError,
  UnexpectedAnswer,
} from "../../../src/homeserver/errors.ts";
import { awaitHomeserver } from "../../../src/homeserver/ping.ts";
import { joinedRooms, roomState, sendEvent } from "../../../src/homeserver/room-calls.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { freePort } from "../../support/free-port.ts";

const GHOST = { userId: "@agent_a:x" };
const DEVICE = { ...GHOST, deviceId: "DEV" };
const GET = { method: "GET", path: "/x" } as const;

interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

describe("the homeserver client", () => {
  const received: Received[] = [];
  let answers: RequestListener[] = [];
  let logged = "";
  let url = "";
  let client: HomeserverClient;
  const log = pino(
    { level: "trace" },
    new Writable({
      write(line: Buffer, _encoding, done) {
        logged += line.toString();
        done();
      },
    }),
  );

  /** Each request takes the next answer; the last one stays. */
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method, url, headers } = request;
      received.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      answer?.(request, response);
    });
  });

  before(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    client = createHomeserverClient({ url: `${url}/`, asToken: "as-secret", log, maxAnswerBytes: 10_000 });
  });
  after(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    received.length = 0;
    logged = "";
  });

  function json(status: number, body: unknown, headers: Record<string, string> = {}): RequestListener {
    return (_request, response) => {
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
    };
  }
  const hang: RequestListener = () => undefined;
  const html =
    (status: number): RequestListener =>
    (_request, response) =>
      void response.writeHead(status, { "content-type": "text/html" }).end("<html>Welcome</html>");

  it("tells when the homeserver is away and when it answers again, once for each time that it could not be reached", async () => {
    let returns = 0;
    const absences: string[] = [];
    const watching = createHomeserverClient({
      url,
      asToken: "t",
      log: silentLogger(),
      onAbsence: (error) => absences.push(String(error)),
      onReturn: () => returns++,
    });
    const hangUp: RequestListener = (_request, response) => response.destroy();
    const sync = { method: "GET", path: "/_matrix/client/v3/sync" } as const;
    const ask = (): Promise<unknown> => watching.request(sync).catch(() => undefined);
    answers = [json(200, {}), json(500, {}), json(200, {})];
    for (let count = 0; count < 3; count++) await ask();
    assert.equal(returns, 0, "a homeserver with an error of its own is there");
    answers = [hangUp, hangUp, json(404, {}), json(200, {}), json(502, {}), json(504, {}), json(200, {})];
    const seen: number[] = [];
    for (let count = 0; count < 7; count++) {
      await ask();
      seen.push(returns);
    }
    assert.deepEqual(seen, [0, 0, 1, 1, 1, 1, 2]);
    assert.equal(absences.length, 2);
    assert.match(absences[0] ?? "", /it hangs up/);
    assert.match(absences[1] ?? "", /502/);
    await watching.close();
  });

  it("does not call a homeserver lost that was never there", async () => {
    const absences: unknown[] = [];
    const onAbsence = (error: unknown): unknown => absences.push(error);
    const watching = createHomeserverClient({ url, asToken: "t", log: silentLogger(), onAbsence });
    answers = [(_request, response) => response.destroy()];
    await watching.request({ method: "GET", path: "/_matrix/client/v3/sync" }).catch(() => undefined);
    assert.deepEqual(absences, []);
    await watching.close();
  });

  it("does not take a homeserver for away that is slow with a single call", async () => {
    let returns = 0;
    const watching = createHomeserverClient({ url, asToken: "t", log: silentLogger(), onReturn: () => returns++ });
    const ask = (): Promise<unknown> => watching.request({ ...GET, timeoutMs: 100 }).catch(() => undefined);
    const never: RequestListener = () => undefined;
    answers = [json(200, {}), never, json(200, {})];
    for (let count = 0; count < 3; count++) await ask();
    assert.equal(received.length, 3);
    assert.equal(returns, 0);
    await watching.close();
  });

  it("leaves out an address at which a homeserver hangs up, and does not take it for away", async () => {
    let returns = 0;
    const watching = createHomeserverClient({ url, asToken: "t", log: silentLogger(), onReturn: () => returns++ });
    answers = [json(200, {})];
    const long = "a".repeat(17_000);
    for (const request of [
      { method: "GET", path: `/${long}` },
      { method: "GET", path: `/${"a".repeat(8_192)}` },
      { method: "GET", path: "/x", query: { since: long } },
      { method: "GET", path: "/x", as: { userId: long } },
      { method: "PUT", path: `/${long}`, retry: "transient" },
    ] as const) {
      await assert.rejects(watching.request(request), (error) => {
        assert.ok(error instanceof AddressTooLong);
        assert.equal(error.retryable, false);
        assert.ok(error.message.length < 300, "it does not fill the log");
        return true;
      });
    }
    assert.deepEqual(received, []);
    await watching.request({ method: "GET", path: `/${"a".repeat(8_191)}` });
    assert.equal(returns, 0);
    await watching.close();
  });

  it("makes no request for a file whose address names none", async () => {
    answers = [json(200, {})];
    for (const uri of [
      `mxc://example.org/${"a".repeat(17_000)}`,
      `mxc://example.org/${"a".repeat(256)}`,
      `mxc://${"a".repeat(256)}/a`,
      `mxc://${"é".repeat(200)}/a`,
      "mxc://../a",
      "mxc://./a",
      "mxc://example.org/..",
      "mxc://example.org/",
      "mxc:///a",
      "mxc://example.org/a/b",
      "mxc://exa mple.org/a",
      "mxc://example.org/a?b",
      "https://example.org/a",
      "",
    ]) {
      await assert.rejects(downloadMedia(client, GHOST, uri, { maxBytes: 100 }), UnexpectedAnswer, uri.slice(0, 50));
    }
    assert.deepEqual(received, []);
    for (const uri of ["mxc://[2001:db8::1]:8448/a-B_9", `mxc://${"a".repeat(255)}/${"a".repeat(255)}`])
      await downloadMedia(client, GHOST, uri, { maxBytes: 100 });
    assert.equal(received.length, 2);
  });

  it("names user and device in the query and the token in the header only", async () => {
    answers = [json(200, { event_id: "$1" })];
    const id = await sendEvent(client, DEVICE, { roomId: "!r/1:x", type: "m.x", txnId: "t 1", content: '{"b":1}' });
    assert.equal(id, "$1");
    const [request] = received;
    assert.equal(request?.method, "PUT");
    assert.equal(
      request.url,
      "/_matrix/client/v3/rooms/!r%2F1%3Ax/send/m.x/t%201?user_id=%40agent_a%3Ax&device_id=DEV",
    );
    assert.equal(request.headers.authorization, "Bearer as-secret");
    assert.equal(request.headers["content-type"], "application/json");
    assert.equal(request.body, '{"b":1}');
  });

  it("keeps connections", async () => {
    answers = [json(200, {})];
    const ports = new Set<unknown>();
    const note = (request: IncomingMessage): unknown => ports.add(request.socket.remotePort);
    server.on("request", note);
    for (let index = 0; index < 10; index += 1) await client.request(GET);
    server.off("request", note);
    // The second request can come before the first one's connection is free again.
    assert.ok(ports.size <= 2, `${ports.size} connections`);
  });

  it("sends bytes as they are", async () => {
    answers = [json(200, { content_uri: "mxc://x/1" })];
    const uri = await uploadMedia(client, GHOST, { bytes: Buffer.from("\x89PNG"), contentType: "image/png" });
    assert.equal(uri, "mxc://x/1");
    assert.equal(received[0]?.headers["content-type"], "image/png");
    assert.equal(received[0].body, "\x89PNG");
  });

  it("logs neither bodies nor tokens nor queries", async () => {
    answers = [json(500, { errcode: "M_UNKNOWN", error: "no" }), json(200, { event_id: "$1", secret: "answer-text" })];
    const content = { body: "message-text" };
    const event = { roomId: "!r:x", type: "m.x", txnId: "t", content };
    await sendEvent(client, DEVICE, event, { retry: "transient" });
    assert.match(logged, /"ghost":"@agent_a:x"/);
    assert.match(logged, /"status":500/);
    assert.doesNotMatch(logged, /as-secret|message-text|answer-text|user_id/);
  });

  describe("reports", () => {
    it("a standard error", async () => {
      answers = [json(403, { errcode: "M_FORBIDDEN", error: "not in room" })];
      await assert.rejects(client.request(GET), (error: unknown) => {
        assert.ok(error instanceof MatrixError);
        assert.deepEqual([error.status, error.errcode, error.retryable], [403, "M_FORBIDDEN", false]);
        assert.equal(error.message, "GET /x: 403 M_FORBIDDEN: not in room");
        return true;
      });
    });

    for (const [what, body, headers, expected] of [
      ["retry_after_ms", { retry_after_ms: 1500 }, {}, 1500],
      ["Retry-After in seconds, first", { retry_after_ms: 9 }, { "retry-after": "2" }, 2000],
      ["an absurd Retry-After, as an hour", {}, { "retry-after": "99999999999" }, 3_600_000],
      ["a date that is past", {}, { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" }, 0],
      ["rubbish as nothing", { retry_after_ms: "soon" }, { "retry-after": "soon" }, undefined],
    ] as const) {
      it(`${what} of a 429`, async () => {
        answers = [json(429, { errcode: "M_LIMIT_EXCEEDED", ...body }, headers)];
        await assert.rejects(client.request(GET), (error) => {
          assert.equal((error as MatrixError).retryAfterMs, expected);
          return true;
        });
      });
    }

    it("a proxy's page of a 502", async () => {
      answers = [html(502)];
      await assert.rejects(client.request(GET), { name: "MatrixError", errcode: "M_UNKNOWN", retryable: true });
    });

    it("a page with 200", async () => {
      answers = [html(200)];
      await assert.rejects(client.request(GET), (error: Error) => {
        assert.ok(error instanceof UnexpectedAnswer);
        assert.match(error.message, /not JSON/);
        assert.doesNotMatch(error.message, /Welcome/);
        return true;
      });
      await assert.rejects(client.requestText(GET), UnexpectedAnswer);
    });

    it("a redirect, and does not follow it", async () => {
      answers = [(_request, response) => void response.writeHead(302, { location: `${url}/elsewhere` }).end()];
      await assert.rejects(client.request({ ...GET, retry: "transient" }), { name: "UnexpectedAnswer" });
      assert.deepEqual(
        received.map((request) => request.url),
        ["/x"],
      );
    });

    it("an answer that never ends", async () => {
      const sent: ServerResponse[] = [];
      answers = [
        (_request, response) => {
          sent.push(response);
          response.writeHead(200);
          const more = (): void => {
            while (!response.destroyed && response.write(Buffer.alloc(65_536, "["))) continue;
          };
          response.on("drain", more);
          more();
        },
      ];
      await assert.rejects(client.request(GET), /larger than 10000 bytes/);
      if (sent[0]?.destroyed === false) await once(sent[0], "close");
    });

    it("an answer that unpacks to more than its limit, however often it is packed, and unpacks no more than that", async () => {
      const packed = gzipSync(Buffer.alloc(128 * 1024 * 1024));
      const twice = gzipSync(packed);
      const before = process.memoryUsage().rss;
      for (const [body, encoding] of [
        [packed, "gzip"],
        [twice, "gzip, gzip"],
      ] as const) {
        answers = [(_request, response) => void response.writeHead(200, { "content-encoding": encoding }).end(body)];
        await assert.rejects(client.request(GET), { name: "AnswerTooLarge", message: /larger than 10000 bytes/ });
      }
      const more = (process.memoryUsage().rss - before) / 1024 / 1024;
      assert.ok(more < 64, `${Math.round(more)} MiB more`);
    });

    it("a packed answer as if it were none, and one packed in an unknown way as unreadable", async () => {
      const text = JSON.stringify({ a: "b" });
      const packers = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync };
      for (const status of [200, 404]) {
        const asked = (body: Buffer | string, encoding: string): Promise<unknown> => {
          answers = [
            (_request, response) => void response.writeHead(status, { "content-encoding": encoding }).end(body),
          ];
          const answer = client.request(GET);
          return status === 200 ? answer : assert.rejects(answer, { name: "MatrixError", status });
        };
        for (const [encoding, pack] of Object.entries(packers)) await asked(pack(text), encoding);
        await asked(gzipSync(deflateSync(text)), "Deflate , GZIP");
        await asked(text, "identity");
        assert.match(String(received.at(-1)?.headers["accept-encoding"]), /gzip/);
      }
      for (const encoding of ["compress", "constructor", "gzip, gzip, gzip", "gzip,".repeat(1_000)]) {
        answers = [(_request, response) => void response.writeHead(200, { "content-encoding": encoding }).end(text)];
        await assert.rejects(client.request(GET), { name: "UnexpectedAnswer", message: /content-encoding is/ });
      }
      answers = [(_request, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end(text)];
      await assert.rejects(client.request(GET), { name: "HomeserverUnreachable" });
    });

    it("an answer broken off", async () => {
      answers = [
        (_request, response) => {
          response.writeHead(200, { "content-length": "100" }).write("{");
          setImmediate(() => response.destroy());
        },
      ];
      await assert.rejects(client.request(GET), HomeserverUnreachable);
    });

    it("no answer in time", async () => {
      answers = [hang];
      await assert.rejects(client.request({ ...GET, timeoutMs: 50 }), {
        name: "HomeserverUnreachable",
        code: "TIMEOUT",
        message: "GET /x: no answer within 50 ms",
      });
    });

    it("an answer that stops in the middle", async () => {
      answers = [(_request, response) => void response.writeHead(200).write("{")];
      await assert.rejects(client.request({ ...GET, timeoutMs: 100 }), { code: "TIMEOUT" });
    });

    it("a refused connection", async () => {
      const away = createHomeserverClient({
        url: `http://127.0.0.1:${await freePort()}`,
        asToken: "t",
        log: silentLogger(),
      });
      await assert.rejects(away.request(GET), { name: "HomeserverUnreachable", code: "ECONNREFUSED" });
      await away.close();
    });

    it("the caller's own reason when it aborts", async () => {
      const reason = new Error("stopping");
      const abort = new AbortController();
      answers = [() => abort.abort(reason)];
      await assert.rejects(client.request({ ...GET, signal: abort.signal, retry: "transient" }), reason);
      await assert.rejects(client.request({ ...GET, signal: abort.signal }), reason);
      assert.equal(received.length, 1);
    });
  });

  describe("repeats", () => {
    const transient = { ...GET, retry: "transient" } as const;

    it("nothing by default", async () => {
      answers = [json(503, {}), json(200, {})];
      await assert.rejects(client.request(GET), { status: 503 });
      assert.equal(received.length, 1);
    });

    it("after 5xx, a broken connection, a timeout and 429, under the same path with the same body", async () => {
      const soon = { retry_after_ms: 1 };
      answers = [
        json(500, soon),
        (request) => void request.socket.destroy(),
        json(429, { errcode: "M_LIMIT_EXCEEDED", ...soon }),
        json(200, { done: true }),
      ];
      const answer = await client.request({ method: "PUT", path: "/t", body: { a: 1 }, retry: "transient" });
      assert.deepEqual(answer, { done: true });
      assert.equal(received.length, 4);
      assert.equal(new Set(received.map(({ method, url, body }) => `${method} ${url} ${body}`)).size, 1);
    });

    it("not before the time that a 429 states", async () => {
      answers = [json(429, { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 300 }), json(200, {})];
      const started = performance.now();
      await client.request(transient);
      assert.ok(performance.now() - started >= 299);
    });

    it("no other 4xx", async () => {
      answers = [json(400, { errcode: "M_BAD_JSON" }), json(200, {})];
      await assert.rejects(client.request(transient), { status: 400 });
      assert.equal(received.length, 1);
    });

    it("no longer than its time limit", async () => {
      answers = [json(429, { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 60_000 })];
      await assert.rejects(client.request({ ...transient, retryForMs: 1000 }), { status: 429 });
      assert.equal(received.length, 1);
    });

    it("until the caller aborts, even while it waits", async () => {
      const reason = new Error("stopping");
      const abort = new AbortController();
      answers = [
        (request, response) => {
          json(429, { retry_after_ms: 60_000 })(request, response);
          response.once("close", () => setImmediate(() => abort.abort(reason)));
        },
      ];
      await assert.rejects(client.request({ ...transient, signal: abort.signal }), reason);
    });
  });

  it("downloads files of a homeserver from before authenticated media", async () => {
    answers = [json(404, { errcode: "M_UNRECOGNIZED" }), json(200, { a: 1 })];
    const bytes = await downloadMedia(client, GHOST, "mxc://example.test/abc", { maxBytes: 100 });
    assert.equal(Buffer.from(bytes).toString(), '{"a":1}');
    assert.deepEqual(
      received.map(({ url = "" }) => url.split("?")[0]),
      ["/_matrix/client/v1/media/download/example.test/abc", "/_matrix/media/v3/download/example.test/abc"],
    );
  });

  for (const [what, status, body] of [
    ["asks for a password", 401, { flows: [] }],
    ["fails", 500, {}],
    ["knows no such call", 404, { errcode: "M_UNRECOGNIZED" }],
  ] as const) {
    it(`ends a device by a login where the homeserver ${what} before it deletes one`, async () => {
      answers = [
        json(status, body),
        json(200, {}),
        json(200, { device_id: DEVICE.deviceId, access_token: "own" }),
        json(200, {}),
      ];
      await deleteDevice(client, DEVICE);
      assert.deepEqual(
        received.map(({ method, url = "" }) => `${method} ${url.split("?")[0]}`),
        [
          `DELETE /_matrix/client/v3/devices/${DEVICE.deviceId}`,
          `GET /_matrix/client/v3/devices/${DEVICE.deviceId}`,
        ].concat(["login", "logout"].map((name) => `POST /_matrix/client/v3/${name}`)),
      );
      assert.equal(received.at(-1)?.headers.authorization, "Bearer own");
    });
  }

  it("ends no device by a login where the homeserver is busy, or the device is not there", async () => {
    answers = [json(429, { errcode: "M_LIMIT_EXCEEDED" })];
    await assert.rejects(deleteDevice(client, DEVICE), { status: 429 });
    answers = [json(401, {}), json(404, { errcode: "M_NOT_FOUND" })];
    await deleteDevice(client, DEVICE);
    assert.ok(received.every(({ method }) => method !== "POST"));
  });

  it("acts as a device by its own token, which stands for both ids", async () => {
    answers = [json(200, { user_id: "@a:x", device_id: DEVICE.deviceId })];
    assert.equal(await deviceSeen(client, { ...DEVICE, accessToken: "own" }), DEVICE.deviceId);
    assert.equal(received[0]?.headers.authorization, "Bearer own");
    assert.ok(!(received[0].url ?? "").includes("?"));
  });

  it("waits for a homeserver that is away", async () => {
    answers = [html(502), json(200, { nothing: true }), json(200, { versions: ["v1.11"] })];
    const why = (): Promise<undefined> => Promise.resolve(undefined);
    const signal = AbortSignal.timeout(20_000);
    await awaitHomeserver({ client, ours: { file: "", url: "" }, why, log: silentLogger(), signal });
    assert.equal(received.length, 3);
  });

  describe("calls answered with rubbish throw nothing but UnexpectedAnswer:", () => {
    const rubbish = [null, 1, "x", [], [null], [1], {}, { chunk: 1 }, { next_batch: 1 }, { next_batch: "s" }];
    for (const [name, make] of [
      ["versions", () => versions(client)],
      ["joinedRooms", () => joinedRooms(client, GHOST)],
      ["sendEvent", () => sendEvent(client, DEVICE, { roomId: "!r:x", type: "m.x", txnId: "t", content: {} })],
      ["sync", () => sync(client, DEVICE, undefined)],
      ["uploadMedia", () => uploadMedia(client, GHOST, { bytes: Buffer.from("x"), contentType: "a/b" })],
    ] as const) {
      it(name, async () => {
        for (const body of rubbish) {
          answers = [json(200, body)];
          await assert.rejects(make(), UnexpectedAnswer, JSON.stringify(body));
        }
      });
    }

    it("roomState, whole or not at all", async () => {
      const good = { type: "m.room.name", state_key: "", sender: "@a:x", content: {} };
      answers = [json(200, [good])];
      assert.equal((await roomState(client, GHOST, "!r:x")).length, 1);
      for (const body of [null, {}, [null], [good, {}], [{ ...good, content: null }], [{ ...good, state_key: 1 }]]) {
        answers = [json(200, body)];
        await assert.rejects(roomState(client, GHOST, "!r:x"), UnexpectedAnswer, JSON.stringify(body));
      }
    });

    it("sync, where a missing key count is not zero", async () => {
      const whole = { next_batch: "s", device_one_time_keys_count: {}, device_unused_fallback_key_types: [] };
      answers = [json(200, whole)];
      assert.deepEqual(await sync(client, DEVICE, "s0"), {
        nextBatch: "s",
        toDevice: [],
        changedUsers: [],
        leftUsers: [],
        keyCounts: {},
        unusedFallbackKeys: [],
      });
      answers = [json(200, { ...whole, device_one_time_keys_count: undefined })];
      await assert.rejects(sync(client, DEVICE, "s0"), UnexpectedAnswer);
    });
  });

  it("finds no profile where there is none", async () => {
    answers = [json(404, { errcode: "M_NOT_FOUND" })];
    assert.equal(await getProfile(client, GHOST, "@b:x"), undefined);
    answers = [json(404, { errcode: "M_UNRECOGNIZED" })];
    await assert.rejects(getProfile(client, GHOST, "@b:x"), MatrixError);
  });

  it("takes an existing user for registered", async () => {
    answers = [json(400, { errcode: "M_USER_IN_USE" })];
    assert.equal(await register(client, "agent_a"), "existed");
    answers = [json(400, { errcode: "M_EXCLUSIVE" })];
    await assert.rejects(register(client, "agent_a"), { errcode: "M_EXCLUSIVE" });
  });
});
