import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readSchema, settingsOf } from "../../../docs/generate/schema.ts";
import { storedValue } from "../../../src/rooms/setting-values.ts";
import {
  configuredDefaults,
  defaultsFor,
  SETTING_NAMES,
  SETTINGS,
  type ConfiguredDefaults,
  type Setting,
} from "../../../src/rooms/settings.ts";

const CONFIG: ConfiguredDefaults = {
  answers: { stream: "edit", language: "auto" },
  exchanges: { delegate: false },
  memory: { summaries: true },
};

const ROWS = Object.entries<Setting>(SETTINGS);

describe("the table of a room's settings", async () => {
  const schema = settingsOf(await readSchema());
  const found = (path: string): (typeof schema)[number] | undefined => schema.find((one) => one.path === path);

  for (const [name, setting] of ROWS) {
    it(`has for ${name} an example that can be stored and read again`, () => {
      assert.equal(String(storedValue(setting.values, setting.example)), setting.example);
    });
  }

  it("names the place of each configured setting in the configuration, which has the same choices", () => {
    for (const [name, setting] of ROWS) {
      if (setting.of !== "room" || setting.configuredBy === undefined) continue;
      const entry = found(setting.configuredBy)?.schema;
      assert.ok(entry !== undefined && setting.values.kind === "choice", name);
      const isSwitch = entry.type === "boolean";
      const choices = isSwitch ? ["on", "off"] : entry.enum?.filter((one) => one !== "auto");
      assert.deepEqual([...setting.values.choices].sort(), [...(choices ?? [])].sort(), name);
      const [section = "", key = ""] = setting.configuredBy.split(".");
      for (const value of isSwitch ? [true, false] : (entry.enum ?? [])) {
        const config = { ...CONFIG, [section]: { [key]: value } };
        assert.equal(setting.default(config), isSwitch ? (value === true ? "on" : "off") : value, name);
      }
    }
  });

  it("allows the admin to restrict the same settings as the configuration does", () => {
    const restrictable = ROWS.filter(([, { isRestrictable }]) => isRestrictable === true).map(([name]) => name);
    const commands = found("permissions.commands")?.schema.properties ?? {};
    assert.deepEqual(restrictable.sort(), Object.keys(commands).sort());
  });

  it("gives the values for rooms without settings", () => {
    const defaults = configuredDefaults(CONFIG);
    assert.deepEqual(defaults, {
      stream: "edit",
      summaries: "on",
      language: "auto",
      respond: "thread",
      listen: "agents",
      threads: "off",
      delegate: "off",
    });
    assert.equal(defaultsFor(defaults, { locality: "local" }).listen, "agents");
    assert.deepEqual(defaultsFor(defaults, { locality: "cloud" }), { ...defaults, listen: "off" });
  });

  it("gives an agent's own values where a room sets nothing", () => {
    const agent = { model: "m", systemPrompt: "s", temperature: 0, locality: "local" } as const;
    const own = Object.fromEntries(
      ROWS.flatMap(([name, setting]) => (setting.of === "agent" ? [[name, setting.default(agent)]] : [])),
    );
    assert.deepEqual(own, { remember: undefined, model: "m", system: "s", temperature: 0 });
  });

  it("reads only stored values that the setting can have", () => {
    assert.equal(storedValue(SETTINGS.stream.values, "always"), undefined);
    assert.equal(storedValue(SETTINGS.temperature.values, "warm"), undefined);
    assert.equal(storedValue(SETTINGS.temperature.values, "0.5"), 0.5);
    assert.equal(storedValue(SETTINGS.system.values, "off"), "off");
    assert.deepEqual(SETTING_NAMES.length, ROWS.length);
  });
});
