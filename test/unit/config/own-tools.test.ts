import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OwnToolsConfig } from "../../../src/config/config.ts";
import { endpointsOf } from "../../../src/egress/endpoints.ts";
import { loadSettings, problemsOf } from "./settings.ts";

async function own(settings: object): Promise<OwnToolsConfig> {
  const { tools } = await loadSettings({ tools: { own: { type: "own", ...settings } } });
  const config = tools.get("own");
  assert.equal(config?.type, "own");
  return config;
}

/** The problems of an entry, as paths below it. */
async function wrong(settings: object): Promise<readonly string[]> {
  const problems = await problemsOf({ tools: { own: { type: "own", ...settings } } });
  return problems.map(({ path }) => path.replace("tools.own.", ""));
}

describe("the configuration of the bridge's own tools", () => {
  it("turns on what it names, with the rules of servers", async () => {
    const config = await own({
      tools: { time: "never", remind: "ask" },
      agents: ["llama*"],
      time_zone: "Asia/Kolkata",
    });
    assert.deepEqual(
      [...config.tools],
      [
        ["time", "never"],
        ["remind", "ask"],
      ],
    );
    assert.deepEqual(config.agents, ["llama*"]);
    assert.equal(config.timeZone, "Asia/Kolkata");
    assert.equal(config.callTimeoutMs, 30_000);
    assert.equal((await own({ tools: { time: "never" } })).timeZone, "UTC");
  });

  it("says where the hosts of read_url are", async () => {
    const tools = { read_url: "never" };
    const localityWith = async (hosts: string[], more: object = {}): Promise<string> =>
      (await own({ tools, read_url: { hosts }, ...more })).locality;
    assert.equal(await localityWith(["docs.example.org"]), "cloud");
    assert.equal(await localityWith(["10.0.0.5:8080", "[fd00::1]", "localhost"]), "local");
    // A name may lead anywhere.
    assert.equal(await localityWith(["wiki.lan"]), "cloud");
    assert.equal(await localityWith(["wiki.lan", "10.0.0.5"], { locality: "local" }), "local");
  });

  it("lets the process reach these hosts, at their usual ports or the named one", async () => {
    const config = await loadSettings({
      tools: {
        own: { type: "own", tools: { read_url: "never" }, read_url: { hosts: ["a.example", "b.example:8080"] } },
      },
    });
    assert.deepEqual(endpointsOf(config).slice(1), [
      { host: "a.example", port: 443 },
      { host: "a.example", port: 80 },
      { host: "b.example", port: 8_080 },
      { host: "b.example", port: 8_080 },
    ]);
  });

  it("is refused where it can't be meant", async () => {
    assert.deepEqual(await wrong({}), ["tools"]);
    assert.deepEqual(await wrong({ tools: {} }), ["tools"]);
    assert.deepEqual(await wrong({ tools: { search: "never" } }), ["tools.search"]);
    assert.deepEqual(await wrong({ tools: { time: "always" } }), ["tools.time"]);
    assert.deepEqual(await wrong({ tools: { time: "never" }, command: "/bin/sh" }), ["command"]);
    for (const zone of ["Berlin", "Europe/Nowhere", "+01:00", "", "x".repeat(1_000)])
      assert.deepEqual(await wrong({ tools: { time: "never" }, time_zone: zone }), ["time_zone"], zone);
    assert.deepEqual(await wrong({ tools: { read_url: "never" } }), ["read_url.hosts"]);
    for (const host of ["https://a.example", "a.example/docs", "A.example", "me@a.example", "*.example", "a b", ""])
      assert.deepEqual(
        await wrong({ tools: { read_url: "never" }, read_url: { hosts: [host] } }),
        ["read_url.hosts.0"],
        host,
      );
    const mixed = { tools: { read_url: "never" }, read_url: { hosts: ["a.example", "10.0.0.5"] } };
    assert.deepEqual(await wrong(mixed), ["read_url.hosts"]);
  });
});
