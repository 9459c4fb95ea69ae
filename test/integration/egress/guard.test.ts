import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { json, startModelServer } from "../../support/model-server.ts";
import { inCheckout } from "../../support/paths.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

describe("a process that is shut in", () => {
  it("reaches the allowed targets, and nothing else, by whatever way", async (t) => {
    const [open, shut] = [await startModelServer(), await startModelServer()];
    t.after(() => Promise.all([open.close(), shut.close()]));
    open.on("/", json({}));
    shut.on("/", json({}));
    const ports = [open, shut].map(({ url }) => new URL(url).port);
    const folder = await temporaryDirectory("egress");
    await mkdir(join(folder, "in"));
    await writeFile(join(folder, "native.node"), "");
    const local = ["in/in.sock", "out.sock"].map((name) => createServer().listen(join(folder, name)));
    t.after(() => local.map((server) => server.close()));
    const args = [inCheckout("test/support/escape.mjs"), ...ports, folder];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
    const { results, refused } = JSON.parse(stdout) as { results: Record<string, string>; refused: string[] };
    for (const [way, result] of Object.entries(results)) {
      assert.equal(result, way.endsWith(", allowed") ? "reached" : "EgressRefused", way);
    }
    assert.equal(shut.requests.length, 0);
    // Every function that looks up names: a version of Node with another one shows it here.
    const lookups = Object.keys(results).filter((way) => /^dns[.\w]*$/.test(way));
    assert.ok(lookups.length >= 60, `${lookups.length}`);
    assert.ok(refused.includes(`127.0.0.1:${ports[1] ?? ""}`) && refused.includes("the name example.org"));
  });
});
