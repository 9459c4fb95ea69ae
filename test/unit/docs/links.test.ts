import assert from "node:assert/strict";
import { access, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { inCheckout } from "../../support/paths.ts";

const ROOT = inCheckout("");

async function documents(): Promise<string[]> {
  const docs = (await readdir(join(ROOT, "docs"), { recursive: true })).filter((name) => name.endsWith(".md"));
  return ["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", ...docs.map((name) => join("docs", name))];
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** A link to a file of this checkout, and to one of its headings where it names one. */
interface Link {
  readonly file: string;
  readonly anchor: string | undefined;
  /** The names of tests in the link's title; otherwise the link's text. */
  readonly names: readonly string[];
}

const LINK = /\[([^\]]+)\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?(?: "([^"]*)")?\)/g;

/** The links of a document to files of this checkout, including itself. */
async function linksOf(document: string): Promise<readonly Link[]> {
  const text = await readFile(join(ROOT, document), "utf8");
  return [...text.matchAll(LINK)].map(([, words = "", target = "", anchor, title]) => ({
    file: target === "" ? document : join(dirname(document), target),
    anchor,
    names: title?.split(" · ") ?? [words],
  }));
}

/** The anchors of a document's headings, as GitHub makes them. */
async function anchorsOf(document: string): Promise<readonly string[]> {
  const text = await readFile(join(ROOT, document), "utf8");
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe("the documentation", () => {
  it("links only to existing files", async () => {
    for (const document of await documents()) {
      for (const { file } of await linksOf(document)) {
        await assert.doesNotReject(access(join(ROOT, file)), `${document} links to ${file}`);
      }
    }
  });

  it("links only to existing headings", async () => {
    for (const document of await documents()) {
      for (const { file, anchor } of await linksOf(document)) {
        if (anchor === undefined) continue;
        assert.ok((await anchorsOf(file)).includes(anchor), `${document} links to ${file}#${anchor}`);
      }
    }
  });

  it("names only existing source files", async () => {
    for (const document of await documents()) {
      const text = await readFile(join(ROOT, document), "utf8");
      for (const [, file = ""] of text.matchAll(/`((?:[a-z0-9-]+\/)+[a-z0-9.-]+\.(?:ts|mjs|sql))`/g)) {
        const isThere = await Promise.all([join(ROOT, file), join(ROOT, "src", file)].map(exists));
        assert.ok(isThere.includes(true), `${document} names ${file}`);
      }
    }
  });

  for (const [what, document, least] of [
    ["the pitfalls", "docs/pitfalls.md", 40],
    ["the manners", "docs/manners.md", 25],
    ["the threat model", "docs/threat-model.md", 40],
    ["the homeservers", "docs/homeservers.md", 8],
  ] as const) {
    it(`names only existing tests in ${what}`, async () => {
      const links = (await linksOf(document)).filter(({ file }) => file.startsWith("test/"));
      const named = links.flatMap(({ names, file }) => names.map((name) => ({ name, file })));
      assert.ok(named.length > least);
      for (const { name, file } of named) {
        const code = (await readFile(join(ROOT, file), "utf8")).replaceAll("\\'", "'");
        assert.ok(code.includes(name), `“${name}” is no test of ${file}`);
      }
    });
  }
});
