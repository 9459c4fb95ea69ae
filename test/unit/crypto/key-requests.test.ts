import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { askForKeys, readableAnswer } from "../../../src/crypto/key-requests.ts";
import { HomeserverUnreachable, MatrixError, UnexpectedAnswer } from "../../../src/homeserver/errors.ts";

type Users = Record<string, unknown>;

function broken(status: number): MatrixError {
  return new MatrixError("POST keys", { status, errcode: "M_UNKNOWN", error: "", retryAfterMs: undefined });
}

/** A homeserver that fails where any of these is asked for, and the requests that it got. */
function server(
  failing: readonly string[],
  error: Error,
): { ask: (body: string) => Promise<string>; asked: string[][] } {
  const asked: string[][] = [];
  return {
    asked,
    ask: (body) => {
      const { one_time_keys: wanted } = JSON.parse(body) as { one_time_keys: Users };
      asked.push(Object.keys(wanted));
      if (failing.some((userId) => userId in wanted)) return Promise.reject(error);
      const keys = Object.fromEntries(
        Object.keys(wanted).map((userId) => [userId, { D: { "signed_curve25519:A": {} } }]),
      );
      return Promise.resolve(JSON.stringify({ one_time_keys: keys, failures: {} }));
    },
  };
}

function request(userIds: readonly string[]): { request: string; wanted: "one_time_keys"; ownServer: string } {
  const users = Object.fromEntries(userIds.map((userId) => [userId, { D: "signed_curve25519" }]));
  return { request: JSON.stringify({ one_time_keys: users }), wanted: "one_time_keys", ownServer: "home" };
}

const MANY = ["@own:home", "@also:home", ...Array.from({ length: 30 }, (_, index) => `@a:server${index}:8448`)];

async function claimed(
  ask: (body: string) => Promise<string>,
  userIds: readonly string[],
): Promise<[string[], string[]]> {
  const answer = (await askForKeys(ask, request(userIds))) as { one_time_keys: Users; failures: Users };
  return [Object.keys(answer.one_time_keys).sort(), Object.keys(answer.failures)];
}

describe("a request for keys of many servers", () => {
  it("is a single request while all servers answer", async () => {
    const { ask, asked } = server([], broken(500));
    assert.deepEqual(await claimed(ask, MANY), [[...MANY].sort(), []]);
    assert.equal(asked.length, 1);
  });

  it("has a server whose answer breaks the homeserver count as away, and the keys of all others", async () => {
    for (const error of [broken(500), new UnexpectedAnswer("POST keys", "no JSON"), new SyntaxError("no JSON")]) {
      const { ask, asked } = server(["@a:server17:8448"], error);
      const [keys, failures] = await claimed(ask, MANY);
      assert.deepEqual(keys, MANY.filter((userId) => userId !== "@a:server17:8448").sort());
      assert.deepEqual(failures, ["server17:8448"]);
      assert.ok(asked.length <= 13, `${asked.length} requests`);
    }
    assert.deepEqual(await claimed(server(["@a:evil"], broken(500)).ask, ["@a:evil"]), [[], ["evil"]]);
  });

  it("fails where our own server does, and where no answer comes", async () => {
    for (const [failing, error, most] of [
      [["@own:home"], broken(500), 12],
      [MANY, broken(500), 40],
      [["@a:server3:8448"], broken(502), 1],
      [["@a:server3:8448"], broken(429), 1],
      [["@a:server3:8448"], new HomeserverUnreachable("POST keys", "TIMEOUT", "late"), 1],
    ] as const) {
      const { ask, asked } = server(failing, error);
      await assert.rejects(askForKeys(ask, request(MANY)), error);
      assert.ok(asked.length <= most, `${asked.length} requests`);
    }
  });
});

describe("many servers that answer rubbish", () => {
  for (const [servers, hostile] of [
    [64, 6],
    [200, 5],
    [1_000, 3],
    [32, 8],
    [30, 30],
  ] as const) {
    it(`withhold no keys of our own server's people, and few of others: ${hostile} of ${servers}`, async () => {
      const all = Array.from({ length: servers }, (_, index) => `@a:s${index}`);
      const bad = all.filter((_, index) => index % Math.floor(servers / hostile) === 0).slice(0, hostile);
      const { ask, asked } = server(bad, broken(500));
      const [keys, failures] = await claimed(ask, ["@own:home", ...all]);
      assert.ok(keys.includes("@own:home"));
      for (const userId of bad) assert.ok(failures.includes(userId.slice(3)), userId);
      assert.equal(keys.length - 1 + failures.length, servers);
      assert.ok(keys.length - 1 >= (servers - hostile) / 4, `${keys.length} of ${servers}`);
      assert.ok(asked.length <= 50, `${asked.length} requests`);
    });
  }
});

describe("an answer with keys", () => {
  const good = { D: { "signed_curve25519:A": { key: "k" } } };

  it("stays as it is where it is valid", () => {
    const answer = { device_keys: { "@a:b": { D: {} } }, master_keys: { "@a:b": {} }, failures: { c: {} } };
    assert.deepEqual(readableAnswer(answer), answer);
    assert.deepEqual(readableAnswer({ one_time_keys: { "@a:b": good } }), { one_time_keys: { "@a:b": good } });
  });

  it("loses anything that is no map of devices or no key, and ids that are no text", () => {
    const bad = { "@a:b": "text", "@b:b": ["list"], "@c:b": null, "@d:b": 7, "@\ud800:b": {} };
    assert.deepEqual(readableAnswer({ device_keys: { ...bad, "@e:b": { D: "text", "\udc00": {} } } }), {
      device_keys: { "@e:b": { D: "text" } },
    });
    const devices = { ...good, E: "text", F: { "no colon": {}, ":A": {}, ":": {} }, "\ud800": {} };
    assert.deepEqual(readableAnswer({ one_time_keys: { ...bad, "@e:b": devices } }), {
      one_time_keys: { "@e:b": { ...good, F: {} } },
    });
    for (const nothing of [null, "text", []]) assert.deepEqual(readableAnswer(nothing), {});
  });
});
