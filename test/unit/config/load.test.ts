import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { dump } from "js-yaml";
import { loadConfig } from "../../../src/config/load.ts";
import { temporaryDirectory } from "../../support/temporary.ts";
import { LEAST, loadSettings, problemsOf } from "./settings.ts";

const OLLAMA = { type: "ollama", url: "http://127.0.0.1:11434" };
const PNG = Buffer.from("\x89PNG\r\n\x1a\n and more", "latin1");

/** A configuration with one agent of an Ollama. */
function ollamaAgent(agent: object, provider: object = {}): object {
  return { providers: { ollama: { ...OLLAMA, ...provider } }, agents: { llama: { provider: "ollama", ...agent } } };
}

describe("a good configuration", () => {
  it("is complete with the minimum of settings", async () => {
    const { appservice, dataDir, guardedFiles, ...config } = await loadSettings({});
    assert.ok(guardedFiles.some(({ path }) => path === appservice.registration));
    assert.deepEqual(config, {
      homeserver: LEAST.homeserver,
      database: undefined,
      logging: { level: "info", format: "auto" },
      monitoring: undefined,
      web: undefined,
      access: { users: ["@*:example.org"], ignore: config.access.ignore, admins: [] },
      permissions: {
        users: new Map(),
        servers: new Map(),
        rooms: new Map(),
        agents: new Map(),
        commands: { model: "moderators", system: "moderators" },
        maxRoomMembers: undefined,
        invitesPerDay: { user: undefined, server: undefined },
        banLists: [],
      },
      encryption: {
        masterKey: { from: "file", path: join(dataDir, "master.key") },
        trust: {
          everywhere: { send: "cross-signed-untrusted", read: "cross-signed-untrusted" },
          agents: new Map(),
          rooms: new Map(),
        },
        verification: "accept",
        mode: "default",
        forgetKeysAfterMs: undefined,
      },
      sync: { intervalMs: 300_000, missingKeyNoticeMs: 60_000 },
      turns: {
        maxQueued: 20,
        maxWaitMs: 3_600_000,
        maxDurationMs: 900_000,
        maxToolCalls: 16,
        maxToolTimeMs: 300_000,
        approvalMs: 3_600_000,
        retryModelForMs: 20_000,
        drainMs: 8_000,
      },
      answers: {
        stream: "edit",
        maxEdits: 24,
        thinking: false,
        tools: "fold",
        acknowledge: false,
        welcome: true,
        commandMenus: false,
        aiMarks: true,
        language: "auto",
      },
      exchanges: { delegate: false, maxHops: 3, maxTurns: 12 },
      memory: { summaries: true, retentionMs: undefined },
      limits: { user: {}, room: {}, server: {}, agent: {} },
      privacy: { cloud: "ask", encrypted: "deny", rooms: new Map() },
      ghosts: { maxLoaded: 1_000, idleAfterMs: 1_800_000 },
      leases: { expireAfterMs: 15_000 },
      providers: new Map([["demo", { type: "demo" }]]),
      agents: new Map([
        ["demo", { name: "demo", provider: "demo", displayName: "demo", makes: "text", contextTokens: 8192 }],
      ]),
      tools: new Map(),
      transcription: undefined,
    });
    const { registration, ...listener } = appservice;
    assert.deepEqual(listener, { bind: "127.0.0.1", port: 9993, maxTransactionBytes: 67_108_864, bot: "agents" });
    assert.equal(registration, join(dataDir, "../registration.yaml"));
  });

  it("has paths relative to its own folder, and durations in milliseconds", async () => {
    const directory = await temporaryDirectory("config");
    await mkdir(join(directory, "conf"));
    await writeFile(join(directory, "llama.png"), PNG);
    const file = join(directory, "conf", "config.yaml");
    const settings = {
      ...LEAST,
      appservice: { registration: "../r.yaml" },
      data_dir: "../data",
      encryption: { master_key_file: "./key" },
      sync: { interval: "1.5m" },
      ...ollamaAgent({ model: "m", avatar: "../llama.png" }, { first_token_timeout: "250ms", idle_timeout: "1d" }),
    };
    await writeFile(file, dump(settings));
    const config = await loadConfig(file);
    assert.equal(config.appservice.registration, join(directory, "r.yaml"));
    assert.equal(config.dataDir, join(directory, "data"));
    assert.deepEqual(config.encryption.masterKey, { from: "file", path: join(directory, "conf", "key") });
    assert.equal(config.sync.intervalMs, 90_000);
    assert.equal(config.agents.get("llama")?.avatar, join(directory, "llama.png"));
    const provider = config.providers.get("ollama");
    assert.ok(provider?.type === "ollama");
    assert.equal(provider.firstTokenMs, 250);
    assert.equal(provider.idleMs, 86_400_000);
  });

  it("lets an agent inherit the provider's settings that it does not set itself", async () => {
    const provider = { context_tokens: 4096, keep_alive: "10m" };
    const inherits = (await loadSettings(ollamaAgent({ model: "m" }, provider))).agents.get("llama");
    assert.deepEqual([inherits?.contextTokens, inherits?.keepAlive], [4096, "10m"]);
    const own = { model: "m", context_tokens: 1024, keep_alive: "-1" };
    const has = (await loadSettings(ollamaAgent(own, provider))).agents.get("llama");
    assert.deepEqual([has?.contextTokens, has?.keepAlive], [1024, "-1"]);
  });

  it("sets the trusted senders globally, for an agent and for a room", async () => {
    const { trust } = (
      await loadSettings({
        encryption: { trust: { send: "cross-signed-tofu" } },
        agents: { demo: { provider: "demo", trust: { read: "unverified" } } },
        rooms: { "!a:example.org": { trust: { read: "cross-signed-verified" } } },
      })
    ).encryption;
    assert.deepEqual(trust, {
      everywhere: { send: "cross-signed-tofu", read: "cross-signed-untrusted" },
      agents: new Map([["demo", { read: "unverified" }]]),
      rooms: new Map([["!a:example.org", { read: "cross-signed-verified" }]]),
    });
  });

  it("needs no agents where a provider is asked for its models", async () => {
    const config = await loadSettings({ providers: { ollama: { ...OLLAMA, discover: true } }, agents: {} });
    assert.equal(config.agents.size, 0);
  });

  for (const settings of [
    { homeserver: { url: "https://[::1]:8448/", domain: "[2001:db8::1]:8448" } },
    { homeserver: { url: "http://synapse/base", domain: "localhost:8448" } },
    { encryption: { master_key_env: "KEY" } },
    { access: { users: ["@*:example.org", "@friend:example.com", "@bot_?:*"] } },
    { rooms: { "!a:example.org": {} } },
    { permissions: {} },
    {
      permissions: {
        users: { "@root:example.org": "admin", "@*spam*:*": "none" },
        servers: { "*.example.org": "user", "[::1]:8448": "moderator" },
        rooms: { "*": "none", "!a:example.org": "allowed", "!b": "user", "!*:c.example": "none" },
        agents: { "*-cloud": ["@root:example.org"], "llama3.2-3b": [] },
        max_room_members: 500,
        invites_per_day: { user: 20, server: 200 },
        ban_lists: ["!bans:example.org", "!v12-has_no-server"],
      },
    },
    { encryption: { forget_keys_after: "30d" } },
  ]) {
    it(`may be ${JSON.stringify(settings)}`, async () => {
      await loadSettings(settings);
    });
  }

  it("takes the homeserver's URL without a slash at its end", async () => {
    const config = await loadSettings({ homeserver: { url: "http://synapse:8008//", domain: "a.example" } });
    assert.equal(config.homeserver.url, "http://synapse:8008");
    assert.deepEqual(config.access.users, ["@*:a.example"]);
  });

  it("takes the database's URL from a file or the environment", async () => {
    const url = "postgres://bridge:secret@db/agents";
    const directory = await temporaryDirectory("database-url");
    await writeFile(join(directory, "url"), `${url}\n`);
    const fromFile = await loadSettings({ database: { url_file: join(directory, "url") } });
    assert.deepEqual(fromFile.database, { url });
    process.env["CONFIG_TEST_DATABASE_URL"] = url;
    const fromEnv = await loadSettings({ database: { url_env: "CONFIG_TEST_DATABASE_URL" } });
    assert.deepEqual(fromEnv.database, { url });
  });
});

/** Settings with a provider beside the demo. */
function withProvider(provider: object): { providers: object } {
  return { providers: { demo: { type: "demo" }, p: provider } };
}

/** Settings with one mistake, and its expected report: the path, and words for the found and the expected value. */
const MISTAKES: readonly (readonly [settings: object, path: string, found: RegExp, expected: RegExp])[] = [
  [{ homeserver: undefined }, "homeserver", /^nothing$/, /name: value/],
  [{ homeserver: { url: "http://a" } }, "homeserver.domain", /^nothing$/, /example\.org/],
  ...["localhost:8008", "http:localhost", "ftp://a", "http://a/?x=1", "http://a/#b", "http://a/_matrix/client", ""].map(
    (url) => [{ homeserver: { url, domain: "a" } }, "homeserver.url", /./, /http:\/\/127\.0\.0\.1:8008/] as const,
  ),
  ...["https://example.org", "example.org/", "a b", "", "a:99999", "a:b", "[::x]", "ex_ample"].map(
    (domain) => [{ homeserver: { url: "http://a", domain } }, "homeserver.domain", /"/, /without a scheme/] as const,
  ),
  ...[0, 65_536, 80.5, "9993", null].map(
    (port) => [{ appservice: { port } }, "appservice.port", /./, /whole number from 1 to 65535/] as const,
  ),
  [{ appservice: { bind: "" } }, "appservice.bind", /""/, /not empty/],
  [{ appservice: { bot: "Agents" } }, "appservice.bot", /"Agents"/, /lower-case/],
  [{ appservice: { bot: "agent_demo" } }, "appservice.bot", /"agent_demo"/, /no agent has/],
  [{ appservice: { max_transaction_bytes: 1 } }, "appservice.max_transaction_bytes", /^1$/, /from 1048576/],
  [{ appservice: { prot: 1 } }, "appservice.prot", /did you mean port\?/, /registration, bind, port/],
  [{ agnets: {} }, "agnets", /did you mean agents\?/, /homeserver, appservice/],
  [{ zzz: 1 }, "zzz", /^a setting that does not exist$/, /homeserver, appservice/],
  [{ data_dir: 5 }, "data_dir", /^5$/, /a text/],
  [{ database: {} }, "database", /no setting/, /url, url_env, url_file/],
  [{ database: { url: "postgres://a/b", url_env: "X" } }, "database", /more than one/, /only one of url, url_env/],
  [{ database: { url: "mysql://a/b" } }, "database.url", /not shown/, /postgres:/],
  [{ database: { url_env: "CONFIG_TEST_NOT_SET" } }, "database.url_env", /not set/, /postgres:/],
  [{ database: { url_file: "./absent" } }, "database.url_file", /can't be read/, /postgres:/],
  [{ logging: { level: "loud" } }, "logging.level", /"loud"/, /debug, info, warn, error/],
  [{ monitoring: { enabled: "yes" } }, "monitoring.enabled", /"yes"/, /true or false|boolean/],
  [{ monitoring: { port: 70000 } }, "monitoring.port", /70000/, /65535/],
  [{ logging: { format: "xml" } }, "logging.format", /"xml"/, /json, pretty, auto/],
  [{ access: { users: [] } }, "access.users", /a list/, /at least one/],
  [{ access: { users: "@*:a" } }, "access.users", /"@\*:a"/, /a list/],
  [{ access: { users: ["@*:a", "bob"] } }, "access.users.1", /"bob"/, /@\*:example\.org/],
  [{ permissions: [] }, "permissions", /a list/, /name: value/],
  [{ permissions: { user: {} } }, "permissions.user", /did you mean users\?/, /users, servers, rooms/],
  [{ permissions: { users: ["@a:b"] } }, "permissions.users", /a list/, /name: value/],
  [{ permissions: { users: { "@a:b": "root" } } }, "permissions.users.@a:b", /"root"/, /none, user, moderator, admin/],
  [{ permissions: { users: { bob: "user" } } }, "permissions.users.bob", /not possible/, /@\*:example\.org/],
  [{ permissions: { servers: { "@a:b": "user" } } }, "permissions.servers.@a:b", /not possible/, /server name/],
  [{ permissions: { servers: { "a.b": true } } }, "permissions.servers.a.b", /true/, /none, user/],
  [{ permissions: { rooms: { "#a:b": "none" } } }, "permissions.rooms.#a:b", /not possible/, /id of a room/],
  [{ permissions: { rooms: { "!a:b": "blocked" } } }, "permissions.rooms.!a:b", /"blocked"/, /none, allowed, user/],
  [{ permissions: { agents: { Claude: [] } } }, "permissions.agents.Claude", /not possible/, /\*-cloud/],
  [{ permissions: { agents: { claude: "@a:b" } } }, "permissions.agents.claude", /"@a:b"/, /a list/],
  [{ permissions: { agents: { claude: ["bob"] } } }, "permissions.agents.claude.0", /"bob"/, /@\*:example\.org/],
  [{ permissions: { max_room_members: 1 } }, "permissions.max_room_members", /^1$/, /from 2 to/],
  [{ permissions: { max_room_members: "many" } }, "permissions.max_room_members", /"many"/, /whole number/],
  [{ permissions: { invites_per_day: 5 } }, "permissions.invites_per_day", /^5$/, /name: value/],
  [{ permissions: { invites_per_day: { user: 0 } } }, "permissions.invites_per_day.user", /^0$/, /from 1 to/],
  [{ permissions: { invites_per_day: { server: 1.5 } } }, "permissions.invites_per_day.server", /^1\.5$/, /whole/],
  [{ permissions: { ban_lists: "!a:b" } }, "permissions.ban_lists", /"!a:b"/, /a list/],
  [{ permissions: { ban_lists: ["#bans:b"] } }, "permissions.ban_lists.0", /"#bans:b"/, /no address/],
  [{ permissions: { ban_lists: ["!*:b"] } }, "permissions.ban_lists.0", /"!\*:b"/, /id of a room/],
  [{ encryption: { master_key_file: "a", master_key_env: "B" } }, "encryption", /more than one/, /only one of/],
  [{ encryption: { trust: { send: "friends" } } }, "encryption.trust.send", /not shown/, /cross-signed-tofu/],
  [{ encryption: { forget_keys_after: "7d" } }, "encryption.forget_keys_after", /not shown/, /14 days/],
  [{ rooms: { "#alias:x": {} } }, "rooms.#alias:x", /not possible/, /id of a room/],
  ...["5", "0s", "-1m", "25d", "1 m", "100ms"].map(
    (interval) => [{ sync: { interval } }, "sync.interval", /"/, /90s, 5m or 1h/] as const,
  ),
  [{ sync: { interval: 300 } }, "sync.interval", /^300$/, /90s, 5m or 1h/],
  [
    withProvider({ type: "openai", url: "http://a/v1", api_key: "sk-1" }),
    "providers.p.api_key",
    /a key in the configuration/,
    /api_key_env or api_key_file.*copied/,
  ],
  [
    withProvider({ type: "anthropic", api_key_env: "A", api_key_file: "b" }),
    "providers.p",
    /more than one/,
    /only one of api_key_env, api_key_file/,
  ],
  [
    withProvider({ type: "anthropic", api_key_env: "CONFIG_TEST_NOT_SET" }),
    "providers.p.api_key_env",
    /not set/,
    /one line/,
  ],
  [
    withProvider({ type: "anthropic", api_key_file: "./absent" }),
    "providers.p.api_key_file",
    /can't be read/,
    /holds the key/,
  ],
  [
    withProvider({ type: "anthropic", api_key_file: "./config.yaml" }),
    "providers.p.api_key_file",
    /not shown/,
    /without blanks/,
  ],
  [
    withProvider({ type: "openai", url: "http://a", ca_file: "./absent" }),
    "providers.p.ca_file",
    /can't be read/,
    /PEM/,
  ],
  [
    withProvider({ type: "openai", url: "http://a", ca_file: "./config.yaml" }),
    "providers.p.ca_file",
    /no certificate/,
    /PEM/,
  ],
  [
    { homeserver: { url: "https://a", domain: "a", ca_file: "./absent" } },
    "homeserver.ca_file",
    /can't be read/,
    /PEM/,
  ],
  [
    { homeserver: { url: "https://a", domain: "a", ca_file: "./config.yaml" } },
    "homeserver.ca_file",
    /no certificate/,
    /PEM/,
  ],
  [withProvider({ type: "openai", url: "not an address" }), "providers.p.url", /not an address/, /./],
  [
    withProvider({ type: "openai", url: "http://a", locality: "moon" }),
    "providers.p.locality",
    /"moon"/,
    /local, cloud/,
  ],
  [
    { ...withProvider({ type: "openai", url: "http://a" }), agents: { a: { provider: "p" } } },
    "agents.a.model",
    /^nothing$/,
    /name of a model/,
  ],
  [
    { agents: { demo: { provider: "demo", makes: "pictures" } } },
    "agents.demo.makes",
    /pictures/,
    /only providers of type openai/,
  ],
  [
    { transcription: { provider: "demo", model: "w" } },
    "transcription.provider",
    /"demo"/,
    /type openai, of which there is none/,
  ],
  [
    { agents: { demo: { provider: "demo", fallback: "gone" } } },
    "agents.demo.fallback",
    /"gone"/,
    /name of another agent/,
  ],
  [
    {
      ...withProvider({ type: "anthropic" }),
      agents: { demo: { provider: "demo", fallback: "c" }, c: { provider: "p", model: "m" } },
    },
    "agents.demo.fallback",
    /"c", whose provider is cloud/,
    /whose provider is local/,
  ],
  [{ providers: undefined }, "providers", /^nothing$/, /name: value/],
  [{ providers: { demo: { type: "demo" }, O: { type: "demo" } } }, "providers.O", /not possible/, /lower-case/],
  [{ providers: { demo: { type: "demo", url: "x" } } }, "providers.demo.url", /does not exist/, /one of type$/],
  [{ providers: { demo: {} } }, "providers.demo.type", /^nothing$/, /demo, ollama/],
  [{ providers: { demo: { type: "olama" } } }, "providers.demo.type", /"olama"/, /demo, ollama/],
  [ollamaAgent({ model: "m" }, { url: "127.0.0.1:11434" }), "providers.ollama.url", /"127/, /http:\/\/127/],
  [ollamaAgent({ model: "m" }, { discover: "yes" }), "providers.ollama.discover", /"yes"/, /true or false/],
  [ollamaAgent({ model: "m" }, { idle_timeout: "soon" }), "providers.ollama.idle_timeout", /"soon"/, /90s/],
  [ollamaAgent({ model: "m" }, { keep_alive: "1d" }), "providers.ollama.keep_alive", /"1d"/, /"-1" for ever/],
  [ollamaAgent({ model: "m" }, { context_tokens: 1 }), "providers.ollama.context_tokens", /^1$/, /from 512/],
  [{ agents: {} }, "agents", /^nothing$/, /at least one agent.*discover/],
  [{ agents: { Demo: { provider: "demo" } } }, "agents.Demo", /not possible/, /lower-case/],
  [{ agents: { ["a".repeat(101)]: { provider: "demo" } } }, "agents.…", /not possible/, /at most 100/],
  [{ agents: { a: {} } }, "agents.a.provider", /^nothing$/, /text/],
  [{ agents: { a: { provider: "dmeo" } } }, "agents.a.provider", /"dmeo" \(did you mean demo\?\)/, /providers: demo/],
  [{ agents: { a: { provider: "constructor" } } }, "agents.a.provider", /"constructor"/, /providers: demo/],
  [{ agents: { a: { provider: "demo", model: "m" } } }, "agents.a.model", /"m"/, /no model/],
  [ollamaAgent({}), "agents.llama.model", /^nothing$/, /name of a model/],
  [ollamaAgent({ model: 3 }), "agents.llama.model", /^3$/, /text/],
  ...[-0.1, 2.1, "0.7", NaN].map(
    (temperature) =>
      [ollamaAgent({ model: "m", temperature }), "agents.llama.temperature", /./, /a number from 0 to 2/] as const,
  ),
  [ollamaAgent({ model: "m", temprature: 1 }), "agents.llama.temprature", /did you mean temperature\?/, /provider/],
  [ollamaAgent({ model: "m", display_name: "" }), "agents.llama.display_name", /""/, /1 to 100 characters/],
  [ollamaAgent({ model: "m", keep_alive: -1 }), "agents.llama.keep_alive", /^-1$/, /"-1" for ever; in quotes/],
  [
    ollamaAgent({ model: "m", avatar: "./no.png" }),
    "agents.llama.avatar",
    /"\.\/no\.png", .*there is no such file/,
    /PNG/,
  ],
  [
    ollamaAgent({ model: "m", avatar: "/dev/zero" }),
    "agents.llama.avatar",
    /it is another file: it is far too large/,
    /PNG/,
  ],
  [ollamaAgent({ model: "m", avatar: "." }), "agents.llama.avatar", /can't be read: it is a folder, not a file/, /PNG/],
  [
    { agents: { one: { provider: "demo", display_name: "Max" }, two: { provider: "demo", display_name: "MAX" } } },
    "agents.two.display_name",
    /the name of agents\.one/,
    /of its own/,
  ],
  [
    { agents: { one: { provider: "demo", display_name: "Two" }, two: { provider: "demo" } } },
    "agents.one.display_name",
    /the name of agents\.two/,
    /of its own/,
  ],
];

describe("a mistake in the configuration", () => {
  for (const [settings, path, found, expected] of MISTAKES) {
    it(`is named: ${path} in ${JSON.stringify(settings).slice(0, 100)}`, async () => {
      const problems = await problemsOf(settings);
      assert.deepEqual(
        problems.map((problem) => problem.path),
        [path],
      );
      assert.match(problems[0]?.found ?? "", found);
      assert.match(problems[0]?.expected ?? "", expected);
    });
  }

  it("is reported together with all others: from the schema, from dependent settings, from files", async () => {
    const problems = await problemsOf({
      homeserver: { url: "a", domain: "b/c" },
      database: { url_env: "CONFIG_TEST_NOT_SET" },
      providers: { demo: { type: "demo" }, ollama: { ...OLLAMA, urll: 1 } },
      agents: {
        a: { provider: "nobody", temperature: 9 },
        b: { provider: "ollama", avatar: "./absent.png" },
      },
    });
    assert.deepEqual(problems.map(({ path }) => path).sort(), [
      "agents.a.provider",
      "agents.a.temperature",
      "agents.b.avatar",
      "agents.b.model",
      "database.url_env",
      "homeserver.domain",
      "homeserver.url",
      "providers.ollama.urll",
    ]);
  });
});

describe("an avatar", () => {
  for (const [name, bytes, isGood] of [
    ["PNG", PNG, true],
    ["JPEG", Buffer.from([0xff, 0xd8, 0xff, 0xe0]), true],
    ["GIF", Buffer.from("GIF89a…"), true],
    ["WebP", Buffer.from("RIFF\n\0\0\0WEBPVP8 "), true],
    ["an SVG", Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>"), false],
    ["a sound file", Buffer.from("RIFF\n\0\0\0WAVEfmt "), false],
    ["an empty file", Buffer.alloc(0), false],
    ["a PNG of 1 MiB", Buffer.concat([PNG, Buffer.alloc(1024 * 1024 - PNG.length)]), true],
    ["a larger PNG", Buffer.concat([PNG, Buffer.alloc(1024 * 1024)]), false],
  ] as const) {
    it(`${isGood ? "may be" : "is not"} ${name}`, async () => {
      const avatar = join(await temporaryDirectory("avatar"), "avatar");
      await writeFile(avatar, bytes);
      const settings = { agents: { demo: { provider: "demo", avatar } } };
      if (isGood) await loadSettings(settings);
      else
        assert.deepEqual(
          (await problemsOf(settings)).map(({ path }) => path),
          ["agents.demo.avatar"],
        );
    });
  }
});

describe("a secret", () => {
  const SECRET = "hunter2";
  for (const settings of [
    { database: `postgres://u:${SECRET}@h/d` },
    { database: { url: `postgress://u:${SECRET}@h/d` } },
    { database: { url_env: [`postgres://u:${SECRET}@h/d`], url_file: SECRET } },
    { database: { [`url:postgres://u:${SECRET}@h/d`]: null } },
    { encryption: SECRET },
    { encryption: { master_key_env: { [SECRET]: 1 } } },
    { homeserver: { url: `http://u:${SECRET}@a`, domain: "a" } },
    { homeserver: { url: `a?access_token=${SECRET}`, domain: "a" } },
    { data_dir: [`postgres://u:${SECRET}@h/d`] },
    { sync: { interval: `postgres://u:${SECRET}@h/d` } },
    ollamaAgent({ model: "m" }, { url: `u:${SECRET}@ollama:11434` }),
    `homeserver: !${SECRET}`,
    `homeserver: *${SECRET}`,
    `homeserver: "${SECRET}`,
    `homeserver: {url: ${SECRET}`,
    `${SECRET}: 1\n ${SECRET}: 2`,
    `homeserver:${SECRET}`,
  ]) {
    it(`is not printed: ${JSON.stringify(settings).slice(0, 100)}`, async () => {
      const problems = await problemsOf(settings);
      assert.ok(problems.length > 0);
      assert.ok(!JSON.stringify(problems).includes(SECRET), JSON.stringify(problems));
    });
  }

  it("in a file or a variable is not printed either", async () => {
    const file = join(await temporaryDirectory("secret"), "url");
    await writeFile(file, SECRET);
    process.env["CONFIG_TEST_SECRET"] = SECRET;
    for (const database of [{ url_file: file }, { url_env: "CONFIG_TEST_SECRET" }]) {
      assert.ok(!JSON.stringify(await problemsOf({ database })).includes(SECRET));
    }
  });
});
