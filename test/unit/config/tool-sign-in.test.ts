import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { endpointsOf } from "../../../src/egress/endpoints.ts";
import { loadSettings, problemsOf } from "./settings.ts";

const URL = "https://mcp.example.org/mcp";

const tickets = (settings: object): object => ({ tools: { tickets: { type: "http", url: URL, ...settings } } });

/** The problems of an entry, as paths below it. */
async function wrong(settings: object): Promise<readonly string[]> {
  return (await problemsOf(tickets(settings))).map(({ path }) => path.replace("tools.tickets.", ""));
}

describe("the configuration of a tool server to which people sign in", () => {
  it("names the authorisation server, or takes the tool server's own host", async () => {
    const signIn = async (settings: object): Promise<unknown> => {
      const server = (await loadSettings(tickets({ sign_in: settings }))).tools.get("tickets");
      return server?.type === "http" ? server.signIn : undefined;
    };
    assert.deepEqual(await signIn({}), {
      issuer: "https://mcp.example.org",
      origins: [],
      scopes: [],
      moreScopes: [],
      parameters: {},
    });
    assert.deepEqual(await signIn({ issuer: "https://login.example.org/realm", client_id: "b", scopes: ["read"] }), {
      issuer: "https://login.example.org/realm",
      clientId: "b",
      origins: [],
      scopes: ["read"],
      moreScopes: [],
      parameters: {},
    });
  });

  it("lets the process reach these two, and no others", async () => {
    const config = await loadSettings(tickets({ sign_in: { issuer: "https://login.example.org:8443" } }));
    assert.deepEqual(endpointsOf(config).slice(1), [
      { host: "mcp.example.org", port: 443 },
      { host: "login.example.org", port: 8_443 },
    ]);
  });

  it("lets it reach further ones that are named, each whole and by itself", async () => {
    const config = await loadSettings(
      tickets({ sign_in: { origins: ["https://token.example.org", "https://[::1]:8443"] } }),
    );
    assert.deepEqual(endpointsOf(config).slice(3), [
      { host: "token.example.org", port: 443 },
      { host: "[::1]", port: 8_443 },
    ]);
    await loadSettings(tickets({ sign_in: { origins: ["http://127.0.0.1:1"] } }));
    for (const origin of [
      "http://token.example.org",
      "https://*.example.org",
      "https://token.example.org/",
      "https://token.example.org/token",
      "https://token.example.org:443",
      "https://Token.example.org",
      "https://user@token.example.org",
      "token.example.org",
      "*",
      "",
    ])
      assert.deepEqual(await wrong({ sign_in: { origins: [origin] } }), ["sign_in.origins.0"], origin);
    const many = Array.from({ length: 9 }, (_, nth) => `https://h${nth}.example.org`);
    assert.deepEqual(await wrong({ sign_in: { origins: many } }), ["sign_in.origins"]);
  });

  it("adds to links what an authorisation server wants, and nothing that the bridge says itself", async () => {
    await loadSettings(tickets({ sign_in: { parameters: { access_type: "offline", prompt: "consent" } } }));
    for (const name of ["state", "redirect_uri", "code_challenge_method", "request", "response_mode", "A"])
      assert.equal((await wrong({ sign_in: { parameters: { [name]: "x" } } })).length, 1, name);
    assert.deepEqual(await wrong({ sign_in: { parameters: { hd: "" } } }), ["sign_in.parameters.hd"]);
  });

  it("has no token beside it, no secret without a name, and people's tokens go through TLS", async () => {
    process.env["TICKETS_SECRET"] = "a-secret-of-the-tests";
    assert.deepEqual(await wrong({ sign_in: {}, token_env: "TICKETS_SECRET" }), ["sign_in"]);
    assert.deepEqual(await wrong({ sign_in: { client_secret_env: "TICKETS_SECRET" } }), ["sign_in.client_id"]);
    assert.deepEqual(await wrong({ sign_in: { client_id: "b", client_secret: "x" } }), ["sign_in.client_secret"]);
    assert.deepEqual(await wrong({ sign_in: { issuer: "http://login.example.org" } }), ["sign_in.issuer"]);
    assert.deepEqual(await wrong({ url: "http://mcp.lan/mcp", sign_in: { issuer: "https://hs" } }), ["url"]);
    await loadSettings(tickets({ url: "http://127.0.0.1:1/mcp", sign_in: { issuer: "http://localhost:2" } }));
    assert.deepEqual(await wrong({ sign_in: { scopes: ["a b"] } }), ["sign_in.scopes.0"]);
    delete process.env["TICKETS_SECRET"];
  });
});
