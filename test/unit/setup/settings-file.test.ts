import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { load } from "js-yaml";
import { firstConfig, SettingsFile } from "../../../src/setup/settings-file.ts";

const TEXT = `# ours
homeserver:
  url: http://127.0.0.1:8008   # here
  domain: example.org

appservice: # nothing set
providers:
  demo: { type: demo }
`;

describe("a settings file", () => {
  it("is byte for byte the same when nothing changes", () => {
    const file = new SettingsFile(TEXT);
    assert.equal(file.set("homeserver.domain", "example.org"), false);
    assert.equal(file.set("providers.demo", { type: "demo" }), false);
    assert.equal(file.toString(), TEXT);
  });

  it("keeps comments, order and style around changes", () => {
    const file = new SettingsFile(TEXT);
    assert.equal(file.set("homeserver.url", "http://127.0.0.1:9009"), true);
    assert.equal(file.toString(), TEXT.replace("8008", "9009").replace("9009   #", "9009 #"));
    assert.equal(file.get("homeserver.url"), "http://127.0.0.1:9009");
  });

  it("adds settings to missing sections, and to sections that hold only comments", () => {
    const file = new SettingsFile(TEXT);
    file.set("appservice.port", 1234);
    file.set("providers.ollama", { type: "ollama", url: "http://127.0.0.1:11434" });
    file.set("logging.level", "debug");
    assert.deepEqual(load(file.toString()), {
      homeserver: { url: "http://127.0.0.1:8008", domain: "example.org" },
      appservice: { port: 1234 },
      providers: { demo: { type: "demo" }, ollama: { type: "ollama", url: "http://127.0.0.1:11434" } },
      logging: { level: "debug" },
    });
    assert.match(file.toString(), /^# ours/);
  });
});

describe("a first config.yaml", () => {
  for (const ollama of [undefined, { url: "http://127.0.0.1:11434", hasModel: true }]) {
    it(`has the given settings, ${ollama === undefined ? "with the demo" : "with an Ollama"}`, () => {
      const settings = load(
        firstConfig({
          homeserver: "http://[::1]:8008",
          caFile: undefined,
          domain: "[::1]:8448",
          bind: "::1",
          port: 1,
          ollama,
        }),
      ) as Record<string, unknown>;
      assert.deepEqual(settings["homeserver"], { url: "http://[::1]:8008", domain: "[::1]:8448" });
      assert.deepEqual(settings["appservice"], { registration: "./registration.yaml", bind: "::1", port: 1 });
      assert.deepEqual(Object.keys(settings["providers"] as object), [ollama === undefined ? "demo" : "ollama"]);
    });
  }
});
