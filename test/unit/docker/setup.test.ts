import assert from "node:assert/strict";
import { cp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { load } from "js-yaml";
import { loadConfig } from "../../../src/config/load.ts";
import { loadRegistration, makeRegistration } from "../../../src/config/registration.ts";
import { inCheckout } from "../../support/paths.ts";
import { lastLines, startProcess } from "../../support/process.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

/** docker/ of a fresh checkout. */
async function dockerFolder(): Promise<string> {
  const folder = join(await temporaryDirectory("setup"), "docker");
  const isOurs = (source: string): boolean => !/\/docker\/(local|\.env)$/.test(source);
  await cp(inCheckout("docker"), folder, { recursive: true, filter: isOurs });
  return folder;
}

async function setUp(folder: string, ...args: string[]) {
  const run = await startProcess({ command: "sh", args: [join(folder, "setup.sh"), ...args] });
  const { code } = await run.exited;
  return { code, said: lastLines(run) };
}

/** The files that were made: path, content, mode. */
async function madeIn(folder: string): Promise<Map<string, { text: string; mode: number }>> {
  const entries = await readdir(join(folder, "local"), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const made = new Map<string, { text: string; mode: number }>();
  for (const file of [...files, join(folder, ".env")]) {
    const { mode } = await stat(file);
    made.set(file.slice(folder.length + 1), { text: await readFile(file, "utf8"), mode: mode & 0o777 });
  }
  return made;
}

describe("docker/setup.sh", () => {
  it("makes secrets and settings that only their owner can read, and overwrites none of them", async () => {
    const folder = await dockerFolder();
    assert.equal((await setUp(folder, "example.org")).code, 0);
    const first = await madeIn(folder);
    assert.equal(first.size, 13);
    for (const [file, { mode }] of first) assert.equal(mode, 0o600, file);
    const secrets = [...first].filter(([file]) => file.startsWith("local/secrets/")).map(([, { text }]) => text);
    assert.equal(new Set(secrets).size, secrets.length);
    assert.match(first.get("local/secrets/master_key")?.text ?? "", /^[0-9a-f]{64}$/);
    assert.match(first.get("local/secrets/synapse_signing_key")?.text ?? "", /^ed25519 a_[0-9a-f]{4} [\w+/]{43}\n$/);

    await rm(join(folder, "local/secrets/synapse_form_secret"));
    await writeFile(join(folder, "local/bridge/config/config.yaml"), "# mine");
    const again = await setUp(folder, "example.org");
    assert.match(again.said, /^made docker\/local\/secrets\/synapse_form_secret\nNext:.*$/);
    const second = await madeIn(folder);
    assert.equal(second.get("local/bridge/config/config.yaml")?.text, "# mine");
    for (const [file, { text }] of first) {
      if (!/form_secret|config\.yaml/.test(file)) assert.equal(second.get(file)?.text, text, file);
    }
  });

  it("says where another address goes when the first is written down already, and changes nothing", async () => {
    const folder = await dockerFolder();
    await setUp(folder, "example.org");
    const first = await madeIn(folder);
    const { code, said } = await setUp(folder, "example.org", "https://matrix.example.org");
    assert.equal(code, 1);
    assert.match(
      said,
      /write public_baseurl: "https:\/\/matrix\.example\.org\/" into docker\/local\/synapse\/homeserver\.yaml/,
    );
    assert.match(said, /"base_url": "https:\/\/matrix\.example\.org" into docker\/local\/element\/config\.json/);
    assert.deepEqual(await madeIn(folder), first);
    for (const args of [
      ["example.org"],
      ["example.org", "http://localhost:8008"],
      ["example.org", "http://localhost:8008/"],
    ]) {
      assert.equal((await setUp(folder, ...args)).code, 0, args.join(" "));
    }
  });

  it("makes a configuration and a registration that the bridge accepts", async () => {
    const folder = await dockerFolder();
    await setUp(folder, "matrix.example.org:8448", "https://matrix.example.org");
    const file = join(folder, "local/bridge/config/config.yaml");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replaceAll("/run/secrets", join(folder, "local/secrets")));
    const config = await loadConfig(file);
    assert.equal(config.homeserver.domain, "matrix.example.org:8448");
    assert.match(config.database?.url ?? "", /^postgres:\/\/agents:[0-9a-f]{64}@postgres\/agents$/);
    const provider = config.providers.get("ollama");
    assert.ok(provider?.type === "ollama" && provider.locality === "local");

    const { raw } = await loadRegistration(config);
    const { as_token, hs_token } = raw;
    assert.match(as_token, /^[0-9a-f]{64}$/);
    assert.match(hs_token, /^[0-9a-f]{64}$/);
    const ours = makeRegistration({ domain: config.homeserver.domain, url: `http://bridge:${config.appservice.port}` });
    assert.deepEqual(raw, { ...ours, as_token, hs_token }, "as generate-registration writes it");

    const synapse = load(await readFile(join(folder, "local/synapse/homeserver.yaml"), "utf8"));
    assert.deepEqual(
      (({ server_name, public_baseurl, trusted_key_servers, federation_domain_whitelist }) => ({
        server_name,
        public_baseurl,
        trusted_key_servers,
        federation_domain_whitelist,
      }))(synapse as Record<string, unknown>),
      {
        server_name: "matrix.example.org:8448",
        public_baseurl: "https://matrix.example.org/",
        trusted_key_servers: [],
        federation_domain_whitelist: [],
      },
    );
    const element = JSON.parse(await readFile(join(folder, "local/element/config.json"), "utf8")) as unknown;
    assert.deepEqual((element as { default_server_config: unknown }).default_server_config, {
      "m.homeserver": { base_url: "https://matrix.example.org", server_name: "matrix.example.org:8448" },
    });
  });

  it("refuses an invalid server name or address, and a change of the server's name", async () => {
    const folder = await dockerFolder();
    for (const wrong of [[], ["a", "http://b", "c"], ["https://example.org"], ['a"b'], ["a|b"], ["a", "example.org"]]) {
      assert.notEqual((await setUp(folder, ...wrong)).code, 0, wrong.join(" "));
    }
    await assert.rejects(stat(join(folder, "local")));
    await setUp(folder, "example.org");
    const other = await setUp(folder, "exampleXorg");
    assert.equal(other.code, 1);
    assert.match(other.said, /a server's name can't be changed/);
  });
});
