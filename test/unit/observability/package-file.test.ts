import assert from "node:assert/strict";
import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { inCheckout } from "../../support/paths.ts";

/** Markdown for pages of the manual, beside which these links lead to each other. */
const PAGES: ReadonlySet<string> = new Set(["observability/operator-error.ts", "observability/error-lines.ts"]);

describe("a file of the package that a message names", () => {
  it("is named by where it is installed, and is there", async () => {
    const names = (await readdir(inCheckout("src"), { recursive: true })).filter((name) => name.endsWith(".ts"));
    const found = new Set<string>();
    for (const name of names) {
      const text = await readFile(inCheckout(join("src", name)), "utf8");
      for (const [, file = ""] of text.matchAll(/packageFile\("([^"]+)"\)/g)) found.add(file);
      if (PAGES.has(name)) continue;
      const code = text
        .replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "")
        .replaceAll(/packageFile\("[^"]+"\)|https?:\S+/g, "");
      // Only where the parts of the package are found may such a name stand.
      const bare =
        /[^\n]*(?<!new URL\("\.\.\/\.\.\/)\b(?:docs\/[\w/-]+|config\.schema\.yaml|config\.example\.yaml|README|CONTRIBUTING)\b[^\n]*/;
      if (name !== "observability/package-file.ts") assert.doesNotMatch(code, bare, name);
    }
    assert.ok(found.size >= 5, [...found].join());
    for (const file of found) await access(inCheckout(file));
  });
});
