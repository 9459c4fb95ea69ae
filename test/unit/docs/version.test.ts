import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { inCheckout } from "../../support/paths.ts";

const read = (path: string): Promise<string> => readFile(inCheckout(path), "utf8");
const { version } = JSON.parse(await read("package.json")) as { version: string };
const [, newest = "", ...earlier] = (await read("CHANGELOG.md")).split(/^## (?=\d)/m);

describe(`version ${version}`, () => {
  it("is the newest in the changelog, with the day of its release", () => {
    assert.match(newest, new RegExp(`^${RegExp.escape(version)} \\(\\d{4}-\\d{2}-\\d{2}\\)\\n`));
  });

  it("is what the front page, the image, the compose file and the chart say", async () => {
    for (const [file, words] of [
      ["README.md", `version ${version}`],
      ["docker/Dockerfile", `image.version="${version}"`],
      ["docker/compose.yaml", `image: matrix-appservice-agents:${version}\n`],
      ["docker/helm/Chart.yaml", `appVersion: ${version}\n`],
      ["docs/upgrade.md", `To ${version}`],
    ] as const) {
      assert.ok((await read(file)).includes(words), `${file}: ${words}`);
    }
  });

  it("has every earlier one's schema kept, from which it is tried to upgrade", async () => {
    const kept = (await readdir(inCheckout("test/fixtures/schemas"))).map((name) => name.replace(/\.sql$/, ""));
    const released = earlier.map((section) => section.split(" ", 1)[0]);
    assert.ok(released.length > 0);
    assert.deepEqual(kept.sort(), released.sort());
  });
});
