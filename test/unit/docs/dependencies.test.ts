import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { importedPackages } from "../../../docs/generate/notice.ts";
import { inCheckout } from "../../support/paths.ts";

interface Package {
  readonly dependencies?: object;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const text = await readFile(inCheckout("docs/dependencies.md"), "utf8");
const bundled = await importedPackages();
const { dependencies, devDependencies } = JSON.parse(await readFile(inCheckout("package.json"), "utf8")) as Package;

/** The packages of a section, each at the beginning of a line with a reason after it. */
function named(title: string): string[] {
  const [section = ""] = text.slice(text.indexOf(`## ${title}\n`) + 3).split("\n## ");
  return [...section.matchAll(/^- `([^`]+)`: \S.{9,}/gm)].map(([, name = ""]) => name);
}

describe("docs/dependencies.md", () => {
  it("says for each package of the bridge why it is there, and for no other", () => {
    assert.deepEqual(named("Of the bridge").sort(), bundled);
  });

  it("says for each package of development and tests why it is there, and for no other", () => {
    const others = Object.keys(devDependencies).filter((name) => !bundled.includes(name));
    assert.deepEqual(named("Of development and tests").sort(), others.sort());
  });
});

describe("the package", () => {
  it("installs no other: the bridge's libraries are bundled", () => {
    assert.equal(dependencies, undefined);
    const installed = Object.keys(devDependencies);
    assert.deepEqual(
      bundled.filter((name) => !installed.includes(name)),
      [],
    );
  });
});
