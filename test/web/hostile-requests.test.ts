import assert from "node:assert/strict";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { VIEW_NAMES, viewPath } from "../../src/web/views/view-names.ts";
import { answerTo, chatWith } from "../support/calling-chat.ts";
import { eventually } from "../support/eventually.ts";
import { startWebDeployment, type WebDeployment } from "../support/web-page.ts";

/** A text that would do harm as markup, in an attribute, and in the stream of changes. */
const HOSTILE = `"'><img src=x onerror=alert(1)></textarea><script>alert(1)</script>\r\n\r\nevent: ended`;

/** The answer to a request as no browser would send it. */
interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

describe("attacks on the page", () => {
  let web: WebDeployment;
  let port: number;
  let member: Session;
  let viewer: Session;
  /** What a request of somebody who is signed in carries. */
  interface Session {
    readonly page: Page;
    readonly cookie: string;
    readonly token: string;
  }

  before(async () => {
    web = await startWebDeployment({
      agents: {
        demo: { provider: "demo", display_name: HOSTILE.replace(/[\r\n]+/g, " ") },
        llama: { provider: "ollama", model: "llama3.2:3b" },
      },
    });
    port = Number(new URL(web.url).port);
    [member, viewer] = [await sessionOf([]), await sessionOf(["--look"])];
  });
  after(() => web.stop());

  async function sessionOf(login: readonly string[]): Promise<Session> {
    const page = await web.signedIn({}, ...login);
    const cookie = (await page.context().cookies()).find(({ name }) => name === "matrix_agents_session");
    const token = await page.locator("input[name=token]").first().inputValue();
    return { page, cookie: `matrix_agents_session=${cookie?.value ?? ""}`, token };
  }

  async function ask(
    path: string,
    { method = "GET", headers = {}, body = "" }: { method?: string; headers?: object; body?: string } = {},
  ): Promise<Answer> {
    const sent = request({ host: "127.0.0.1", port, path, method, headers: { ...headers }, agent: false });
    sent.end(body);
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
  }

  /** Asserts that a page holds the text as text alone. */
  function assertEscaped({ body, headers }: Answer, what: string): void {
    assert.doesNotMatch(body, /<img|<script>|<\/textarea|onerror=alert\(1\)>/i, what);
    assert.equal(headers["x-injected"], undefined, what);
  }

  it("send nobody to another site", async () => {
    for (const path of [
      "//evil.example/",
      "//evil.example/%2f..",
      "/\\evil.example/",
      "/%5cevil.example",
      "/%2f%2fevil.example/",
      "/.//evil.example/",
      "/..;//evil.example",
      "///evil.example",
      "/@evil.example/",
      "/rooms//evil.example",
      "http://evil.example/",
      "/%ef%bc%852fevil.example",
    ]) {
      for (const query of ["?language=de", ""]) {
        for (const cookie of ["", member.cookie]) {
          const { headers, status } = await ask(`${path}${query}`, { headers: { cookie } });
          const { location = "/" } = headers;
          assert.equal(new URL(location, web.url).origin, web.url, `${path}${query} leads to ${location}`);
          assert.ok(status < 500, path);
        }
      }
    }
    for (const back of [
      "//evil.example",
      "https://evil.example",
      "/\\evil.example",
      "/rooms/../..//evil.example",
      HOSTILE,
    ]) {
      const body = new URLSearchParams({ token: member.token, back, id: "1" }).toString();
      const answer = await post("/do/mail-drop", body);
      assert.equal(answer.headers.location, "/?said=nothing_such", back);
    }
  });

  function post(path: string, body: string, headers: object = {}): Promise<Answer> {
    return ask(path, {
      method: "POST",
      headers: {
        cookie: member.cookie,
        origin: web.url,
        "content-type": "application/x-www-form-urlencoded",
        ...headers,
      },
      body,
    });
  }

  it("show no markup from addresses and fields, in a view, in a refusal and in the stream of changes", async () => {
    const value = encodeURIComponent(HOSTILE);
    const names = ["page", "after", "before", "holding", "verify", "said", "language", "back", "id", value];
    for (const path of [...VIEW_NAMES.map(viewPath), "/sign-in", `/${value}`]) {
      for (const name of names) {
        const answer = await ask(`${path}?${name}=${value}`, { headers: { cookie: member.cookie } });
        assert.ok(answer.status < 500, `${path} ${name}`);
        assertEscaped(answer, `${path} ${name}`);
        for (const unstorable of ["%00", "!r%00:hs", "%ed%a0%80"]) {
          const odd = await ask(`${path}?${name}=${unstorable}`, { headers: { cookie: member.cookie } });
          assert.ok(odd.status < 500, `${path} ${name} ${unstorable}`);
        }
      }
    }
    for (const [path, field] of [
      ["/sign-in", "code"],
      ["/sign-out", "token"],
      ["/do/new-device", "agent"],
      ["/do/mail-drop", "id"],
      [`/do/${value}`, "id"],
    ] as const) {
      const token = path === "/sign-out" ? {} : { token: member.token };
      const body = new URLSearchParams({ ...token, [field]: HOSTILE, [HOSTILE]: HOSTILE }).toString();
      const answer = await post(path, body);
      assert.ok(answer.status < 500, path);
      assertEscaped(answer, path);
    }
    for (const header of [
      "accept-language",
      "referer",
      "user-agent",
      "x-forwarded-host",
      "x-forwarded-for",
      "x-original-url",
    ]) {
      const answer = await ask("/sign-in", { headers: { [header]: HOSTILE.replace(/[\r\n]+/g, " ") } });
      assertEscaped(answer, header);
      assert.equal(answer.status, 200, header);
    }
    const stream = request({
      host: "127.0.0.1",
      port,
      path: `/live/audit?holding=${value}`,
      headers: { cookie: member.cookie },
      agent: false,
    });
    stream.end();
    const [response] = (await once(stream, "response")) as [IncomingMessage];
    let told = "";
    response.on("data", (chunk: Buffer) => (told += chunk.toString()));
    response.on("error", () => undefined);
    await eventually("the view to be told", () => /event: view\n[^]*\n\n/.test(told));
    stream.destroy();
    assert.doesNotMatch(told, /^event: ended/m);
    assert.doesNotMatch(told, /<img|\r/);
  });

  it("show no markup from what others have named: people, agents, models, hosts, tools, reasons", async () => {
    const { deployment } = web;
    const alice = await deployment.user("js-sdk", "alice");
    const roomId = await chatWith(deployment, alice, "llama");
    await answerTo(alice, roomId, "good morning");
    await alice.request("PUT", `/v3/profile/${encodeURIComponent(alice.userId)}/displayname`, {
      displayname: HOSTILE.slice(0, 200),
    });
    const database = openPostgres(deployment.settings.database ?? "", silentLogger());
    const sql = (statement: string, ...values: unknown[]): Promise<unknown> => database.query(statement, values);
    const ghost = deployment.agent("llama");
    try {
      await sql("insert into events (event_id, room_id, payload) values ($1, $1, '{}')", HOSTILE);
      await sql(
        "insert into mailbox (ghost, event_id, state, reason) values ($1, $2, 'set_aside', $2)",
        ghost,
        HOSTILE,
      );
      await sql(
        "insert into verifications (ghost, flow_id, user_id, state, emoji) values ($1, 'f', $2, 'comparing', $3)",
        ghost,
        HOSTILE,
        JSON.stringify([{ symbol: HOSTILE, description: HOSTILE }]),
      );
      await sql(
        "insert into memberships (ghost, room_id, membership, direct) values ($1, $2, 'join', false)",
        ghost,
        HOSTILE,
      );
      const page = member.page;
      const alerts: string[] = [];
      page.on("dialog", (dialog) => {
        alerts.push(dialog.message());
        dialog.dismiss().catch(() => undefined);
      });
      for (const path of VIEW_NAMES.map(viewPath)) {
        await page.goto(`${web.url}${path}`);
        assert.equal(await page.locator("main img, main script, main textarea").count(), 0, path);
        assertEscaped(await ask(path, { headers: { cookie: member.cookie } }), path);
      }
      await page.goto(`${web.url}/verifications`);
      await page.getByText("<img src=x onerror=alert(1)>").first().waitFor();
      await page.goto(`${web.url}/`);
      await page.getByRole("heading", { name: /<script>alert\(1\)<\/script>/ }).waitFor();
      assert.deepEqual(alerts, []);
    } finally {
      await sql("delete from verifications where flow_id = 'f'");
      await sql("delete from mailbox where event_id = $1", HOSTILE);
      await sql("delete from memberships where room_id = $1", HOSTILE);
      await database.close();
    }
  });

  it("do nothing by forms of other kinds, other methods, or a method that a field or a header names", async () => {
    const fields = { token: member.token, agent: web.deployment.agent("demo"), back: "/" };
    const form = new URLSearchParams(fields).toString();
    const multipart = Object.entries(fields)
      .map(([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
      .join("");
    for (const [type, body] of [
      ["text/plain", form],
      ["application/json", JSON.stringify(fields)],
      ["multipart/form-data; boundary=b", `${multipart}--b--\r\n`],
      ["", form],
      ["application/x-www-form-urlencoded; charset=utf-7", form],
    ] as const) {
      const { status } = await post("/do/new-device", body, { "content-type": type });
      assert.ok(status === 403 || status === 415, `${type}: ${status}`);
    }
    const headers = { cookie: member.cookie, origin: web.url };
    for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]) {
      const answer = await ask(`/do/new-device?${form}`, { method, headers });
      assert.ok(answer.status === 404 || (method === "OPTIONS" && answer.status === 200), `${method} ${answer.status}`);
      assert.equal(answer.headers["access-control-allow-origin"], undefined);
    }
    for (const header of ["x-http-method-override", "x-method-override", "x-http-method"]) {
      assert.equal((await ask(`/do/new-device?${form}`, { headers: { ...headers, [header]: "POST" } })).status, 404);
    }
    assert.doesNotMatch((await web.deployment.command(["audit"])).stdout, /keys new-device/);
  });

  it("get no stream without a session, by HEAD, or by an upgrade", async () => {
    for (const path of VIEW_NAMES.map((name) => `/live${viewPath(name)}`)) {
      assert.equal((await ask(path)).status, 403, path);
    }
    // It ends, and holds no place of an open page.
    assert.equal((await ask("/live/", { method: "HEAD", headers: { cookie: member.cookie } })).status, 200);
    for (const path of ["/", "/live/"]) {
      const { status } = await ask(path, {
        headers: {
          connection: "Upgrade",
          upgrade: "websocket",
          "sec-websocket-version": "13",
          "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
        },
      });
      assert.ok(status === 303 || status === 403, `${path}: ${status}`);
    }
  });

  it("can't have somebody work in another session, nor choose the session's secret", async () => {
    const tossed = `${viewer.cookie}; ${member.cookie}`;
    for (const cookie of [tossed, `matrix_agents_session=x; ${member.cookie}`]) {
      assert.equal((await ask("/", { headers: { cookie } })).status, 303, "two are none");
    }
    const link = await web.link();
    const chosen = "A".repeat(43);
    const answer = await post("/sign-in", `code=${link.slice(link.indexOf("#") + 1)}`, {
      cookie: `matrix_agents_session=${chosen}`,
    });
    assert.equal(answer.status, 303);
    assert.doesNotMatch(String(answer.headers["set-cookie"]), new RegExp(chosen));
    assert.equal((await ask("/", { headers: { cookie: `matrix_agents_session=${chosen}` } })).status, 303);
    for (const language of ["__proto__", "", "%00", "../../de", "x".repeat(4_000), "zz;de"]) {
      const { status } = await ask("/sign-in", { headers: { cookie: `matrix_agents_language=${language}` } });
      assert.equal(status, 200, language);
    }
  });

  it("find nothing in a cache", async () => {
    for (const [path, options] of [
      ["/", { headers: { cookie: member.cookie } }],
      ["/", {}],
      ["/sign-in", {}],
      ["/nothing", { headers: { cookie: member.cookie } }],
      ["/?language=de", {}],
      ["/live/", {}],
      ["/do/x", { method: "POST" }],
    ] as const) {
      const { headers } = await ask(path, options);
      assert.equal(headers["cache-control"], "no-store", path);
      assert.equal(headers["x-content-type-options"], "nosniff", path);
      assert.equal(headers.etag, undefined, path);
    }
  });

  it("with huge requests are refused, and cost no more than their size", async () => {
    const began = performance.now();
    const long = "a,".repeat(7_000);
    for (const headers of [
      { "accept-language": long },
      { cookie: "a=1;".repeat(3_500) },
      { "x-forwarded-for": long },
      { cookie: "matrix_agents_session=x;".repeat(300) },
    ]) {
      assert.ok((await ask("/sign-in", { headers })).status < 500);
    }
    assert.equal((await ask("/sign-in", { headers: { cookie: "x".repeat(20_000) } })).status, 431);
    assert.ok((await ask(`/?${"page=1&".repeat(2_000)}`, { headers: { cookie: member.cookie } })).status < 500);
    const sent = request({
      host: "127.0.0.1",
      port,
      path: "/sign-in",
      method: "POST",
      headers: { origin: web.url, "content-type": "application/x-www-form-urlencoded" },
      agent: false,
    });
    // The answer comes, and the connection ends, before all of it is sent.
    const refused = new Promise<number | undefined>((resolve) => {
      sent.on("response", ({ statusCode }: IncomingMessage) => {
        resolve(statusCode);
      });
      sent.on("error", () => {
        resolve(undefined);
      });
    });
    sent.end("x".repeat(50_000_000));
    assert.ok([413, undefined].includes(await refused));
    sent.destroy();
    assert.ok(performance.now() - began < 10_000, `${performance.now() - began} ms`);
  });

  it("by slow requests are ended, and hold up neither the page nor the agents", async () => {
    const halves = [
      "",
      "GET / HTTP/1.1\r\n",
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Slow: `,
      `POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nOrigin: ${web.url}\r\n` +
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ncode=",
    ];
    const sockets: Socket[] = [];
    const dripping = setInterval(() => {
      for (const [index, socket] of sockets.entries()) if (index % 4 > 1 && socket.writable) socket.write("a");
    }, 500);
    try {
      for (let index = 0; index < 120; index++) {
        const socket = connect(port, "127.0.0.1");
        socket.on("error", () => undefined);
        socket.resume();
        await once(socket, "connect");
        socket.write(halves[index % 4] ?? "");
        sockets.push(socket);
      }
      assert.equal((await ask("/sign-in")).status, 200);
      const bob = await web.deployment.user("js-sdk", "bob");
      await answerTo(bob, await chatWith(web.deployment, bob, "demo"), "are you there?");
      await eventually(
        "all of them to be ended",
        () => sockets.every(({ destroyed, readableEnded }) => destroyed || readableEnded),
        {
          timeoutMs: 40_000,
        },
      );
      assert.equal((await ask("/sign-in")).status, 200);
    } finally {
      clearInterval(dripping);
      for (const socket of sockets) socket.destroy();
    }
  });

  it("with fields that no form has do nothing, and are no fault of the bridge", async () => {
    const names = ["id", "agent", "room", "ghost", "server", "tool", "provider", "model"];
    const before = await done();
    for (const value of [
      "",
      "\0",
      "!r\0:hs",
      "\ud800",
      "%00",
      "' or 1=1 --",
      "../../etc/passwd",
      "__proto__",
      "x".repeat(1_500),
    ]) {
      for (const action of ACTIONS) {
        const fields = Object.fromEntries(names.map((name) => [name, value]));
        const body = new URLSearchParams({ token: member.token, back: "/", ...fields }).toString();
        const { status, headers } = await post(`/do/${action}`, body);
        assert.equal(status, 303, `${action} ${JSON.stringify(value)}`);
        if (action !== "reload") assert.match(String(headers.location), /said=(nothing_such|no_model)/, action);
      }
    }
    assert.deepEqual(await done(), before);
  });

  /** The decisions that the page takes. */
  const ACTIONS = [
    "verification-confirm",
    "verification-reject",
    "mail-retry",
    "mail-drop",
    "new-device",
    "pause",
    "resume",
    "consent-withdraw",
    "grant-forget",
    "pull",
    "reload",
  ];

  /** The commands in the audit log that have changed something. */
  async function done(): Promise<string[]> {
    const { stdout } = await web.deployment.command(["audit"]);
    return stdout
      .split("\n")
      .filter((line) => line.includes("admin.command") && !/ command="?(?:mailbox|reload)/.test(line));
  }

  it("let a viewer do nothing, whatever is sent", async () => {
    const asViewer = { cookie: viewer.cookie };
    const commands = async (): Promise<number> =>
      (await web.deployment.command(["audit"])).stdout.split("\n").filter((line) => line.includes("admin.command"))
        .length;
    const before = await commands();
    for (const [action, field, value] of [
      ["new-device", "agent", web.deployment.agent("demo")],
      ["mail-drop", "id", "all"],
      ["mail-retry", "id", "all"],
      ["verification-confirm", "id", "1"],
      ["verification-reject", "id", "1"],
    ] as const) {
      for (const extra of [{}, { role: "decide" }, { actor: "@admin:example.test" }]) {
        const body = new URLSearchParams({ token: viewer.token, back: "/", [field]: value, ...extra }).toString();
        assert.equal((await post(`/do/${action}`, body, asViewer)).status, 403, action);
        assert.equal((await post(`//do/${action}`, body, asViewer)).status, 404, action);
      }
    }
    for (const action of ACTIONS) {
      const fields = { token: viewer.token, back: "/", agent: web.deployment.agent("demo"), id: "all" };
      const { status } = await post(`/do/${action}`, new URLSearchParams(fields).toString(), asViewer);
      assert.equal(status, 403, action);
    }
    assert.equal(await commands(), before);
  });

  it("on the way in show no code again, and end no session of others", async () => {
    const wrong = Array.from({ length: 10 }, (_, index) => String(index).repeat(43));
    for (const code of [...wrong, ...wrong]) {
      const { status, body } = await post("/sign-in", `code=${code}`, { cookie: "" });
      assert.ok(status === 403 || status === 429);
      assert.doesNotMatch(body, new RegExp(code));
    }
    // Who is in stays in.
    assert.equal((await ask("/", { headers: { cookie: member.cookie } })).status, 200);
  });

  it("leave no line of an error in the bridge's log", () => {
    const errors = web.deployment.bridge.logs().filter(({ level }) => level >= 50);
    assert.deepEqual(
      errors.filter(({ msg }) => msg.includes("page")),
      [],
    );
  });
});
