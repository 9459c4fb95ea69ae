import assert from "node:assert/strict";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { load } from "js-yaml";
import { loadConfig } from "../../../src/config/load.ts";
import { inCheckout } from "../../support/paths.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  oneOf?: Schema[];
  default?: unknown;
  type?: string;
  const?: unknown;
  $ref?: string;
  $defs?: Record<string, Schema>;
}

/** Every setting of the schema with its default: `providers.<name>.url` for settings under a free name. */
function settings(part: Schema, path: string, root: Schema = part): { path: string; default: unknown }[] {
  const schema = part.$ref === undefined ? part : { ...root.$defs?.[part.$ref.replace("#/$defs/", "")], ...part };
  const nested = [
    ...Object.entries(schema.properties ?? {}).map(([name, part]) => ({ name, part })),
    ...(typeof schema.additionalProperties === "object" ? [{ name: "<name>", part: schema.additionalProperties }] : []),
  ].flatMap(({ name, part }) => settings(part, path === "" ? name : `${path}.${name}`, root));
  const variants = (schema.oneOf ?? []).flatMap((variant) => settings(variant, path, root));
  const all = [...nested, ...variants];
  return all.length > 0 ? all : [{ path, default: schema.default }];
}

async function allSettings(): Promise<{ path: string; default: unknown }[]> {
  return settings(load(await readFile(inCheckout("config.schema.yaml"), "utf8")) as Schema, "");
}

describe("the documentation of the configuration", () => {
  it("names every setting of the schema, with its default", async () => {
    const reference = await readFile(inCheckout("docs/configuration-reference.md"), "utf8");
    const lines = reference.split("\n");
    for (const setting of await allSettings()) {
      const at = lines.indexOf(`## \`${setting.path}\``);
      const rows = lines.filter((line) => line.startsWith(`| \`${setting.path}\``));
      const said = at === -1 ? rows : [lines.slice(at, at + 5).join("\n")];
      assert.ok(said.length > 0, `${setting.path} is not documented`);
      const isShown = ["string", "number", "boolean"].includes(typeof setting.default);
      const shown = `\`${String(setting.default)}\``;
      if (isShown)
        assert.ok(
          said.some((text) => text.includes(shown)),
          `${setting.path}: ${shown}`,
        );
    }
  });

  for (const document of [
    "configuration",
    "privacy",
    "permissions",
    "operations",
    "providers",
    "troubleshooting",
    "using",
  ]) {
    it(`has no setting in ${document}.md that is not in the schema`, async () => {
      const text = await readFile(inCheckout(`docs/${document}.md`), "utf8");
      const known = (await allSettings()).map(({ path }) => path);
      const sections = new Set(known.map((path) => path.split(".")[0]));
      const named = [...text.matchAll(/`([a-z_]+(?:\.(?:[a-z_]+|<[a-z]+>))+)(?:: [^`]*)?`/g)].map(
        ([, path = ""]) => path,
      );
      for (const path of named) {
        if (path.endsWith(".yaml") || !sections.has(path.split(".")[0])) continue;
        const generic = path.replace(/<[a-z]+>/, "<name>");
        assert.ok(
          known.some((one) => one === generic || one.startsWith(`${generic}.`)),
          path,
        );
      }
    });
  }

  it("has a valid example, whose commented defaults are the defaults", async () => {
    const directory = await temporaryDirectory("example");
    const file = join(directory, "config.yaml");
    await copyFile(inCheckout("config.example.yaml"), file);
    const config = await loadConfig(file);
    assert.deepEqual([...config.agents.keys()], ["llama", "demo"]);
    assert.deepEqual(config.access.users, ["@*:example.org"]);
    assert.equal(config.sync.intervalMs, 300_000);
    assert.deepEqual(config.encryption.masterKey, { from: "file", path: join(directory, "data", "master.key") });
    assert.deepEqual(config.providers.get("ollama"), {
      type: "ollama",
      url: "http://127.0.0.1:11434",
      discover: true,
      firstTokenMs: 300_000,
      idleMs: 60_000,
      contextTokens: 8_192,
      locality: "local",
      maxConcurrent: 4,
      numParallel: 1,
    });
    const example = await readFile(inCheckout("config.example.yaml"), "utf8");
    for (const line of [
      "max_transaction_bytes: 67108864",
      "interval: 5m",
      "missing_key_notice_after: 1m",
      "max_queued: 20",
      "max_wait: 1h",
      "max_duration: 15m",
      "retry_model_for: 20s",
      "drain: 8s",
      "max_loaded: 1000",
      "idle_after: 30m",
      "expire_after: 15s",
      "idle_timeout: 1m",
      "context_tokens: 8192",
    ]) {
      assert.ok(example.includes(line), line);
    }
  });
});
