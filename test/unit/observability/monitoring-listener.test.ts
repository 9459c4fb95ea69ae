import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { silentLogger } from "../../../src/observability/log.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import type { Listener } from "../../../src/observability/listener.ts";
import { listenForMonitoring } from "../../../src/observability/monitoring-listener.ts";
import type { Readiness } from "../../../src/observability/readiness.ts";

describe("the listener for monitoring", () => {
  const metrics = createMetrics(() => undefined);
  let listener: Listener;
  let readiness: () => Promise<Readiness>;
  let asked = 0;

  before(async () => {
    listener = await listenForMonitoring(
      { bind: "127.0.0.1", port: 0 },
      {
        readiness: () => {
          asked++;
          return readiness();
        },
        metrics: () => metrics.text(),
      },
      silentLogger(),
    );
  });
  after(() => listener.close());

  const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${listener.port}${path}`);

  it("says that the process is alive", async () => {
    const response = await get("/health");
    assert.equal(response.status, 200);
    assert.equal(((await response.json()) as { status: string }).status, "alive");
  });

  it("says why the process can't take and answer messages, with 503, and checks no more often than its limit", async () => {
    readiness = () => Promise.resolve({ ready: false, checks: { database: "away", homeserver: "ok" } });
    const responses = await Promise.all([get("/ready"), get("/ready"), get("/ready")]);
    for (const response of responses) {
      assert.equal(response.status, 503);
      assert.deepEqual(await response.json(), { ready: false, checks: { database: "away", homeserver: "ok" } });
    }
    assert.equal(asked, 1);
  });

  it("shows metrics as Prometheus reads them, those of the process among them", async () => {
    metrics.mail.inc({ outcome: "handled" });
    const response = await get("/metrics");
    assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    assert.match(text, /^matrix_agents_mail_total\{outcome="handled"\} 1$/m);
    assert.match(text, /^process_resident_memory_bytes \d+$/m);
    assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m);
  });

  it("serves nothing else", async () => {
    assert.equal((await get("/")).status, 404);
    assert.equal((await fetch(`http://127.0.0.1:${listener.port}/health`, { method: "POST" })).status, 404);
  });

  it("says what to do when it can't listen", async () => {
    const monitored = { readiness, metrics: () => Promise.resolve("") };
    const again = listenForMonitoring({ bind: "127.0.0.1", port: listener.port }, monitored, silentLogger());
    await assert.rejects(again, {
      name: "ListenerFailure",
      exitCode: 1,
      message: new RegExp(`^monitoring.port: another program listens on port ${listener.port} of 127.0.0.1 already`),
    });
    const elsewhere = listenForMonitoring({ bind: "192.0.2.1", port: 0 }, monitored, silentLogger());
    await assert.rejects(elsewhere, { message: "monitoring.bind: this machine has no address 192.0.2.1" });
  });
});
