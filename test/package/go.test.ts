import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { goPath } from "../support/go.ts";
import { startProcess } from "../support/process.ts";

describe("Go, with which helm, actionlint, Dendrite and the user on mautrix-go are built", () => {
  it("comes from PyPI where the machine has none", async () => {
    const env = { PATH: await goPath("/nowhere"), GOTOOLCHAIN: "local" };
    const running = await startProcess({ command: "go", args: ["version"], env });
    assert.deepEqual(await running.exited, { code: 0, signal: null });
    assert.match(running.stdout.join(""), /^go version go1\.27\.3 /);
  });
});
