import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { dump, load } from "js-yaml";
import { ConfigError, type ConfigProblem } from "../../../src/config/config-error.ts";
import { loadRegistration, makeRegistration, type RegistrationFile } from "../../../src/config/registration.ts";
import { inCheckout } from "../../support/paths.ts";
import { temporaryDirectory } from "../../support/temporary.ts";
import { loadSettings } from "./settings.ts";

const URL = "http://127.0.0.1:9993";

async function read(registration: object | string, domain = "example.org") {
  const file = join(await temporaryDirectory("registration"), "registration.yaml");
  await writeFile(file, typeof registration === "string" ? registration : dump(registration));
  return loadRegistration(
    await loadSettings({ homeserver: { url: "http://a", domain }, appservice: { registration: file } }),
  );
}

async function problemsOf(registration: object | string, domain?: string): Promise<readonly ConfigProblem[]> {
  try {
    await read(registration, domain);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems;
  }
  assert.fail("nothing was found wrong");
}

describe("a new registration", () => {
  it("has two random tokens of 32 bytes, new ones each time", () => {
    const all = [1, 2].flatMap(() => {
      const { as_token, hs_token } = makeRegistration({ domain: "example.org", url: URL });
      return [as_token, hs_token];
    });
    assert.equal(new Set(all).size, 4);
    for (const token of all) assert.match(token, /^[0-9a-f]{64}$/);
  });

  for (const domain of ["example.org", "localhost:8448", "[::1]:8448", "10.0.0.1"]) {
    it(`is good for ${domain}`, async () => {
      const made = makeRegistration({ domain, url: URL });
      const { file, ...others } = await read(made, domain);
      assert.match(file, /\/registration\.yaml$/);
      assert.deepEqual(others, {
        id: "agents",
        url: URL,
        asToken: made.as_token,
        hsToken: made.hs_token,
        senderLocalpart: "agents-appservice",
        raw: made,
      });
    });
  }

  it("claims the users of the agents and the bot, and nobody else's", () => {
    const { namespaces } = makeRegistration({ domain: "example.org", url: URL, bot: "help.me" });
    // As Synapse matches: from the start, but not to the end.
    const claims = (userId: string): boolean =>
      namespaces.users.some(({ regex }) => new RegExp(`^(?:${regex})`).test(userId));
    assert.ok(namespaces.users.every(({ exclusive }) => exclusive));
    for (const userId of ["@agent_llama3.2-3b:example.org", "@agent_a=b:example.org", "@help.me:example.org"]) {
      assert.ok(claims(userId), userId);
    }
    for (const userId of [
      "@alice:example.org",
      "@agent:example.org",
      "@my_agent_x:example.org",
      "@agent_x:exampleXorg",
      "@agent_x:example.org.example.com",
      "@agent_x:sub.example.org",
      "@helpXme:example.org",
      "@help.mechanic:example.org",
    ]) {
      assert.ok(!claims(userId), userId);
    }
  });

  it("is like registration.yaml.example, except for the tokens", async () => {
    const text = await readFile(inCheckout("registration.yaml.example"), "utf8");
    const example = load(text) as RegistrationFile;
    const made = makeRegistration({ domain: "example.org", url: URL });
    const { as_token, hs_token } = example;
    assert.deepEqual(example, { ...made, as_token, hs_token });
    assert.notEqual(as_token, hs_token);
  });
});

describe("a mistake in the registration", () => {
  const good = makeRegistration({ domain: "example.org", url: URL });
  const agents = { exclusive: true, regex: "@agent_.*:example\\.org" };
  const bot = { exclusive: true, regex: "@agents:example\\.org" };
  const users = (...entries: unknown[]): object => ({ namespaces: { users: entries } });

  for (const [change, path, found, expected] of [
    [{ id: undefined }, "id", /^nothing$/, /not empty/],
    [{ id: 5 }, "id", /^5$/, /not empty/],
    [{ url: null }, "url", /^nothing$/, /http:/],
    [{ url: "127.0.0.1:9993" }, "url", /"127/, /http:\/\/127\.0\.0\.1:9993, at which the homeserver reaches/],
    [{ as_token: "REPLACED-BY-64-RANDOM-HEXADECIMAL-DIGITS" }, "as_token", /of the example/, /generate-registration/],
    [{ hs_token: "REPLACED-BY-64-OTHER-RANDOM-HEXADECIMAL-DIGITS" }, "hs_token", /of the example/, /a random one/],
    [{ sender_localpart: "@agents-appservice:example.org" }, "sender_localpart", /"@agents-/, /such as agents-app/],
    [{ sender_localpart: "two words" }, "sender_localpart", /"two words"/, /such as agents-appservice/],
    [{ as_token: "" }, "as_token", /^nothing$/, /text/],
    [{ hs_token: undefined }, "hs_token", /^nothing$/, /text/],
    [{ as_token: "two words" }, "as_token", /not shown/, /without spaces/],
    [{ as_token: "zwölf" }, "as_token", /not shown/, /ASCII/],
    [{ hs_token: 12_345_678 }, "hs_token", /not shown/, /text/],
    [{ hs_token: good.as_token }, "hs_token", /same token/, /another/],
    [{ sender_localpart: "" }, "sender_localpart", /^nothing$/, /such as agents-appservice/],
    [{ sender_localpart: "agents" }, "sender_localpart", /"agents"/, /such as agents-appservice/],
    [{ sender_localpart: "agent_demo" }, "sender_localpart", /"agent_demo"/, /neither the bot nor an agent/],
    [users(bot, { ...agents, exclusive: false }), "namespaces.users", /no exclusive entry/, /all @agent_\*:example/],
    [users(bot, { exclusive: true, regex: "@agent_demo:.*" }), "namespaces.users", /@agent_any/, /all @agent_\*/],
    [users(bot, { exclusive: true, regex: "@agent_.*:other" }), "namespaces.users", /@agent_/, /all @agent_\*/],
    [users(bot, { exclusive: true, regex: "(" }), "namespaces.users", /@agent_/, /all @agent_\*/],
    [users(null, 5, bot), "namespaces.users", /@agent_/, /all @agent_\*/],
    [users(agents), "namespaces.users", /@agents:example\.org/, /@agents:example\.org/],
  ] as const) {
    it(`is named: ${path} in ${JSON.stringify(change)}`, async () => {
      const problems = await problemsOf({ ...good, ...change });
      assert.deepEqual(
        problems.map((problem) => problem.path),
        [path],
      );
      assert.match(problems[0]?.found ?? "", found);
      assert.match(problems[0]?.expected ?? "", expected);
    });
  }

  it("is reported together with all others, and without any token", async () => {
    const problems = await problemsOf({ as_token: "my token", hs_token: ["mytoken"], namespaces: [] });
    const paths = problems.map(({ path }) => path);
    assert.deepEqual(
      new Set(paths),
      new Set(["id", "url", "as_token", "hs_token", "sender_localpart", "namespaces.users"]),
    );
    assert.doesNotMatch(JSON.stringify(problems), /my ?token/);
  });

  it("such as one for another domain, is found", async () => {
    const paths = (await problemsOf(good, "example.com")).map(({ path }) => path);
    assert.deepEqual(paths, ["namespaces.users", "namespaces.users"]);
  });

  it("such as a missing file, is reported with a remedy", async () => {
    const config = await loadSettings({});
    await assert.rejects(loadRegistration(config), /registration\.yaml.*\n.*no such file.*generate-registration/);
    // Another one would have other tokens than the one in the service's credentials.
    const registration = "/run/credentials/no-such.service/registration.yaml";
    await assert.rejects(
      loadRegistration({ ...config, appservice: { ...config.appservice, registration } }),
      ({ message }: Error) =>
        /no such file.*systemd lays it there only while the service runs.*deployment\.md/.test(message) &&
        !message.includes("generate-registration"),
    );
  });

  it("is not an entry as other programs write it: unanchored, wider, or with more in it", async () => {
    const wide = { exclusive: true, regex: "@agent.*" };
    await read({ ...good, ...users(wide), "de.sorunome.msc2409.push_ephemeral": true, protocols: [] });
  });
});
