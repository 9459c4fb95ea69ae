import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer, type Server, type AddressInfo } from "node:net";
import { after, describe, it } from "node:test";
import { generate } from "selfsigned";
import { isAtLeast, NoHomeserver, surveyHomeserver } from "../../../src/homeserver/survey.ts";
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

const VERSIONS = { "/_matrix/client/versions": { versions: ["v1.1", "v1.11"] } };

async function assertNone(url: string, words: RegExp): Promise<void> {
  await assert.rejects(surveyHomeserver(url), (error) => {
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
      /no homeserver \(HTTP 404, application\/json\)/,
    );
  });

  it("follows no redirect", async () => {
    const host = await listen(
      createServer((_request, response) => {
        response.writeHead(301, { location: "https://www.example.org/" }).end();
      }),
    );
    await assertNone(`http://${host}`, /redirects to https:\/\/www\.example\.org\//);
  });

  it("distinguishes a closed port, an unknown host, a server that hangs up", async () => {
    await assertNone(`http://127.0.0.1:${await freePort()}`, /nothing listens at 127\.0\.0\.1:\d+/);
    await assertNone("http://no-such-host.invalid", /there is no host no-such-host\.invalid/);
    const rude = await listen(createTcpServer((socket) => socket.destroy()));
    await assertNone(`http://${rude}`, /hangs up on plain HTTP/);
  });

  it("distinguishes TLS to a server without it, HTTP to a server with it, and an untrusted certificate", async () => {
    const plain = await listen(createServer(answering(VERSIONS)));
    await assertNone(`https://${plain}`, /speaks no TLS: use http:\/\//);
    const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }]);
    const secure = await listen(createTlsServer({ key, cert }, answering(VERSIONS)));
    await assertNone(`http://${secure}`, /hangs up on plain HTTP: it may want https/);
    await assertNone(`https://${secure}`, /certificate of 127\.0\.0\.1:\d+ is not trusted.*homeserver\.ca_file/);
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
