import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import type { ToolSignInConfig } from "../../../../src/config/tool-sign-in-config.ts";
import { SignInFailure } from "../../../../src/tools/sign-in/sign-in-failure.ts";
import { ToolFailure, type ToolFailureCode } from "../../../../src/tools/tool-failure.ts";
import { forEachDatabase } from "../../../support/databases.ts";
import { freePort } from "../../../support/free-port.ts";
import { signInProcess, signInServer } from "../../../support/signed-in-people.ts";

const ALICE = { server: "tickets", userId: "@alice:hs" };
const WEB = { bind: "127.0.0.1", port: 9_595, url: "https://example.org/agents", viewers: [] };

/** A request for tokens. */
interface Asked {
  readonly authorization: string | undefined;
  readonly body: URLSearchParams;
}

/** An authorisation server that gives tokens to everybody, or refuses clients, and keeps what it was asked. */
async function start(more: (origin: string) => object) {
  const origin = `http://127.0.0.1:${await freePort()}`;
  const asked: Asked[] = [];
  const known: { clients: boolean; tokens: object } = { clients: true, tokens: {} };
  let registered = 0;
  const answers: Readonly<Record<string, (request: IncomingMessage) => Promise<readonly [number, object]>>> = {
    "/.well-known/oauth-authorization-server": () =>
      Promise.resolve([
        200,
        {
          issuer: origin,
          authorization_endpoint: `${origin}/authorize`,
          token_endpoint: `${origin}/token`,
          response_types_supported: ["code"],
          code_challenge_methods_supported: ["S256"],
          ...more(origin),
        },
      ]),
    "/register": async (request) => [
      201,
      { ...(JSON.parse(await text(request)) as object), client_id: `c${++registered}` },
    ],
    "/token": async (request) => {
      asked.push({ authorization: request.headers.authorization, body: new URLSearchParams(await text(request)) });
      return known.clients
        ? [200, { access_token: "t", token_type: "Bearer", ...known.tokens }]
        : [401, { error: "invalid_client" }];
    },
  };
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ""] ?? (() => Promise.resolve([404, {}] as const));
    answer(request).then(
      ([status, body]) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
      () => response.destroy(),
    );
  });
  server.listen(Number(new URL(origin).port), "127.0.0.1");
  await once(server, "listening");
  return {
    origin,
    asked,
    known,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const isFailure =
  (code: ToolFailureCode) =>
  (error: unknown): boolean =>
    error instanceof ToolFailure && error.code === code;

forEachDatabase((_kind, open) => {
  describe("the bridge's name at an authorisation server", () => {
    /** What the link, and the request for tokens, say of the bridge. */
    async function signsIn(
      server: Awaited<ReturnType<typeof start>>,
      signIn: Partial<ToolSignInConfig> = {},
      web?: typeof WEB,
    ): Promise<{ readonly link: URLSearchParams; readonly asked: Asked | undefined }> {
      const config = signInServer(`${server.origin}/mcp`, server.origin);
      const bridge = signInProcess(await open(), { ...config, signIn: { ...config.signIn, ...signIn } }, web);
      const link = new URL(await bridge.people.link(ALICE, "$question")).searchParams;
      const answer = new URLSearchParams({ code: "c", state: link.get("state") ?? "" });
      await bridge.people.finish(ALICE, `?${answer.toString()}`, "$message");
      return { link, asked: server.asked.at(-1) };
    }

    it("is the configured one, with its secret", async () => {
      await using server = await start((origin) => ({ registration_endpoint: `${origin}/register` }));
      const { link, asked } = await signsIn(server, { clientId: "bridge", clientSecret: "hidden" });
      assert.equal(link.get("client_id"), "bridge");
      assert.equal(asked?.authorization, `Basic ${Buffer.from("bridge:hidden").toString("base64")}`);
      assert.ok(!link.toString().includes("hidden"));
    });

    it("is in links with what the admin adds to them, which replaces nothing of the bridge's", async () => {
      await using server = await start(() => ({}));
      const parameters = { access_type: "offline", prompt: "select_account", state: "x" };
      const { link } = await signsIn(server, { clientId: "bridge", parameters });
      assert.deepEqual([link.get("access_type"), link.getAll("prompt")], ["offline", ["select_account"]]);
      assert.equal(link.getAll("state").length, 1);
      assert.notEqual(link.get("state"), "x");
    });

    it("goes into the request itself where the server wants that", async () => {
      await using server = await start(() => ({ token_endpoint_auth_methods_supported: ["client_secret_post"] }));
      const { asked } = await signsIn(server, { clientId: "bridge", clientSecret: "hidden" });
      assert.deepEqual([asked?.authorization, asked?.body.get("client_secret")], [undefined, "hidden"]);
    });

    it("is registered once for each way back, without a secret", async () => {
      await using server = await start((origin) => ({ registration_endpoint: `${origin}/register` }));
      const database = await open();
      const config = signInServer(`${server.origin}/mcp`, server.origin);
      const names: (string | null)[] = [];
      for (const [web, person] of [
        [undefined, "@a:hs"],
        [undefined, "@b:hs"],
        [WEB, "@a:hs"],
      ] as const) {
        const link = await signInProcess(database, config, web).people.link(
          { server: "tickets", userId: person },
          `$${names.length}`,
        );
        names.push(new URL(link).searchParams.get("client_id"));
      }
      assert.deepEqual(names, ["c1", "c1", "c2"]);
    });

    it("is the address of a document where the server takes that, and the page has https", async () => {
      await using server = await start(() => ({ client_id_metadata_document_supported: true }));
      const { link, asked } = await signsIn(server, {}, WEB);
      assert.equal(link.get("client_id"), "https://example.org/agents/tool-client.json");
      assert.equal(link.get("redirect_uri"), "https://example.org/agents/tool-sign-in");
      assert.equal(asked?.body.get("client_id"), "https://example.org/agents/tool-client.json");
    });

    it("is missed where there is no way to get one", async () => {
      await using server = await start(() => ({}));
      await assert.rejects(signsIn(server), (error) => error instanceof SignInFailure && error.code === "needs_client");
    });

    it("is perhaps configured wrongly for a while: nobody's sign-in ends by that", async () => {
      await using server = await start((origin) => ({ registration_endpoint: `${origin}/register` }));
      server.known.tokens = { refresh_token: "r", expires_in: 1 };
      const database = await open();
      const named = { clientId: "bridge", clientSecret: "right" };
      const bridge = signInProcess(database, signInServer(`${server.origin}/mcp`, server.origin, named));
      const state = new URL(await bridge.people.link(ALICE, "$1")).searchParams.get("state") ?? "";
      await bridge.people.finish(ALICE, `?${new URLSearchParams({ code: "c", state }).toString()}`, "$m");
      server.known.clients = false;
      const wrong = signInProcess(
        database,
        signInServer(`${server.origin}/mcp`, server.origin, { ...named, clientSecret: "mistyped" }),
      );
      await assert.rejects(wrong.call(ALICE.userId, "x"), isFailure("unknown_bridge"));
      assert.deepEqual(await wrong.toolsOf(ALICE.userId), ["unknown_bridge"]);
      // Without any name, people can sign in by another one.
      const nameless = signInProcess(database, signInServer(`${server.origin}/mcp`, server.origin));
      await assert.rejects(nameless.call(ALICE.userId, "x"), isFailure("sign_in"));
      server.known.clients = true;
      const asked = server.asked.length;
      // It gets its token, and the tool server is none.
      await assert.rejects(bridge.call(ALICE.userId, "x"), isFailure("refused"));
      assert.equal(server.asked[asked]?.body.get("refresh_token"), "r");
    });

    it("is the one by which a person has signed in, whatever is configured since", async () => {
      await using server = await start((origin) => ({ registration_endpoint: `${origin}/register` }));
      server.known.tokens = { refresh_token: "r", expires_in: 1 };
      const database = await open();
      const bridge = signInProcess(database, signInServer(`${server.origin}/mcp`, server.origin));
      const state = new URL(await bridge.people.link(ALICE, "$1")).searchParams.get("state") ?? "";
      await bridge.people.finish(ALICE, `?${new URLSearchParams({ code: "c", state }).toString()}`, "$m");
      const named = signInServer(`${server.origin}/mcp`, server.origin, { clientId: "bridge" });
      await assert.rejects(signInProcess(database, named).call(ALICE.userId, "x"), isFailure("refused"));
      assert.equal(server.asked.at(-1)?.body.get("client_id"), "c1");
    });

    it("is registered again when the server has forgotten it", async () => {
      await using server = await start((origin) => ({ registration_endpoint: `${origin}/register` }));
      const bridge = signInProcess(await open(), signInServer(`${server.origin}/mcp`, server.origin));
      const ask = async (by: string): Promise<URLSearchParams> =>
        new URL(await bridge.people.link(ALICE, by)).searchParams;
      const first = await ask("$1");
      server.known.clients = false;
      const answer = new URLSearchParams({ code: "c", state: first.get("state") ?? "" });
      await assert.rejects(
        bridge.people.finish(ALICE, `?${answer.toString()}`, "$m"),
        (error) => error instanceof SignInFailure,
      );
      assert.deepEqual([first.get("client_id"), (await ask("$2")).get("client_id")], ["c1", "c2"]);
    });
  });
});
