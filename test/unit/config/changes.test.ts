import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { changesOf } from "../../../src/config/changes.ts";
import type { Config } from "../../../src/config/config.ts";
import { LiveConfig } from "../../../src/config/live.ts";
import { LEAST, loadSettings } from "./settings.ts";

/** A configuration whose paths do not depend on where it lies. */
async function settings(more: object = {}): Promise<Config> {
  const fixed = { data_dir: "/data", appservice: { registration: "/registration.yaml" } };
  return loadSettings({ ...fixed, ...more });
}

describe("a changed configuration", () => {
  it("has no changes when it says the same", async () => {
    assert.deepEqual(changesOf(await settings(), await settings()), { live: [], restart: [] });
  });

  for (const [more, name] of [
    [{ access: { users: ["@*:elsewhere.example"] } }, "access"],
    [{ permissions: { max_room_members: 5 } }, "permissions"],
    [{ limits: { user: { requests_per_day: 1 } } }, "limits"],
    [{ privacy: { cloud: "deny" } }, "privacy"],
    [{ rooms: { "!a:example.org": { privacy: { cloud: "deny" } } } }, "privacy"],
    [{ answers: { welcome: false } }, "answers"],
    [{ exchanges: { max_hops: 1 } }, "exchanges"],
    [{ memory: { summaries: false } }, "memory"],
    [{ turns: { max_queued: 1 } }, "turns"],
    [{ encryption: { trust: { send: "unverified" } } }, "trust"],
    [{ rooms: { "!a:example.org": { trust: { read: "unverified" } } } }, "trust"],
    [{ agents: { ...LEAST.agents, other: { provider: "demo" } } }, "agents"],
    [{ providers: { ...LEAST.providers, ollama: { type: "ollama", url: "http://127.0.0.1:1" } } }, "providers"],
    [{ logging: { level: "debug" } }, "logging.level"],
  ] as const) {
    it(`is applied to the running bridge: ${JSON.stringify(more)}`, async () => {
      assert.deepEqual(changesOf(await settings(), await settings(more)), { live: [name], restart: [] });
    });
  }

  for (const [more, names] of [
    [{ homeserver: { url: "http://127.0.0.1:1", domain: "example.org" } }, ["homeserver.url"]],
    [{ appservice: { registration: "/registration.yaml", port: 1234 } }, ["appservice.port"]],
    [
      { appservice: { registration: "/other.yaml", max_transaction_bytes: 2_000_000 } },
      ["appservice.registration", "appservice.max_transaction_bytes"],
    ],
    [{ data_dir: "/elsewhere" }, ["data_dir", "encryption.master_key_file or master_key_env"]],
    [{ database: { url: "postgres://a/b" } }, ["database", "encryption.verification"]],
    [{ encryption: { master_key_env: "KEY" } }, ["encryption.master_key_file or master_key_env"]],
    [
      { encryption: { mode: "require", forget_keys_after: "30d" } },
      ["encryption.mode", "encryption.forget_keys_after"],
    ],
    [{ sync: { interval: "1m", missing_key_notice_after: "2m" } }, ["sync.interval", "sync.missing_key_notice_after"]],
    [{ ghosts: { max_loaded: 1, idle_after: "1m" } }, ["ghosts.max_loaded", "ghosts.idle_after"]],
    [{ leases: { expire_after: "1m" } }, ["leases.expire_after"]],
    [{ logging: { format: "json" } }, ["logging.format"]],
  ] as const) {
    it(`needs a restart: ${JSON.stringify(more)}`, async () => {
      const { live, restart } = changesOf(await settings(), await settings(more));
      assert.deepEqual(live, []);
      assert.deepEqual(restart.toSorted(), names.toSorted());
    });
  }

  it("is described only by the names of settings, never by their values", async () => {
    const secret = { database: { url: "postgres://user:hunter2@a/b" } };
    const other = { database: { url: "postgres://user:hunter3@a/b" } };
    assert.deepEqual(changesOf(await settings(secret), await settings(other)).restart, ["database.url"]);
  });
});

describe("the live configuration", () => {
  it("is new for all its readers as soon as it is replaced", async () => {
    const live = new LiveConfig(await settings());
    const asks = () => live.now();
    assert.equal(asks().turns.maxQueued, 20);
    live.replace(await settings({ turns: { max_queued: 3 } }));
    assert.equal(asks().turns.maxQueued, 3);
  });
});
