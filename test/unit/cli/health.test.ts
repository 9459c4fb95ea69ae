import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { dump } from "js-yaml";
import { silentLogger } from "../../../src/observability/log.ts";
import { listenForMonitoring } from "../../../src/observability/monitoring-listener.ts";
import type { CommandResult } from "../../support/command.ts";
import { CommandThread } from "../../support/command-thread.ts";
import { freePort } from "../../support/free-port.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const commands = new CommandThread();
after(() => commands.stop());

/** `matrix-agents health` on a configuration with this for monitoring. */
async function health(monitoring: object, ...args: string[]): Promise<CommandResult> {
  const config = join(await temporaryDirectory("health"), "config.yaml");
  const homeserver = { url: "http://127.0.0.1:8008", domain: "example.org" };
  await writeFile(
    config,
    dump({ homeserver, monitoring, providers: { demo: { type: "demo" } }, agents: { demo: { provider: "demo" } } }),
  );
  return commands.run(["health", ...args, "-c", config]);
}

describe("matrix-agents health", () => {
  for (const [database, code] of [
    ["ok", 0],
    ["away", 1],
  ] as const) {
    it(`asks the bridge of this machine, and ends with ${code} when its database is ${database}`, async () => {
      const listener = await listenForMonitoring(
        { bind: "127.0.0.1", port: 0 },
        {
          readiness: () => Promise.resolve({ ready: database === "ok", checks: { database } }),
          metrics: () => Promise.resolve(""),
        },
        silentLogger(),
      );
      const { port } = listener;
      try {
        // A bridge that listens everywhere is asked on this machine.
        const alive = await health({ enabled: true, bind: "0.0.0.0", port });
        assert.equal(alive.code, 0);
        assert.match(alive.stdout, /"status":"alive"/);
        const ready = await health({ enabled: true, port }, "--ready");
        assert.equal(ready.code, code);
        assert.deepEqual(JSON.parse(ready.stdout), { ready: database === "ok", checks: { database } });
      } finally {
        await listener.close();
      }
    });
  }

  it("says that the bridge is not there, or that it can't be asked", async () => {
    const gone = await health({ enabled: true, port: await freePort() });
    assert.equal(gone.code, 1);
    assert.match(
      gone.stderr,
      /\/health can't be reached: nothing listens there \(ECONNREFUSED\); is the bridge running\?/,
    );
    const off = await health({});
    assert.equal(off.code, 1);
    assert.match(off.stderr, /monitoring\.enabled is false/);
  });
});
