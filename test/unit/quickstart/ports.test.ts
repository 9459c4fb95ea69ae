import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { choosePort, portChange } from "../../../quickstart/ports.ts";
import { freePort } from "../../support/free-port.ts";

const never = new AbortController().signal;

describe("choosePort", () => {
  it("takes the preferred port when it is free", async () => {
    const port = await freePort();
    assert.equal(await choosePort(port, false, never), port);
  });

  it("takes another port when a program listens there", async () => {
    await using taken = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => taken.listen(port, "127.0.0.1", resolve));
    const other = await choosePort(port, false, never);
    assert.notEqual(other, port);
    assert.equal(await choosePort(other, false, never), other);
  });

  it("waits until the previous process releases it", async () => {
    const taken = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => taken.listen(port, "127.0.0.1", resolve));
    const chosen = choosePort(port, true, never);
    await new Promise((resolve) => taken.close(resolve));
    assert.equal(await chosen, port);
  });
});

describe("portChange", () => {
  it("says which program has another port now, and nothing when it has the same", () => {
    assert.equal(portChange("Synapse", 18_008, 18_008), undefined);
    assert.match(portChange("Synapse", 18_008, 40_001) ?? "", /port 18008, so Synapse listens on 40001 from now on/);
  });
});
