import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer, type Server, type AddressInfo } from "node:net";
import { after, describe, it } from "node:test";
import { generate } from "selfsigned";
import { NoHomeserver } from "../../../src/homeserver/no-answer.ts";
import { isAtLeast, surveyHomeserver } from "../../../src/homeserver/survey.ts";
import { freePort } from "../../support/free-port.ts";

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

/** Listens on a port of its own. */
async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers each path with its JSON, and 404 otherwise. */
function answering(
  answers: Readonly<Record<string, object>>,
  headers: Readonly<Record<string, string>> = {},
): RequestListener {
  return (request, response) => {
    const body = answers[request.url ?? ""];
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body ?? { errcode: "M_UNRECOGNIZED" }));
  };
}

/** Says nothing to what holds no line of HTTP. */
function waitingForLines(answer: RequestListener): Server {
  const http = createServer(answer);
  return createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (data) => {
      if (!data.toString("latin1").startsWith("GET ")) return;
      socket.unshift(data);
      http.emit("connection", socket);
    });
  });
}

/** A server with TLS that refuses plain HTTP by HTTP. */
function refusingPlain(key: string, cert: string): Server {
  const secure = createTlsServer({ key, cert }, answering(VERSIONS));
  return createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (data) => {
      if (data.toString("latin1").startsWith("GET ")) {
        socket.end("HTTP/1.1 400 Bad Request\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n");
        return;
      }
      socket.pause();
      socket.unshift(data);
      secure.emit("connection", socket);
    });
  });
}

const VERSIONS = { "/_matrix/client/versions": { versions: ["v1.1", "v1.11"] } };

async function assertNone(url: string, words: RegExp, ca?: string): Promise<void> {
  await assert.rejects(surveyHomeserver(url, ca), (error) => {
    assert.ok(error instanceof NoHomeserver);
    assert.match(error.message, words);
    assert.equal(error.exitCode, 1);
    return true;
  });
}

describe("the survey of a homeserver", () => {
  it("tells the software, the domain, and how people sign in", async () => {
    const host = await listen(
      createServer(
        answering({
          ...VERSIONS,
          "/_synapse/admin/v1/server_version": { server_version: "1.163.2 (b=main,1234567)" },
          "/_matrix/key/v2/server": { server_name: "example.org" },
          "/_matrix/client/v3/login": { flows: [{ type: "m.login.password" }, { type: "m.login.token" }, 7] },
        }),
      ),
    );
    const survey = await surveyHomeserver(`http://${host}/`);
    assert.deepEqual(survey.versions, ["v1.1", "v1.11"]);
    assert.deepEqual(survey.software, { name: "Synapse", version: "1.163.2" });
    assert.equal(survey.domain, "example.org");
    assert.deepEqual(survey.signIn, { by: "homeserver", flows: ["m.login.password", "m.login.token"] });
    assert.ok(Math.abs(survey.clockOffsetMs ?? Infinity) < 2_000);
  });

  it("recognises an authentication service, other software, and a wrong clock", async () => {
    const host = await listen(
      createServer(
        answering(
          {
            ...VERSIONS,
            "/_matrix/federation/v1/version": { server: { name: "Other", version: "0.5" } },
            "/_matrix/client/v1/auth_metadata": { issuer: "https://account.example.org/" },
          },
          { date: new Date(Date.now() - 60_000).toUTCString() },
        ),
      ),
    );
    const survey = await surveyHomeserver(`http://${host}`);
    assert.deepEqual(survey.signIn, { by: "service", issuer: "https://account.example.org/" });
    assert.deepEqual(survey.software, { name: "Other", version: "0.5" });
    assert.equal(survey.domain, undefined);
    assert.ok(Math.abs((survey.clockOffsetMs ?? 0) + 60_000) < 2_000);
  });

  it("takes a homeserver without /login for one whose authentication service is away", async () => {
    const { signIn } = await surveyHomeserver(`http://${await listen(createServer(answering(VERSIONS)))}`);
    assert.deepEqual(signIn, { by: "service", issuer: undefined });
  });

  it("says that a web page is no homeserver, and that other JSON is none", async () => {
    const page = await listen(
      createServer((_request, response) => {
        response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<h1>It works!</h1>");
      }),
    );
    await assertNone(`http://${page}`, /no homeserver \(HTTP 200, text\/html\).*client-server API/);
    await assertNone(
      `http://${await listen(createServer(answering({})))}`,
      /no homeserver \(HTTP 404, M_UNRECOGNIZED\)/,
    );
    for (const versions of [[], [7], "v1.11", null, {}]) {
      const odd = await listen(createServer(answering({ "/_matrix/client/versions": { versions } })));
      await assertNone(`http://${odd}`, /no homeserver \(HTTP 200, application\/json\)/);
    }
  });

  it("names a listener for other homeservers, an identity server, and an address with a path too many", async () => {
    const federation = { "/_matrix/federation/v1/version": { server: { name: "Synapse", version: "1.163.2" } } };
    await assertNone(
      `http://${await listen(createServer(answering(federation)))}`,
      /answers other homeservers, and no clients: .*client among the resources/,
    );
    const identity = { "/_matrix/identity/versions": { versions: ["v1.1"] } };
    await assertNone(
      `http://${await listen(createServer(answering(identity)))}`,
      /is an identity server: use the homes/,
    );
    const host = await listen(createServer(answering(VERSIONS)));
    await assertNone(`http://${host}/index.html`, new RegExp(`answers as one at http://${host}: use http://${host}$`));
  });

  it("follows no redirect", async () => {
    const host = await listen(
      createServer((_request, response) => {
        response.writeHead(301, { location: "https://www.example.org/" }).end();
      }),
    );
    await assertNone(`http://${host}`, /redirects to https:\/\/www\.example\.org\/: use the homeserver's own address/);
    const moving = await listen(
      createServer((request, response) => {
        response.writeHead(308, { location: `https://matrix.example.org${request.url ?? ""}` }).end();
      }),
    );
    await assertNone(
      `http://${moving}`,
      /redirects to https:\/\/matrix\.example\.org: use https:\/\/matrix\.example\.org, if/,
    );
  });

  it("distinguishes a closed port, an unknown host, a server that hangs up", async () => {
    await assertNone(`http://127.0.0.1:${await freePort()}`, /nothing listens at 127\.0\.0\.1:\d+/);
    await assertNone("http://no-such-host.invalid", /there is no host no-such-host\.invalid/);
    const rude = await listen(createTcpServer((socket) => socket.destroy()));
    await assertNone(`http://${rude}`, /hangs up: it is another program, or a proxy/);
  });

  it("names the address with the protocol that is spoken at the port", async () => {
    const plain = await listen(createServer(answering(VERSIONS)));
    await assertNone(`https://${plain}`, new RegExp(`speaks no TLS: use http://${plain}$`));
    // As Synapse's listener: it waits for the rest of a line that does not come.
    const patient = await listen(waitingForLines(answering(VERSIONS)));
    await assertNone(`https://${patient}/matrix/`, new RegExp(`speaks no TLS: use http://${patient}/matrix$`));
    const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }]);
    const secure = await listen(createTlsServer({ key, cert }, answering(VERSIONS)));
    await assertNone(`http://${secure}`, new RegExp(`${secure} speaks TLS: use https://${secure}$`));
    // As nginx and Go's servers, which refuse plain HTTP by HTTP.
    await assertNone(`http://${await listen(refusingPlain(key, cert))}`, /speaks TLS: use https:\/\//);
  });

  it("tells a homeserver that hangs from one that no connection reaches", async () => {
    const silent = await listen(createTcpServer((socket) => socket.on("error", () => undefined)));
    await Promise.all([
      assertNone(`http://${silent}`, /takes the connection, but gives no answer: the homeserver hangs/),
      assertNone(`https://${silent}`, /takes the connection, but gives no answer: the homeserver hangs/),
    ]);
  });

  it("names a port of something that speaks neither", async () => {
    const greeting = await listen(
      createTcpServer((socket) =>
        socket
          .on("error", () => undefined)
          .resume()
          .end("SSH-2.0-x\r\n"),
      ),
    );
    await assertNone(`http://${greeting}`, /speaks no HTTP, .*another program listens there/);
    await assertNone(`https://${greeting}`, /speaks no TLS, and no plain HTTP either: another program listens there/);
    const endless = await listen(
      createTcpServer((socket) => {
        socket.on("error", () => undefined).write(`HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(20_000)}`);
      }),
    );
    await assertNone(`http://${endless}`, /speaks no HTTP, or not as a homeserver does: another/);
  });

  it("says what is wrong with a certificate", async () => {
    const day = 24 * 60 * 60_000;
    const named = async (name: string, from: number, to: number): Promise<{ url: string; cert: string }> => {
      const dates = { notBeforeDate: new Date(Date.now() + from * day), notAfterDate: new Date(Date.now() + to * day) };
      const extensions = [{ name: "subjectAltName" as const, altNames: [{ type: 2 as const, value: name }] }];
      const { private: key, cert } = await generate([{ name: "commonName", value: name }], {
        ...dates,
        extensions,
      });
      const host = await listen(createTlsServer({ key, cert }, answering(VERSIONS)));
      return { url: `https://${host.replace("127.0.0.1", "localhost")}`, cert };
    };
    for (const [name, from, to, words] of [
      ["localhost", -9, 9, /certificate of localhost:\d+ is not trusted.*homeserver\.ca_file/],
      ["example.org", -9, 9, /certificate of localhost:\d+ is for example\.org: use the name that it is for/],
      ["localhost", -9, -1, /certificate of localhost:\d+ has expired: renew it.*clock is wrong \(\d{4}-/],
      ["localhost", 1, 9, /certificate of localhost:\d+ is not valid yet: set this machine's clock/],
    ] as const) {
      const { url, cert } = await named(name, from, to);
      await assertNone(url, words, words.source.includes("not trusted") ? undefined : cert);
    }
  });

  it("says that a server refuses TLS as it is wanted", async () => {
    const old = await listen(createTlsServer({ maxVersion: "TLSv1.2", ciphers: "PSK" }, answering(VERSIONS)));
    await assertNone(`https://${old}`, /refuses the TLS connection \(ERR_SSL_.+\)/);
  });

  it("tells a proxy whose homeserver is away, and one that keeps us out", async () => {
    const refusing = (status: number): Promise<string> =>
      listen(createServer((_request, response) => response.writeHead(status, { "content-type": "text/html" }).end()));
    await assertNone(`http://${await refusing(502)}`, /is away \(HTTP 502\): start the homeserver/);
    await assertNone(`http://${await refusing(522)}`, /is away \(HTTP 522\): start the homeserver/);
    await assertNone(`http://${await refusing(500)}`, /fails \(HTTP 500\): read the log/);
    await assertNone(`http://${await refusing(429)}`, /asked too often \(HTTP 429\): wait/);
    await assertNone(`http://${await refusing(401)}`, /keeps us out \(HTTP 401\)/);
  });

  it("says where the homeserver is by the server's own word, without asking there, and without what could control a terminal", async () => {
    const pointing = (base: string): Promise<string> =>
      listen(createServer(answering({ "/.well-known/matrix/client": { "m.homeserver": { base_url: base } } })));
    await assertNone(
      `http://${await pointing("https://matrix.example.org")}`,
      /is no homeserver: its \/\.well-known\/matrix\/client says that the homeserver is at https:\/\/matrix\.example\.org: use that address$/,
    );
    await assertNone(
      `http://${await pointing(`\u001b[2J${"x".repeat(5_000)}`)}`,
      /is at \ufffd\[2Jx{296}: use that address$/,
    );
  });
});

describe("versions of Synapse", () => {
  for (const [version, oldest, is] of [
    ["1.141.0", "1.141.0", true],
    ["1.163.2", "1.141.0", true],
    ["1.141.0rc1", "1.141.0", true],
    ["1.99.0", "1.141.0", false],
    ["1.140.9", "1.141.0", false],
    ["2.0", "1.141.0", true],
  ] as const) {
    it(`${version} is ${is ? "" : "not "}at least ${oldest}`, () => assert.equal(isAtLeast(version, oldest), is));
  }
});
