import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lastWords, saysReady } from "../../../quickstart/bridge-log.ts";

const LOG = [
  "(node:12) [DEP0060] DeprecationWarning: something old",
  '{"level":30,"msg":"listening"}',
  '{"level":40,"msg":"the homeserver is away","error":{"message":"ECONNREFUSED"}}',
  "config.yaml has a mistake:",
  '{"level":50,"msg":"stopped"',
  '{"level":50,"msg":"failed"}',
  "",
].join("\n");

describe("the bridge's log", () => {
  it("says when the bridge is ready, and only then", () => {
    assert.equal(saysReady(LOG), false);
    assert.equal(saysReady(`${LOG}{"level":30,"msg":"ready","agents":1}\n`), true);
    assert.equal(saysReady('{"level":30,"msg":"not ready"}\nready'), false);
  });

  it("is shown in words: warnings, errors and lines that are no log lines", () => {
    assert.equal(
      lastWords(LOG),
      'the homeserver is away: ECONNREFUSED\nconfig.yaml has a mistake:\n{"level":50,"msg":"stopped"\nfailed',
    );
    assert.equal(lastWords(LOG, 1), "failed");
  });
});
