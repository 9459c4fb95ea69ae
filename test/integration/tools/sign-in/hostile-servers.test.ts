import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { afterEach, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { Authorization } from "../../../../src/tools/sign-in/authorization.ts";
import { isStillNamed } from "../../../../src/tools/sign-in/authorization-server.ts";
import { withAuthorization } from "../../../../src/tools/sign-in/authorization.ts";
import { SignInFailure, type SignInFailureCode } from "../../../../src/tools/sign-in/sign-in-failure.ts";
import { freePort } from "../../../support/free-port.ts";
import { signInServer } from "../../../support/signed-in-people.ts";

const METADATA = "/.well-known/oauth-authorization-server";
const RESOURCE = "/.well-known/oauth-protected-resource/mcp";

type Answers = Readonly<Record<string, (response: ServerResponse) => void>>;

describe("an authorisation server that does what it likes", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  /** A tool server and its authorisation server in one, and the paths that it was asked for. */
  async function start(answers: (origin: string) => Answers): Promise<{ origin: string; asked: string[] }> {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const known = answers(origin);
    const asked: string[] = [];
    const server = createServer((request, response) => {
      const [path = ""] = (request.url ?? "").split("?");
      asked.push(path);
      request.resume();
      const answer = known[path];
      if (answer === undefined) response.writeHead(404).end();
      else answer(response);
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
    return { origin, asked };
  }

  const json =
    (value: unknown) =>
    (response: ServerResponse): void => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    };

  const metadata = (origin: string, more: object = {}): object => ({
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    response_types_supported: ["code"],
    code_challenge_methods_supported: ["S256"],
    ...more,
  });

  async function failureOf(
    work: (authorization: Authorization) => Promise<unknown>,
    origin: string,
    origins: readonly string[] = [],
  ): Promise<SignInFailure> {
    const authorization = new Authorization(signInServer(`${origin}/mcp`, origin, { origins }));
    try {
      await work(authorization);
    } catch (error) {
      if (error instanceof SignInFailure) return error;
      throw error;
    } finally {
      await authorization.end();
    }
    return assert.fail("it was taken");
  }

  const discovers = (authorization: Authorization): Promise<unknown> => authorization.discover();

  for (const [what, code, more] of [
    ["has its token endpoint at another host", "leads_elsewhere", { token_endpoint: "https://evil.example.org/token" }],
    ["has it inside the network", "leads_elsewhere", { token_endpoint: "http://169.254.169.254/latest" }],
    ["has it at another port", "leads_elsewhere", { token_endpoint: "http://127.0.0.1:1/token" }],
    ["has its pages at another host", "leads_elsewhere", { authorization_endpoint: "https://evil.example.org/" }],
    ["registers elsewhere", "leads_elsewhere", { registration_endpoint: "https://evil.example.org/register" }],
    ["revokes elsewhere", "leads_elsewhere", { revocation_endpoint: "https://evil.example.org/revoke" }],
    ["calls itself by another name", "unfit", { issuer: "https://evil.example.org" }],
    ["does not say that it knows PKCE", "unfit", { code_challenge_methods_supported: undefined }],
    ["knows only plain PKCE", "unfit", { code_challenge_methods_supported: ["plain"] }],
    ["gives tokens without a code", "unfit", { response_types_supported: ["token"] }],
    ["has an endpoint that is no address", "unfit", { token_endpoint: "javascript:alert(1)" }],
    ["has an endless address", "unfit", { token_endpoint: `https://hs/${"x".repeat(5_000)}` }],
    ["names nothing", "unfit", { token_endpoint: undefined }],
  ] as const satisfies readonly (readonly [string, SignInFailureCode, object])[]) {
    it(`is not used where it ${what}`, async () => {
      const { origin } = await start((self) => ({ [METADATA]: json(metadata(self, more)) }));
      const failure = await failureOf(discovers, origin);
      assert.equal(failure.code, code, failure.message);
      assert.doesNotMatch(failure.message, /xxxx|javascript|169/);
    });
  }

  it("says which origins would have to be named, all at once, and names none that can't be", async () => {
    const elsewhere = {
      token_endpoint: "https://oauth2.example.org/token",
      revocation_endpoint: "https://oauth2.example.org/revoke",
      registration_endpoint: "https://register.example.org/",
    };
    const { origin } = await start((self) => ({ [METADATA]: json(metadata(self, elsewhere)) }));
    const { message } = await failureOf(discovers, origin);
    assert.match(message, /token_endpoint, registration_endpoint and revocation_endpoint/);
    assert.match(message, /https:\/\/oauth2\.example\.org and https:\/\/register\.example\.org/);
    assert.match(message, /sign_in\.origins/);
    const further = await failureOf(discovers, origin, ["https://oauth2.example.org"]);
    assert.equal(further.code, "leads_elsewhere");
    assert.match(further.message, /registration_endpoint .* https:\/\/register\.example\.org/);
    assert.doesNotMatch(further.message, /oauth2/);
    const long = await start((self) => ({
      [METADATA]: json(metadata(self, { token_endpoint: `https://${"x.".repeat(400)}org/` })),
    }));
    assert.doesNotMatch((await failureOf(discovers, long.origin)).message, /x\.x/);
  });

  it("is used at several hosts where the admin has named them, and at no others", async () => {
    const { origin: other } = await start(() => ({ "/token": json({ access_token: "t", token_type: "Bearer" }) }));
    const { origin } = await start((self) => ({
      [METADATA]: json(metadata(self, { token_endpoint: `${other}/token` })),
    }));
    const config = signInServer(`${origin}/mcp`, origin, { origins: [other] });
    const tokens = await withAuthorization(config, async (authorization) => {
      const server = await authorization.discover();
      assert.ok(isStillNamed(server, config));
      assert.ok(!isStillNamed(server, signInServer(`${origin}/mcp`, origin)));
      return authorization.refresh(server, { id: "bridge" }, "old");
    });
    assert.equal(tokens.access, "t");
    assert.equal((await failureOf(discovers, origin, ["https://evil.example.org"])).code, "leads_elsewhere");
    const unnamed = await failureOf(
      (authorization) => authorization.refresh({ issuer: origin, tokenEndpoint: `${other}/token` }, { id: "b" }, "old"),
      origin,
    );
    assert.equal(unnamed.code, "leads_elsewhere");
    assert.match(unnamed.message, /can't be used/);
  });

  it("is not used where the tool server names another one", async () => {
    const { origin } = await start((self) => ({
      [METADATA]: json(metadata(self)),
      [RESOURCE]: json({ resource: `${self}/mcp`, authorization_servers: ["https://evil.example.org"] }),
    }));
    assert.equal((await failureOf(discovers, origin)).code, "leads_elsewhere");
  });

  it("is not used for another tool server than the configured one", async () => {
    const { origin } = await start((self) => ({
      [METADATA]: json(metadata(self)),
      [RESOURCE]: json({ resource: "https://bank.example.org/", authorization_servers: [self] }),
    }));
    assert.equal((await failureOf(discovers, origin)).code, "leads_elsewhere");
  });

  for (const [what, code, answer] of [
    [
      "is a redirect into the network",
      "leads_elsewhere",
      (response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
    ],
    [
      "is endless",
      "unfit",
      (response) => {
        response.writeHead(200, { "content-type": "application/json" });
        const more = (): void => {
          while (response.write("x".repeat(65_536)));
        };
        response.on("drain", more);
        more();
      },
    ],
    [
      "is a bomb",
      "unfit",
      (response) => {
        response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
        response.end(gzipSync(Buffer.alloc(100_000_000, " ")));
      },
    ],
    ["is no JSON", "unfit", (response) => response.writeHead(200).end("<html>")],
    ["is a list", "unfit", (response) => response.writeHead(200).end("[]")],
    ["is a fault", "away", (response) => response.writeHead(503).end()],
    ["hangs up", "away", (response) => response.destroy()],
  ] as const satisfies readonly (readonly [string, SignInFailureCode, (response: ServerResponse) => unknown])[]) {
    it(`is given up where its description ${what}`, async () => {
      const { origin, asked } = await start(() => ({ [METADATA]: (response) => void answer(response) }));
      const failure = await failureOf(discovers, origin);
      assert.equal(failure.code, code, failure.message);
      assert.ok(asked.every((path) => path.startsWith("/.well-known/")));
    });
    it(`is given up where its answer with tokens ${what}`, async () => {
      const { origin } = await start((self) => ({
        [METADATA]: json(metadata(self)),
        "/token": (response) => void answer(response),
      }));
      const failure = await failureOf(async (authorization) => {
        const server = await authorization.discover();
        return authorization.exchange(
          server,
          { id: "bridge" },
          { code: "c" },
          { verifier: "v", redirect: `${origin}/back` },
        );
      }, origin);
      assert.equal(failure.code, code, failure.message);
    });
  }

  for (const [what, code, status, answer] of [
    ["an error with words", "denied", 400, { error: "access_denied", error_description: "secret words" }],
    ["an error of its own", "unfit", 400, { error: "secret words" }],
    ["tokens that can't stand in a header", "unfit", 200, { access_token: "secret\r\nwords", token_type: "Bearer" }],
    ["tokens that are too long", "unfit", 200, { access_token: "s".repeat(20_000), token_type: "Bearer" }],
    ["tokens of another kind", "unfit", 200, { access_token: "secret words", token_type: "mac" }],
    ["no tokens", "unfit", 200, {}],
  ] as const satisfies readonly (readonly [string, SignInFailureCode, number, object])[]) {
    it(`is told by a failure, without its words, where it gives ${what}`, async () => {
      const { origin } = await start((self) => ({
        [METADATA]: json(metadata(self)),
        "/token": (response) =>
          void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer)),
      }));
      const failure = await failureOf(async (authorization) => {
        const server = await authorization.discover();
        return authorization.refresh(server, { id: "bridge" }, "old");
      }, origin);
      assert.equal(failure.code, code, failure.message);
      assert.doesNotMatch(`${failure.message} ${String(failure.stack)}`, /secret|words|ssss/);
    });
  }

  it("is told from one that is not there", async () => {
    const origin = `http://127.0.0.1:${await freePort()}`;
    assert.equal((await failureOf(discovers, origin)).code, "away");
  });
});
