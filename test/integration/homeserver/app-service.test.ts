import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import { AgentsAppService } from "../../../src/homeserver/app-service.ts";
import type { Transaction } from "../../../src/homeserver/transaction.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { eventually } from "../../support/eventually.ts";

const TOKEN = "hs-token";
const LIMIT = 1_000_000;
const EVENT = { event_id: "$1", room_id: "!r:x", sender: "@a:x", type: "m.x", content: {}, origin_server_ts: 1 };

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
}

describe("the application-service API", () => {
  let stored: Transaction[] = [];
  let onTransaction: (transaction: Transaction) => Promise<void>;
  const service = new AgentsAppService({
    hsToken: TOKEN,
    maxTransactionBytes: LIMIT,
    onTransaction: (transaction) => onTransaction(transaction),
    onUserQuery: (userId) => {
      if (userId === "@agent_broken:x") return Promise.reject(Object.assign(new Error("away"), { status: 404 }));
      return Promise.resolve(userId === "@agent_a:x" || userId === "@agent_a/b c:x");
    },
    log: silentLogger(),
  });
  let base = "";

  before(async () => {
    await service.listen(0, "127.0.0.1", 10);
    base = `http://127.0.0.1:${service.port}`;
  });
  after(() => service.close());
  beforeEach(() => {
    stored = [];
    onTransaction = (transaction) => {
      stored.push(transaction);
      return Promise.resolve();
    };
  });

  async function call(
    method: string,
    path: string,
    options: { token?: string | undefined; body?: string; type?: string } = {},
  ): Promise<Answer> {
    const token = "token" in options ? options.token : TOKEN;
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        "content-type": options.type ?? "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(options.body === undefined ? {} : { body: options.body }),
      redirect: "manual",
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text), headers: response.headers };
  }

  function errcode(answer: Answer): unknown {
    const { errcode, error } = answer.body as { errcode?: unknown; error?: unknown };
    assert.equal(typeof error, "string");
    return errcode;
  }

  const transaction = "/_matrix/app/v1/transactions/1";

  describe("transactions", () => {
    it("are handed over and acknowledged", async () => {
      const answer = await call("PUT", transaction, { body: JSON.stringify({ events: [EVENT] }) });
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.body, {});
      assert.equal(answer.headers.get("content-type"), "application/json; charset=utf-8");
      assert.deepEqual(stored, [{ txnId: "1", events: [EVENT], malformed: [], wakeUps: [], changedUsers: [] }]);
    });

    it("are handed over again under the same id, because ids start again with Synapse", async () => {
      await call("PUT", transaction, { body: "{}" });
      await call("PUT", transaction, { body: "{}" });
      assert.equal(stored.length, 2);
    });

    it("are acknowledged only when stored", async () => {
      const storing = Promise.withResolvers<undefined>();
      let answered = false;
      let arrived = false;
      onTransaction = () => {
        arrived = true;
        return storing.promise;
      };
      const answer = call("PUT", transaction, { body: "{}" }).finally(() => (answered = true));
      await eventually("the transaction", () => arrived);
      // A request made now is answered, so the earlier one would have been too.
      await call("POST", "/_matrix/app/v1/ping", { body: "{}" });
      assert.equal(answered, false);
      storing.resolve(undefined);
      assert.equal((await answer).status, 200);
    });

    it("that could not be stored are answered 500, and so come again", async () => {
      onTransaction = () => Promise.reject(new Error("connection to 10.0.0.1 lost"));
      const answer = await call("PUT", transaction, { body: "{}" });
      assert.equal(answer.status, 500);
      assert.equal(errcode(answer), "M_UNKNOWN");
      assert.doesNotMatch(JSON.stringify(answer.body), /10\.0\.0\.1/);
    });

    it("with events that lack fields keep the rest", async () => {
      const answer = await call("PUT", transaction, { body: JSON.stringify({ events: [{}, null, EVENT, 3] }) });
      assert.equal(answer.status, 200);
      assert.deepEqual(stored[0]?.events, [EVENT]);
      assert.equal(stored[0].malformed.length, 3);
    });

    it("with a body of 64 KiB in an event are whole", async () => {
      const event = { ...EVENT, content: { body: "ü".repeat(32_768) } };
      const answer = await call("PUT", transaction, { body: JSON.stringify({ events: [event] }) });
      assert.equal(answer.status, 200);
      assert.deepEqual(stored[0]?.events, [event]);
    });

    for (const body of ["null", "[]", "1", '"x"']) {
      it(`that are ${body} are set aside and acknowledged`, async () => {
        assert.equal((await call("PUT", transaction, { body })).status, 200);
        assert.equal(stored[0]?.malformed[0]?.reason, "the transaction is not an object");
      });
    }

    it("are read whatever their content type", async () => {
      const body = JSON.stringify({ events: [EVENT] });
      assert.equal((await call("PUT", transaction, { body, type: "text/plain" })).status, 200);
      assert.equal(stored[0]?.events.length, 1);
    });

    for (const body of ["{", "", "<html>", '{"events":[}', "{'a':1}"]) {
      it(`that are no JSON (${JSON.stringify(body)}) are refused`, async () => {
        const answer = await call("PUT", transaction, { body });
        assert.equal(answer.status, 400);
        assert.equal(errcode(answer), "M_NOT_JSON");
        assert.deepEqual(stored, []);
      });
    }

    it("over the size limit are refused", async () => {
      const answer = await call("PUT", transaction, { body: JSON.stringify({ x: "x".repeat(LIMIT) }) });
      assert.equal(answer.status, 413);
      assert.equal(errcode(answer), "M_TOO_LARGE");
      assert.deepEqual(stored, []);
    });

    it("nested a hundred thousand deep do no harm", async () => {
      const deep = "[".repeat(100_000) + "]".repeat(100_000);
      const body = `{"events":[${deep},${JSON.stringify(EVENT)}]}`;
      assert.equal((await call("PUT", transaction, { body })).status, 200);
      assert.deepEqual(stored[0]?.events, [EVENT]);
    });

    it("broken off in the middle are not handed over, and the next one is", async () => {
      const sending = httpRequest(`${base}${transaction}`, {
        method: "PUT",
        headers: { authorization: `Bearer ${TOKEN}`, "content-length": "100" },
      });
      sending.on("error", () => undefined);
      sending.write("{");
      const [socket] = (await once(sending, "socket")) as [Socket];
      await eventually("the beginning to be sent", () => socket.bytesWritten > 0);
      sending.destroy();
      assert.equal((await call("PUT", transaction, { body: "{}" })).status, 200);
      assert.equal(stored.length, 1);
    });
  });

  describe("the token", () => {
    for (const [method, path] of [
      ["PUT", transaction],
      ["POST", "/_matrix/app/v1/ping"],
      ["GET", "/_matrix/app/v1/users/@agent_a:x"],
      ["GET", "/_matrix/app/v1/rooms/%23a:x"],
      ["GET", "/_matrix/app/v1/thirdparty/user"],
      ["GET", "/_matrix/app/v1/unknown"],
    ] as const) {
      const body = method === "GET" ? {} : { body: "{}" };
      it(`is needed for ${method} ${path}`, async () => {
        const missing = await call(method, path, { token: undefined, ...body });
        assert.deepEqual([missing.status, errcode(missing)], [401, "M_UNAUTHORIZED"]);
        const wrong = await call(method, path, { token: "wrong", ...body });
        assert.deepEqual([wrong.status, errcode(wrong)], [403, "M_FORBIDDEN"]);
        assert.deepEqual(stored, []);
      });
    }

    it("is not taken from the query", async () => {
      const path = `${transaction}?access_token=${TOKEN}`;
      assert.equal((await call("PUT", path, { token: undefined, body: "{}" })).status, 401);
      assert.equal((await call("PUT", path, { token: "wrong", body: "{}" })).status, 403);
      assert.deepEqual(stored, []);
    });

    it("is checked before anything of the body has come", async () => {
      const sending = httpRequest(`${base}${transaction}`, {
        method: "PUT",
        headers: { authorization: "Bearer wrong", "content-length": "900000" },
      });
      sending.on("error", () => undefined);
      sending.flushHeaders();
      const [response] = (await once(sending, "response")) as [IncomingMessage];
      assert.equal(response.statusCode, 403);
      assert.equal(response.headers.connection, "close");
      sending.destroy();
    });
  });

  it("answers a ping", async () => {
    const answer = await call("POST", "/_matrix/app/v1/ping", { body: '{"transaction_id":"t"}' });
    assert.deepEqual([answer.status, answer.body], [200, {}]);
  });

  describe("queries", () => {
    for (const id of ["@agent_a:x", "%40agent_a%3Ax", "@agent_a/b%20c:x", "%40agent_a%2Fb%20c%3Ax"]) {
      it(`find the user ${id}`, async () => {
        const answer = await call("GET", `/_matrix/app/v1/users/${id}`);
        assert.deepEqual([answer.status, answer.body], [200, {}]);
      });
    }

    it("do not find another user", async () => {
      const answer = await call("GET", "/_matrix/app/v1/users/@agent_b:x");
      assert.deepEqual([answer.status, errcode(answer)], [404, "M_NOT_FOUND"]);
    });

    it("that fail are answered neither yes nor no", async () => {
      assert.equal((await call("GET", "/_matrix/app/v1/users/@agent_broken:x")).status, 500);
    });

    it("with a broken encoding are refused", async () => {
      assert.equal((await call("GET", "/_matrix/app/v1/users/%E0%A4%A")).status, 400);
    });

    it("find no room, because we own none", async () => {
      const answer = await call("GET", "/_matrix/app/v1/rooms/%23agent_a%3Ax");
      assert.deepEqual([answer.status, errcode(answer)], [404, "M_NOT_FOUND"]);
    });

    for (const kind of ["protocol", "user", "location"]) {
      it(`find no third-party ${kind}`, async () => {
        const answer = await call("GET", `/_matrix/app/v1/thirdparty/${kind}/irc?nick=a`);
        assert.deepEqual([answer.status, errcode(answer)], [404, "M_NOT_FOUND"]);
      });
    }

    for (const query of ["user?userid=@a:x", "location?alias=%23a:x"]) {
      it(`find nothing third-party for ${query}`, async () => {
        const answer = await call("GET", `/_matrix/app/v1/thirdparty/${query}`);
        assert.deepEqual([answer.status, answer.body], [200, []]);
      });
    }
  });

  describe("a request for something that does not exist", () => {
    for (const [method, path, allowed] of [
      ["POST", transaction, "PUT"],
      ["GET", transaction, "PUT"],
      ["GET", "/_matrix/app/v1/ping", "POST"],
      ["PUT", "/_matrix/app/v1/users/@agent_a:x", "GET"],
      ["DELETE", "/_matrix/app/v1/rooms/%23a:x", "GET"],
      ["POST", "/_matrix/app/v1/thirdparty/user", "GET"],
    ] as const) {
      it(`${method} ${path} has a wrong method`, async () => {
        const answer = await call(method, path, method === "GET" ? {} : { body: "{}" });
        assert.deepEqual([answer.status, errcode(answer)], [405, "M_UNRECOGNIZED"]);
        assert.equal(answer.headers.get("allow"), allowed);
      });
    }

    for (const [method, path] of [
      ["PUT", "/transactions/1"],
      ["GET", "/users/@agent_a:x"],
      ["GET", "/rooms/%23a:x"],
      ["GET", "/health"],
      ["GET", "/"],
      ["PUT", "/_matrix/app/unstable/transactions/1"],
      ["PUT", "/_matrix/app/v1/transactions"],
      ["PUT", "/_matrix/app/v1/transactions/1/2"],
      ["PUT", "/_matrix/app/v1/Transactions/1"],
      ["GET", "/_matrix/client/versions"],
    ] as const) {
      it(`${method} ${path} is unknown`, async () => {
        const answer = await call(method, path, method === "GET" ? {} : { body: "{}" });
        assert.deepEqual([answer.status, errcode(answer)], [404, "M_UNRECOGNIZED"]);
        assert.deepEqual(stored, []);
      });
    }
  });

  it("serves what is added to expressApp behind its own paths", async () => {
    service.expressApp.get("/added", (_request, response) => void response.json({ added: true }));
    service.expressApp.put(
      "/_matrix/app/v1/transactions/:id",
      (_request, response) => void response.json("taken over"),
    );
    assert.deepEqual((await call("GET", "/added", { token: undefined })).body, { added: true });
    assert.deepEqual((await call("PUT", transaction, { body: "{}" })).body, {});
  });
});

describe("the listener", () => {
  it("ends when the running request has ended, and closes its kept-alive connection with it", async () => {
    const storing = Promise.withResolvers<undefined>();
    let arrived = false;
    const service = new AgentsAppService({
      hsToken: TOKEN,
      onTransaction: () => {
        arrived = true;
        return storing.promise;
      },
      onUserQuery: () => Promise.resolve(false),
      log: silentLogger(),
    });
    await service.listen(0, "127.0.0.1", 10);
    const agent = new Agent({ keepAlive: true });
    const sending = httpRequest(`http://127.0.0.1:${service.port}/_matrix/app/v1/transactions/1`, {
      method: "PUT",
      headers: { authorization: `Bearer ${TOKEN}` },
      agent,
    }).end("{}");
    await eventually("the transaction", () => arrived);

    let closed = false;
    const started = performance.now();
    const closing = service.close().then(() => (closed = true));
    await new Promise(setImmediate);
    assert.equal(closed, false);
    const answered = once(sending, "response") as Promise<[IncomingMessage]>;
    storing.resolve(undefined);
    const [response] = await answered;
    assert.equal(response.statusCode, 200);
    response.resume();
    await closing;
    assert.ok(performance.now() - started < 5000, "the grace period was not needed");
    agent.destroy();
    await service.close();
  });

  it("says when its port is taken", async () => {
    const options = {
      hsToken: TOKEN,
      onTransaction: () => Promise.resolve(),
      onUserQuery: () => Promise.resolve(false),
      log: silentLogger(),
    };
    const first = new AgentsAppService(options);
    await first.listen(0, "127.0.0.1", 10);
    const second = new AgentsAppService(options);
    await assert.rejects(second.listen(first.port ?? 0, "127.0.0.1", 10), { code: "EADDRINUSE" });
    await second.close();
    await first.close();
  });
});
