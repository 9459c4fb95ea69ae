import assert from "node:assert/strict";
import { access, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { inCheckout } from "../../support/paths.ts";

const ROOT = inCheckout("");

async function documents(): Promise<string[]> {
  const docs = (await readdir(join(ROOT, "docs"), { recursive: true })).filter((name) => name.endsWith(".md"));
  return ["README.md", "SECURITY.md", "CONTRIBUTING.md", ...docs.map((name) => join("docs", name))];
}

/** The links of a document to files of this checkout. */
async function linksOf(document: string): Promise<readonly { readonly text: string; readonly file: string }[]> {
  const text = await readFile(join(ROOT, document), "utf8");
  return [...text.matchAll(/\[([^\]]+)\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(([, words = "", target = ""]) => ({
    text: words,
    file: join(dirname(document), target),
  }));
}

describe("the documentation", () => {
  it("links to nothing that is not there", async () => {
    for (const document of await documents()) {
      for (const { file } of await linksOf(document)) {
        await assert.doesNotReject(access(join(ROOT, file)), `${document} links to ${file}`);
      }
    }
  });

  for (const [what, document, least] of [
    ["what others ran into", "docs/pitfalls.md", 40],
    ["an agent's manners", "docs/manners.md", 25],
    ["what threatens", "docs/threat-model.md", 40],
  ] as const) {
    it(`of ${what} names tests that there are`, async () => {
      const links = (await linksOf(document)).filter(({ file }) => file.startsWith("test/"));
      assert.ok(links.length > least);
      for (const { text, file } of links) {
        const code = (await readFile(join(ROOT, file), "utf8")).replaceAll("\\'", "'");
        assert.ok(code.includes(text), `“${text}” is no test of ${file}`);
      }
    });
  }
});
