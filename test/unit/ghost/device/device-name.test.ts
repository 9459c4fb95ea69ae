import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deviceNameOf, isDeviceName } from "../../../../src/ghost/device/device-name.ts";

describe("a ghost's device", () => {
  it("is named after its agent, as long as the homeserver allows", () => {
    assert.equal(deviceNameOf("Llama 3.2 (3B)"), "Llama 3.2 (3B) (matrix-appservice-agents)");
    assert.equal(deviceNameOf(undefined), "matrix-appservice-agents");
    for (const long of ["x".repeat(300), "😀".repeat(100), `a${"😀".repeat(100)}`]) {
      const name = deviceNameOf(long);
      assert.ok(name.length <= 100 && name.isWellFormed(), name);
      assert.equal(isDeviceName(name), true);
    }
  });

  it("is recognised under any name that it was made with", () => {
    for (const name of [deviceNameOf("Llama"), deviceNameOf("Another"), deviceNameOf(undefined), deviceNameOf("")]) {
      assert.equal(isDeviceName(name), true, name);
    }
    for (const name of [undefined, "", "Element", "my matrix-appservice-agents", "matrix-appservice-agents (old)"]) {
      assert.equal(isDeviceName(name), false, name);
    }
  });
});
