import assert from "node:assert/strict";
import { access, readFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { before, describe, it } from "node:test";
import { bundle } from "../../build/bundle.ts";
import { licenceTexts } from "../../build/licences.ts";
import { libraries } from "../../docs/generate/notice.ts";
import { inCheckout } from "../support/paths.ts";
import { temporaryDirectory } from "../support/temporary.ts";

describe("the bundle", () => {
  let folder: string;
  let packages: readonly string[];
  before(async () => {
    folder = await temporaryDirectory("bundle");
    packages = await bundle(folder);
  });

  /** The sources in a file, by its map. */
  async function sourcesIn(file: string): Promise<string[]> {
    const { sources } = JSON.parse(await readFile(join(folder, `${file}.map`), "utf8")) as { sources: string[] };
    return sources.map((source) => relative(inCheckout("."), resolve(folder, file, "..", source)));
  }

  /** The files that a file imports at once, and those that it may import later; relative to the folder. */
  async function importsOf(file: string): Promise<{ atOnce: string[]; late: string[] }> {
    const text = await readFile(join(folder, file), "utf8");
    const named = (pattern: RegExp): string[] =>
      [...text.matchAll(pattern)].map(([, path = ""]) => join(file, "..", path));
    return {
      atOnce: named(/(?:\bfrom|\bimport)"(\.\.?\/[^"]+\.js)"/g),
      late: named(/\bimport\("(\.\.?\/[^"]+\.js)"\)/g),
    };
  }

  /** A file, and all that is loaded with it. */
  async function loadedWith(file: string, found = new Set<string>()): Promise<ReadonlySet<string>> {
    if (found.has(file)) return found;
    found.add(file);
    for (const other of (await importsOf(file)).atOnce) await loadedWith(other, found);
    return found;
  }

  async function sourcesLoadedWith(file: string): Promise<string[]> {
    return (await Promise.all([...(await loadedWith(file))].map(sourcesIn))).flat();
  }

  /** The file that is made of a source which is imported late. */
  async function fileOf(source: string): Promise<string> {
    const seen = new Set<string>();
    const waiting = ["main.js", "lib/document-reader.js"];
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      if (seen.has(file)) continue;
      seen.add(file);
      if ((await sourcesIn(file)).includes(source)) return file;
      const { atOnce, late } = await importsOf(file);
      waiting.push(...atOnce, ...late);
    }
    throw new Error(`${source} is in no file`);
  }

  it("begins with words that an older Node understands, and loads nothing before it has looked at its version", async () => {
    assert.deepEqual((await importsOf("main.js")).atOnce, []);
    const [, , program = ""] = (await readFile(join(folder, "main.js"), "utf8")).split("\n");
    assert.match(program, /^var version=process\.versions\.node;/);
    assert.doesNotMatch(program, /\?\?|\?\.|\bawait\b/);
  });

  it("loads the guard of connections before any library, and before anything that could open one", async () => {
    const sources = [
      ...(await sourcesLoadedWith("main.js")),
      ...(await sourcesLoadedWith(await fileOf("src/cli/commands/start.ts"))),
    ];
    assert.ok(sources.includes("src/egress/guard.ts") && sources.includes("src/main.js"));
    assert.deepEqual(
      sources.filter(
        (source) =>
          !/^src\/(main|cli\/.*|egress\/guard|config\/near-name|documents\/reader-program|observability\/(described-error|operator-error|retryable))\.(ts|js)$/.test(
            source,
          ),
      ),
      [],
    );
  });

  it("loads the guard of the reader of documents before its libraries", async () => {
    const sources = await sourcesLoadedWith("lib/document-reader.js");
    assert.deepEqual(
      sources.filter((source) => source.includes("node_modules/")),
      [],
    );
  });

  it("loads a client only when a provider or a tool server speaks its protocol", async () => {
    const sources = await sourcesLoadedWith(await fileOf("src/bridge/start.ts"));
    assert.ok(sources.length > 500);
    assert.deepEqual(
      sources.filter((source) => /node_modules\/(openai|@anthropic-ai|@modelcontextprotocol|unpdf)\//.test(source)),
      [],
    );
  });

  it("finds the package's files by the paths of src", async () => {
    for (const source of ["src/database/migrate.ts", "src/config/check-schema.ts", "src/observability/version.ts"]) {
      const file = await fileOf(source);
      const text = await readFile(join(folder, file), "utf8");
      const paths = [...text.matchAll(/new URL\("(\.\.\/[^"]+)",import\.meta\.url\)/g)].map(([, path = ""]) => path);
      assert.ok(paths.length > 0, source);
      // The folder stands for dist in the checkout.
      for (const path of paths) await access(join(inCheckout("dist"), file, "..", path));
    }
  });

  it("has the licence of each package in it, and no package that NOTICE does not name", async () => {
    assert.ok(packages.length > 80);
    const known = new Set((await libraries()).map(({ name, version }) => `${name} ${version}`));
    const texts = await licenceTexts(packages.map((path) => inCheckout(path)));
    for (const path of packages) {
      const manifest = await readFile(inCheckout(join(path, "package.json")), "utf8");
      const { name, version } = JSON.parse(manifest) as { name: string; version: string };
      assert.ok(known.has(`${name} ${version}`), path);
      assert.ok(texts.includes(`${name} ${version}\n`), path);
    }
  });
});
