import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { json, startModelServer } from "../../support/model-server.ts";
import { inCheckout } from "../../support/paths.ts";

describe("a process that is shut in", () => {
  it("reaches what it may, and nothing else, by whatever way", async () => {
    const [open, shut] = [await startModelServer(), await startModelServer()];
    open.on("/", json({}));
    shut.on("/", json({}));
    const ports = [open, shut].map(({ url }) => new URL(url).port);
    const { stdout } = await promisify(execFile)(process.execPath, [inCheckout("test/support/escape.mjs"), ...ports]);
    const { results, refused } = JSON.parse(stdout) as { results: Record<string, string>; refused: string[] };
    for (const [way, result] of Object.entries(results)) {
      assert.equal(result, way.endsWith(", allowed") ? "reached" : "EgressRefused", way);
    }
    assert.equal(shut.requests.length, 0);
    assert.ok(refused.includes(`127.0.0.1:${ports[1] ?? ""}`) && refused.includes("the name example.org"));
    await open.close();
    await shut.close();
  });
});
