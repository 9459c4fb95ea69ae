import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { endpointsOf } from "../../../src/egress/endpoints.ts";
import { loadSettings } from "../config/settings.ts";

describe("the hosts that a bridge may reach", () => {
  it("are its homeserver, its database and its providers, and nothing else", async () => {
    const config = await loadSettings({
      homeserver: { url: "https://matrix.example.org/base", domain: "example.org" },
      database: { url: "postgres://u:p@db.example.org/agents" },
      providers: {
        demo: { type: "demo" },
        ollama: { type: "ollama", url: "http://127.0.0.1:11434" },
        claude: { type: "anthropic" },
        v6: { type: "openai", url: "http://[::1]:8000/v1" },
      },
    });
    assert.deepEqual(endpointsOf(config), [
      { host: "matrix.example.org", port: 443 },
      { host: "127.0.0.1", port: 11_434 },
      { host: "api.anthropic.com", port: 443 },
      { host: "[::1]", port: 8_000 },
      { host: "db.example.org", port: 5_432 },
    ]);
    const local = (url: string): unknown => endpointsOf({ ...config, providers: new Map(), database: { url } }).at(-1);
    assert.deepEqual(local("postgres:///agents?host=/run/postgresql"), { path: "/run/postgresql" });
    assert.deepEqual(local("postgres://%2Frun%2Fpostgresql/agents"), { path: "/run/postgresql" });
    assert.deepEqual(local("postgres:///agents"), { host: "localhost", port: 5_432 });
  });
});
