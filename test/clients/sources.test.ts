import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runGo } from "../support/mautrix.ts";

describe("the sources of the user on mautrix-go", () => {
  it("are formatted as gofmt formats them", async () => {
    assert.deepEqual(await runGo("gofmt", "-l", "."), { code: 0, said: [] });
  });

  it("have nothing that go vet finds fault with", async () => {
    assert.deepEqual(await runGo("go", "vet", "-tags", "goolm", "."), { code: 0, said: [] });
  });
});
