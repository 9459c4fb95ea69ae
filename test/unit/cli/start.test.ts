import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { dump } from "js-yaml";
import { makeRegistration } from "../../../src/config/registration.ts";
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/free-port.ts";
import { inCheckout } from "../../support/paths.ts";
import { type Process, startProcess } from "../../support/process.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

/** A bridge whose homeserver is not there: it listens, and waits. */
async function startLonely(): Promise<Process> {
  const folder = await temporaryDirectory("start");
  const [port, homeserverPort] = [await freePort(), await freePort()];
  const config = {
    homeserver: { url: `http://127.0.0.1:${homeserverPort}`, domain: "example.org" },
    appservice: { port },
    logging: { format: "json" },
    providers: { demo: { type: "demo" } },
    agents: { demo: { provider: "demo" } },
  };
  const registration = makeRegistration({ domain: "example.org", url: `http://127.0.0.1:${port}` });
  await writeFile(join(folder, "config.yaml"), dump(config));
  await writeFile(join(folder, "registration.yaml"), dump(registration));
  const bridge = await startProcess({
    command: process.execPath,
    args: [inCheckout("src/main.ts"), "start", "-c", join(folder, "config.yaml")],
  });
  await eventually(
    "the bridge to wait for its homeserver",
    () => {
      assert.equal(bridge.exit(), undefined, bridge.stderr.join("\n"));
      return bridge.stderr.some((line) => line.includes("waiting for the homeserver"));
    },
    { timeoutMs: 60_000 },
  );
  return bridge;
}

describe("matrix-agents start", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`stops at ${signal}, though its homeserver is away, and exits with 0`, async () => {
      const bridge = await startLonely();
      assert.deepEqual(await bridge.stop({ signal }), { code: 0, signal: null });
      assert.ok(bridge.stderr.at(-1)?.includes('"stopped"'), bridge.stderr.at(-1));
      assert.deepEqual(bridge.stdout, []);
    });
  }
});
