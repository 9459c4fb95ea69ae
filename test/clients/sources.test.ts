import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runGo } from "../support/go.ts";
import { MAUTRIX_SOURCES } from "../support/mautrix.ts";

describe("the source code of the user on mautrix-go", () => {
  it("is formatted as by gofmt", async () => {
    assert.deepEqual(await runGo("gofmt", ["-l", "."], { cwd: MAUTRIX_SOURCES }), { code: 0, said: [] });
  });

  it("passes go vet", async () => {
    assert.deepEqual(await runGo("go", ["vet", "-tags", "goolm", "."], { cwd: MAUTRIX_SOURCES }), {
      code: 0,
      said: [],
    });
  });
});
