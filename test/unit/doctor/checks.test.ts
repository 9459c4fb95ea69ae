import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { makeRegistration, type Registration, type RegistrationFile } from "../../../src/config/registration.ts";
import { command as doctor } from "../../../src/cli/commands/doctor.ts";
import type { Finding } from "../../../src/doctor/check.ts";
import { CHECKS, CONFIG_CHECK, ROUNDTRIP_CHECK } from "../../../src/doctor/checks.ts";
import { judgeBackup, judgeDevice, judgeIdentity, judgeOneTimeKeys } from "../../../src/doctor/checks/agents.ts";
import { judgeBridge, judgePing, judgeSoleBridge } from "../../../src/doctor/checks/bridge.ts";
import { judgeDatabase, judgeMailbox, judgeMigrations, judgeRooms } from "../../../src/doctor/checks/database.ts";
import { judgeClock, judgeFeatures, judgeHomeserver } from "../../../src/doctor/checks/homeserver.ts";
import { inWords, judgeDisk, judgeMasterKey } from "../../../src/doctor/checks/machine.ts";
import { judgeModel } from "../../../src/doctor/checks/providers.ts";
import type { Patient } from "../../../src/doctor/patient.ts";
import type { Records } from "../../../src/doctor/records.ts";
import type { GhostKeys } from "../../../src/ghost/public-keys.ts";
import { inJson, inLines, isHealthy } from "../../../src/doctor/report.ts";
import { holdRoundtrip } from "../../../src/doctor/roundtrip.ts";
import { createHomeserverClient } from "../../../src/homeserver/client.ts";
import type { Survey } from "../../../src/homeserver/survey.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { currentUser } from "../../../src/observability/user-name.ts";
import { providersOf } from "../../../src/providers/providers.ts";
import { checkOf } from "../../../src/sealing/master-key.ts";
import { LEAST, loadSettings } from "../config/settings.ts";

const DEMO = "@agent_demo:example.org";
const NO_WHERE = "http://127.0.0.1:1";

const SURVEY: Survey = {
  versions: ["v1.11"],
  software: { name: "Synapse", version: "1.163.2" },
  domain: undefined,
  signIn: { by: "homeserver", flows: ["m.login.password"] },
  clockOffsetMs: 300,
  latencyMs: 3,
};

const GHOST: GhostKeys = {
  userId: DEMO,
  deviceId: "DEVICE",
  deviceMade: true,
  hasToken: false,
  identityRefused: false,
  fingerprint: "fingerprint",
  masterKey: "master",
  backup: "complete",
};

const STATE: NonNullable<Records["state"]> = {
  ghosts: [GHOST],
  paused: [],
  mailbox: { ready: 0, awaitingKey: 0, setAside: 0, refused: 0, malformed: 0 },
  oldestReadySeconds: null,
  setAsideToDevice: 0,
  unsealedRows: 0,
  roomsMarkedByMessage: 0,
  signIns: new Map(),
  processes: 1,
  masterKeyCheck: null,
};

const RECORDS: Records = {
  kind: "postgres",
  versionNumber: 160_004,
  encoding: "UTF8",
  bytes: 9_000_000,
  tables: [{ name: "messages", bytes: 5_000_000 }],
  migrations: [],
  compatible: [],
  state: STATE,
};

/** A homeserver's answers, by method and path without the query; 200 where no status is given. */
type Answers = Readonly<Record<string, { readonly status?: number; readonly body: object }>>;

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

async function homeserverWith(answers: Answers): Promise<string> {
  const server = createServer((request, response) => {
    const [path = ""] = (request.url ?? "").split("?");
    const answer = answers[`${request.method ?? ""} ${path}`];
    response.writeHead(answer === undefined ? 404 : (answer.status ?? 200), { "content-type": "application/json" });
    response.end(JSON.stringify(answer?.body ?? { errcode: "M_NOT_FOUND", error: "" }));
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Circumstances extends Partial<Omit<Patient, "config" | "client" | "registration" | "providers">> {
  readonly settings?: object;
  readonly answers?: Answers;
  readonly registration?: Partial<RegistrationFile>;
}

/** A healthy deployment, except for the given differences. */
async function patientWith({ settings = {}, answers, registration, ...sights }: Circumstances): Promise<Patient> {
  const url = answers === undefined ? NO_WHERE : await homeserverWith(answers);
  const config = await loadSettings({ homeserver: { url, domain: "example.org" }, ...settings });
  const raw = { ...makeRegistration({ domain: "example.org", url: "http://127.0.0.1:9993" }), ...registration };
  const checked: Registration = {
    file: config.appservice.registration,
    id: raw.id,
    url: raw.url,
    asToken: raw.as_token,
    hsToken: raw.hs_token,
    senderLocalpart: raw.sender_localpart,
    raw,
  };
  return {
    config,
    registration: checked,
    client: createHomeserverClient({ url, asToken: checked.asToken, log: silentLogger() }),
    providers: await providersOf(config, silentLogger()),
    user: currentUser(),
    homeserver: { kind: "there", survey: SURVEY },
    bridge: { kind: "running", answer: { pings: [] } },
    database: { kind: "read", records: RECORDS },
    ping: { kind: "answered", roundTripMs: 12, homeserverMs: 5, reachedUs: true },
    ...sights,
  };
}

const WHOAMI = "GET /_matrix/client/v3/account/whoami";
const KEYS_QUERY = "POST /_matrix/client/v3/keys/query";

/** The homeserver's data about the ghost when all is well. */
function published({ master = "master", signer = "self" } = {}): object {
  return {
    device_keys: {
      [DEMO]: {
        DEVICE: { keys: { "ed25519:DEVICE": "fingerprint" }, signatures: { [DEMO]: { [`ed25519:${signer}`]: "…" } } },
      },
    },
    master_keys: { [DEMO]: { keys: { [`ed25519:${master}`]: master } } },
    self_signing_keys: { [DEMO]: { keys: { "ed25519:self": "self" } } },
  };
}

/** For each check a situation in which it finds a fault, and words of that finding. */
const FAILURES: Readonly<
  Record<string, { readonly with: () => Promise<Circumstances> | Circumstances; readonly says: RegExp }>
> = {
  files: {
    with: () => ({}),
    says: /config\.yaml: the configuration can be changed by everybody/,
  },
  disk: { with: () => ({ settings: { data_dir: "/proc/self" } }), says: /0 B free for .* 1\.0 GiB at least/ },
  database: {
    with: () => ({
      database: { kind: "unreadable", mend: "start it, or correct database.url", reason: "connection refused" },
    }),
    says: /can't be used: connection refused.*database\.url/,
  },
  migrations: {
    with: () => ({ database: { kind: "read", records: { ...RECORDS, migrations: ["9999_of_tomorrow.sql"] } } }),
    says: /newer version \(9999_of_tomorrow\.sql\)/,
  },
  "master-key": {
    with: () => ({ database: { kind: "read", records: { ...RECORDS, state: { ...STATE, masterKeyCheck: "abc" } } } }),
    says: /master\.key with the master key is missing.*put it back from your backup/,
  },
  homeserver: {
    with: () => ({ homeserver: { kind: "away", reason: "nothing listens at 127.0.0.1:1", mend: "start it" } }),
    says: /nothing listens.*start it; the address is homeserver\.url in config\.yaml/,
  },
  clock: {
    with: () => ({ homeserver: { kind: "there", survey: { ...SURVEY, clockOffsetMs: -61_000 } } }),
    says: /61\.0 s behind this machine's/,
  },
  registration: {
    with: () => ({ answers: { [WHOAMI]: { body: { user_id: "@other:example.org" } } } }),
    says: /another sender_localpart: it takes the bridge for @other:example\.org/,
  },
  "rate-limit": { with: () => ({ registration: { rate_limited: true } }), says: /rate_limited is not false/ },
  bridge: { with: () => ({ bridge: { kind: "strange", reason: "a web page" } }), says: /a web page.*port 9993/ },
  ping: {
    with: () => ({ ping: { kind: "failed", code: undefined, reason: "It can't connect. Mend it so." } }),
    says: /It can't connect Mend it so/,
  },
  "sole-bridge": {
    with: () => ({ ping: { kind: "answered", roundTripMs: 1, homeserverMs: 1, reachedUs: false } }),
    says: /another bridge with this registration answers at http:\/\/127\.0\.0\.1:9993/,
  },
  namespace: {
    with: () => ({
      answers: {
        [WHOAMI]: {
          status: 403,
          body: { errcode: "M_FORBIDDEN", error: "Application service cannot masquerade as this user" },
        },
      },
    }),
    says: /@agent_demo:example\.org is in none of this bridge's namespaces/,
  },
  sessions: {
    with: () => ({
      answers: {
        "GET /_matrix/client/v3/devices": {
          body: {
            devices: [
              { device_id: "PHONE", display_name: "Element", last_seen_ts: 1 },
              { device_id: "MADE", display_name: "Demo (matrix-appservice-agents)" },
            ],
          },
        },
      },
    }),
    says: /somebody is signed in as @agents:example\.org.*: PHONE \(Element\) end these sessions: matrix-agents adopt/,
  },
  "sign-in": {
    with: () => ({
      answers: {
        [WHOAMI]: { body: { user_id: "@agents:example.org" } },
        "POST /_matrix/client/v3/register": { status: 403, body: { errcode: "M_FORBIDDEN", error: "no" } },
      },
    }),
    says: /does not let the bridge make users/,
  },
  features: {
    with: () => ({
      homeserver: { kind: "there", survey: { ...SURVEY, software: { name: "Synapse", version: "1.140.0" } } },
      answers: { [WHOAMI]: { body: { user_id: DEMO } } },
    }),
    says: /Synapse 1\.140\.0 does not let the bridge act as its agents' devices any more \(MSC4326\)/,
  },
  pauses: {
    with: () => ({
      database: {
        kind: "read",
        records: {
          ...RECORDS,
          state: { ...STATE, paused: [{ ghost: DEMO, by: "local:office", at: new Date("2026-01-02") }] },
        },
      },
    }),
    says: /@agent_demo:example\.org has been paused by local:office since 2026-01-02.*matrix-agents resume @agent_demo/,
  },
  devices: {
    with: () => ({ answers: { [KEYS_QUERY]: { body: { device_keys: {} } } } }),
    says: /the device DEVICE of @agent_demo:example\.org is gone.*keys new-device @agent_demo:example\.org/,
  },
  "one-time-keys": {
    with: () => ({ answers: { "POST /_matrix/client/v3/keys/upload": { body: { one_time_key_counts: {} } } } }),
    says: /no one-time keys left/,
  },
  "cross-signing": {
    with: () => ({ answers: { [KEYS_QUERY]: { body: published({ signer: "another" }) } } }),
    says: /is not signed by its identity/,
  },
  backup: { with: () => ({ answers: {} }), says: /has no key backup at the homeserver/ },
  mailbox: {
    with: () => ({
      database: {
        kind: "read",
        records: { ...RECORDS, state: { ...STATE, mailbox: { ...STATE.mailbox, setAside: 2 } } },
      },
    }),
    says: /2 events were set aside.*matrix-agents mailbox/,
  },
  sealing: {
    with: () => ({
      database: { kind: "read", records: { ...RECORDS, state: { ...STATE, unsealedRows: 3 } } },
    }),
    says: /3 rows hold words that are not sealed.*keys seal-existing/,
  },
  rooms: {
    with: () => ({
      database: { kind: "read", records: { ...RECORDS, state: { ...STATE, roomsMarkedByMessage: 1 } } },
    }),
    says: /1 room counts as encrypted.*matrix-agents rooms/,
  },
  providers: {
    with: () => ({ settings: { providers: { ...LEAST.providers, ollama: { type: "ollama", url: NO_WHERE } } } }),
    says: /ollama at 127\.0\.0\.1:1: .*providers\.ollama\.url/,
  },
  models: {
    with: async () => {
      const url = await homeserverWith({ "GET /v1/models": { body: { object: "list", data: [{ id: "small" }] } } });
      return {
        settings: {
          providers: { own: { type: "openai", url: `${url}/v1` } },
          agents: { big: { provider: "own", model: "large" } },
        },
      };
    },
    says: /big: own does not have large.*agents\.big\.model/,
  },
  tools: {
    with: () => ({ settings: { tools: { search: { type: "http", url: `${NO_WHERE}/mcp` } } } }),
    says: /search at 127\.0\.0\.1:1: .*url and token of tools\.search/,
  },
};

function badIn(findings: readonly Finding[]): string {
  return findings
    .flatMap((finding) => (finding.status === "bad" ? [`${finding.text} ${finding.mend}`] : []))
    .join("\n");
}

describe("each check of the doctor", () => {
  it("fails in a test here", () => {
    assert.deepEqual(Object.keys(FAILURES).sort(), CHECKS.map(({ name }) => name).sort());
  });

  for (const check of CHECKS) {
    it(`${check.name} finds a fault, and says how to fix it`, async () => {
      const failure = FAILURES[check.name] ?? assert.fail(`${check.name} was never seen to fail`);
      const patient = await patientWith(await failure.with());
      if (check.name === "files") await chmod(patient.config.guardedFiles[0]?.path ?? "", 0o666);
      assert.match(badIn(await check.run(patient)), failure.says);
      await patient.client.close();
    });
  }

  it("tells in words that the homeserver does not know the token, or is away, never by an error's code", async () => {
    const unknown = { status: 401, body: { errcode: "M_UNKNOWN_TOKEN", error: "Unrecognised access token." } };
    const all = new Proxy<Answers>({}, { get: () => unknown });
    for (const patient of [await patientWith({ answers: all }), await patientWith({})]) {
      for (const check of CHECKS) {
        for (const finding of await check.run(patient)) {
          const told = `${finding.text} ${finding.status === "bad" ? finding.mend : ""}`;
          assert.doesNotMatch(told, /\bM_[A-Z_]+|\b(GET|POST|PUT) |Unrecognised|fetch failed/, check.name);
        }
      }
      await patient.client.close();
    }
  });

  it("says that keys are not needed where agents encrypt nothing", async () => {
    const patient = await patientWith({ answers: {}, settings: { encryption: { mode: "off" } } });
    for (const name of ["features", "devices", "one-time-keys", "cross-signing", "backup"]) {
      const [finding] = (await CHECKS.find((check) => check.name === name)?.run(patient)) ?? [];
      assert.match(finding?.text ?? "", /^encryption\.mode is off/, name);
    }
    await patient.client.close();
  });

  it(`${CONFIG_CHECK} makes the exit code 2`, async () => {
    const { guardedFiles } = await loadSettings({});
    const [config] = guardedFiles;
    const folder = dirname(config?.path ?? "");
    await writeFile(join(folder, "broken.yaml"), "homeserver: 7\n");
    const none = (): Promise<[]> => Promise.resolve([]);
    const options = { json: false, roundtrip: false, "shared-secret-file": undefined, agent: undefined };
    assert.equal(await doctor.run({ ...options, config: join(folder, "broken.yaml") }, [], none), 2);
    assert.equal(await doctor.run({ ...options, config: config?.path ?? "" }, [], none), 2, "without a registration");
  });

  it(`${ROUNDTRIP_CHECK} finds that no user can be made`, async () => {
    const { config } = await patientWith({ answers: {} });
    assert.match(
      badIn([await holdRoundtrip(config, "secret", undefined)]),
      /no users with a shared secret.*registration_shared_secret/,
    );
    const { config: lonely } = await patientWith({});
    assert.match(badIn([await holdRoundtrip(lonely, "secret", undefined)]), /can't be reached/);
  });

  it(`${ROUNDTRIP_CHECK} finds at once that there is no such agent, and names those that there are`, async () => {
    const { config } = await patientWith({ answers: {} });
    const agents = ["@agent_llama:example.org", "@agent_demo:example.org"];
    const finding = await holdRoundtrip(config, "secret", agents, "nosuch");
    assert.match(
      badIn([finding]),
      /no agent nosuch: there are @agent_llama:example\.org, @agent_demo:example\.org.*--agent/,
    );
    for (const name of ["llama", "agent_llama", "@agent_llama:example.org"]) {
      assert.match(badIn([await holdRoundtrip(config, "secret", agents, name)]), /no users with a shared secret/, name);
    }
  });
});

describe("the doctor distinguishes", () => {
  it("homeservers on which agents have devices by their ids, by a login, and not at all", () => {
    const on = (name: string, version: string, flows: readonly string[], isRefused = false): Finding =>
      judgeFeatures({ software: { name, version }, signIn: { by: "homeserver", flows } }, isRefused);
    const login = ["m.login.password", "m.login.application_service"];
    assert.match(on("Synapse", "1.141.0", login).text, /Synapse 1\.141\.0 lets agents have devices, by its version/);
    assert.match(on("Dendrite", "0.13.8", login).text, /Dendrite 0\.13\.8 lets agents have devices, by a login/);
    assert.equal(on("Other", "1", ["m.login.password"]).status, "unknown");
    assert.match(badIn([on("Other", "1", ["m.login.password"], true)]), /Other 1 does not let.*docs\/homeservers\.md/);
    assert.match(badIn([on("Dendrite", "0.13.8", login, true)]), /took the place.*keys new-device/);
    const on404 = judgeFeatures({ software: undefined, signIn: { by: "service", issuer: undefined } }, true);
    assert.match(badIn([on404]), /^the homeserver does not let/);
  });

  it("an unsigned device where the homeserver takes no identity", () => {
    const none = { devices: new Map(), masterKey: undefined, selfSigningKey: undefined };
    const finding = judgeIdentity({ ...GHOST, identityRefused: true }, none);
    assert.deepEqual([finding.status, finding.text.includes("device as not signed")], ["unknown", true]);
  });

  it("an identity from a different one and from a missing one", () => {
    const keys = (of: object): Parameters<typeof judgeIdentity>[1] => ({
      devices: new Map([["DEVICE", { fingerprint: "fingerprint", signers: ["ed25519:self"] }]]),
      masterKey: "master",
      selfSigningKey: "self",
      ...of,
    });
    assert.equal(judgeIdentity(GHOST, keys({})).status, "good");
    assert.match(badIn([judgeIdentity(GHOST, keys({ masterKey: "other" }))]), /another identity/);
    assert.match(badIn([judgeIdentity(GHOST, keys({ masterKey: undefined }))]), /has no identity/);
    assert.match(badIn([judgeIdentity(GHOST, keys({ selfSigningKey: undefined }))]), /not signed/);
    const other = { fingerprint: "other", signers: [] };
    assert.match(badIn(judgeDevice(GHOST, keys({ devices: new Map([["DEVICE", other]]) }))), /has other keys/);
    const second = new Map([
      ["DEVICE", { fingerprint: "fingerprint", signers: [] }],
      ["ANOTHER", other],
    ]);
    assert.match(badIn(judgeDevice(GHOST, keys({ devices: second }))), /not this bridge's: ANOTHER; another bridge/);
    // The bridge deletes it in a moment.
    const replacing = judgeDevice({ ...GHOST, replaces: "ANOTHER" }, keys({ devices: second }));
    assert.deepEqual(
      replacing.map(({ status }) => status),
      ["good"],
    );
    assert.equal(judgeOneTimeKeys(DEMO, 50, false).status, "good");
    assert.match(badIn([judgeOneTimeKeys(DEMO, 0, false)]), /start the bridge/);
    assert.match(
      badIn([judgeBackup({ ...GHOST, backup: "behind" }, { version: "1", count: 0 })]),
      /did not take all room keys/,
    );
    assert.match(badIn([judgeBackup(GHOST, undefined)]), /has no key backup/);
    assert.equal(judgeBackup({ ...GHOST, backup: "not needed yet" }, undefined).status, "good");
    assert.equal(judgeBackup(GHOST, { version: "1", count: 3 }).status, "good");
  });

  it("a wrong clock from a right one, and an old homeserver or another domain's from a good one", () => {
    const expected = { url: NO_WHERE, domain: "example.org" };
    const old = { ...SURVEY, software: { name: "Synapse", version: "1.140.0" } };
    assert.match(badIn(judgeHomeserver(old, expected)), /too old.*1\.141/);
    assert.match(badIn(judgeHomeserver({ ...SURVEY, domain: "example.com" }, expected)), /calls itself example\.com/);
    assert.equal(judgeHomeserver(SURVEY, expected)[0]?.status, "good");
    assert.equal(judgeClock(900).status, "good");
    assert.equal(judgeClock(undefined).status, "unknown");
    assert.match(badIn([judgeClock(5_100)]), /5\.1 s ahead of/);
  });

  it("a bridge that is stopped from one that is starting or works elsewhere", () => {
    const place = { bind: "127.0.0.1", port: 9993 };
    assert.match(badIn([judgeBridge({ kind: "stopped" }, place, 0)]), /does not run start it: matrix-agents start/);
    assert.match(judgeBridge({ kind: "stopped" }, place, 1).text, /it is starting, or runs on another machine/);
    const starting = judgeBridge({ kind: "starting", pid: 7 }, place, 0);
    assert.deepEqual([starting.status, starting.text.includes("is starting (pid 7)")], ["unknown", true]);
  });

  it("a user that is gone from the homeserver from one of another's namespace, and makes none", async () => {
    const body = { errcode: "M_FORBIDDEN", error: "Application service has not registered this user" };
    const patient = await patientWith({ answers: { [WHOAMI]: { status: 403, body } } });
    const namespace = CHECKS.find(({ name }) => name === "namespace") ?? assert.fail();
    assert.match(badIn(await namespace.run(patient)), /does not know @agent_demo:example\.org, which this bridge made/);
    await patient.client.close();
  });

  it("swapped tokens from unknown ones", async () => {
    const refusal = { status: 401, body: { errcode: "M_UNKNOWN_TOKEN", error: "" } };
    const patient = await patientWith({ answers: { [WHOAMI]: refusal } });
    const registered = CHECKS.find(({ name }) => name === "registration") ?? assert.fail();
    assert.match(
      badIn(await registered.run(patient)),
      /does not know the as_token.*same file as ours, \/.*registration\.yaml .*app_service_config_files/,
    );
    const elsewhere = await patientWith({
      answers: { [WHOAMI]: { body: { user_id: "@agents-appservice:example.com" } } },
    });
    assert.match(badIn(await registered.run(elsewhere)), /the homeserver's domain is example\.com/);
  });

  it("another bridge from its own", () => {
    const answered = { kind: "answered", roundTripMs: 1, homeserverMs: 1, reachedUs: false } as const;
    assert.equal(judgeSoleBridge(answered, 2, NO_WHERE).status, "good");
    assert.equal(judgeSoleBridge({ ...answered, reachedUs: true }, 1, NO_WHERE).status, "good");
    assert.equal(judgeSoleBridge({ kind: "untried", reason: "" }, 1, NO_WHERE).status, "unknown");
    assert.equal(judgePing({ kind: "untried", reason: "why" }).status, "unknown");
  });

  it("a good database from an old one and one of another encoding, and sizes", () => {
    const read = (more: Partial<Records>): string =>
      badIn([judgeDatabase({ kind: "read", records: { ...RECORDS, ...more } })]);
    assert.match(read({ versionNumber: 130_011 }), /PostgreSQL 13\.11 is too old/);
    assert.match(read({ encoding: "SQL_ASCII" }), /encoding is SQL_ASCII/);
    assert.equal(read({}), "");
    assert.equal(judgeMigrations(["1"], ["1", "2"]).status, "unknown");
    assert.equal(judgeMigrations(["1"], ["1"]).status, "good");
    assert.equal(judgeMigrations(["1", "2"], ["1"], ["2"]).status, "good");
    assert.equal(judgeDisk("/d", 2 ** 31).status, "good");
    assert.deepEqual([0, 1023, 1024, 15 * 1024 ** 2, 1.5 * 1024 ** 4].map(inWords), [
      "0 B",
      "1023 B",
      "1.0 KiB",
      "15 MiB",
      "1.5 TiB",
    ]);
  });

  it("usual mail from mail that waits too long, and from messages that end the process", () => {
    assert.match(
      badIn(judgeMailbox({ ...STATE, oldestReadySeconds: 3_600 }, false)),
      /for 60 minutes start the bridge/,
    );
    assert.match(badIn(judgeMailbox({ ...STATE, oldestReadySeconds: 3_600 }, true)), /check the bridge's log/);
    assert.match(
      badIn(judgeMailbox({ ...STATE, setAsideToDevice: 1 }, true)),
      /^1 to-device message ended the process again and again, and was set aside/,
    );
    assert.equal(judgeRooms(STATE).status, "good");
    assert.match(
      badIn([judgeRooms({ ...STATE, roomsMarkedByMessage: 2 })]),
      /2 rooms count as encrypted.*rooms unmark/s,
    );
    assert.equal(judgeMailbox(STATE, true)[0]?.status, "good");
    // Anybody can write untrusted messages: that is no fault of this bridge.
    const mailbox = { ...STATE.mailbox, setAside: 3, refused: 3 };
    const [refused] = judgeMailbox({ ...STATE, mailbox }, true);
    assert.equal(refused?.status, "good");
    assert.match(refused.text, /3 set aside as not trusted, not readable or repeated \(matrix-agents mailbox/);
    assert.match(
      badIn(judgeMailbox({ ...STATE, mailbox: { ...mailbox, setAside: 4 } }, true)),
      /^1 event was set aside: it could not be handled/,
    );
  });

  it("a master key that fits from one that does not", async () => {
    const key = "ab".repeat(32);
    process.env["DOCTOR_TEST_KEY"] = key;
    const source = { from: "env", name: "DOCTOR_TEST_KEY" } as const;
    const one = (check: string) => ({ kind: "one", check }) as const;
    const none = { kind: "none yet" } as const;
    const notKnown = { kind: "not known" } as const;
    assert.equal((await judgeMasterKey(source, one(checkOf(Buffer.from(key, "hex"))))).status, "good");
    assert.match(badIn([await judgeMasterKey(source, one("another"))]), /another master key/);
    assert.match((await judgeMasterKey(source, none)).text, /there is no database yet/);
    assert.match((await judgeMasterKey(source, notKnown)).text, /the database can't be read to compare it with/);
    process.env["DOCTOR_TEST_KEY"] = "short";
    for (const expected of [none, notKnown]) {
      assert.match(badIn([await judgeMasterKey(source, expected)]), /64 hexadecimal digits/);
      assert.match(badIn([await judgeMasterKey({ from: "env", name: "NOT_SET_AT_ALL" }, expected)]), /is not set/);
    }
    assert.match(badIn([await judgeMasterKey({ from: "file", path: "/dev/zero" }, none)]), /it is another file/);
    const absent = { from: "file", path: "/nowhere/master.key" } as const;
    assert.match((await judgeMasterKey(absent, none)).text, /does not exist yet; the first start makes it/);
    assert.match((await judgeMasterKey(absent, notKnown)).text, /does not exist, and the database can't be read/);
    assert.match(badIn([await judgeMasterKey(absent, one("any"))]), /is missing/);
  });

  it("models by Ollama's tags, and from names that a cloud does not list", () => {
    const agent = { name: "a", provider: "p", model: "llama3.2" };
    assert.equal(judgeModel(agent, { type: "ollama" }, [{ name: "llama3.2:latest", canChat: true }])?.status, "good");
    assert.match(badIn([judgeModel(agent, { type: "ollama" }, []) ?? assert.fail()]), /matrix-agents pull p llama3\.2/);
    assert.equal(judgeModel(agent, { type: "anthropic" }, [])?.status, "unknown");
  });

  it("results in lines and in JSON, without characters that control a terminal", () => {
    const results = [
      { check: "one", findings: [{ status: "good", text: "fine" }] },
      {
        check: "other",
        findings: [
          { status: "bad", text: "wrong \u001b[2J", mend: "mend it" },
          { status: "unknown", text: "who knows" },
        ],
      },
    ] as const;
    assert.equal(inLines(results), "✓ one    fine\n✗ other  wrong \ufffd[2J\n         → mend it\n–        who knows");
    assert.deepEqual(JSON.parse(inJson(results)), { healthy: false, checks: results });
    assert.equal(isHealthy(results.slice(0, 1)), true);
  });
});
