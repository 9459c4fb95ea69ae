import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { dump } from "js-yaml";
import { loadConfig } from "../../../src/config/load.ts";
import { temporaryDirectory } from "../../support/temporary.ts";
import { LEAST, loadSettings, problemsOf } from "./settings.ts";

describe("a configuration file", () => {
  for (const [text, found] of [
    ["", /an empty file/],
    ["# only a comment\n", /an empty file/],
    ["---\n...\n", /an empty file/],
    ["~", /an empty file/],
    ["- a\n- b\n", /a list/],
    ["just words", /a single value/],
    ["a: 1\n---\nb: 2\n", /several documents/],
    ["a: 1\n---\n", /several documents/],
    ["homeserver:\n\turl: x\n", /line 2, column 1 \(a tab, where only spaces indent\)/],
    ["a: 1\nb:\n  c: 1\n  c: 2\n", /line 4, column 3 \(a name stands there twice\)/],
    ["a: {b: 1", /line 1.*a quote or bracket is not closed/],
    ["a: 'x\n", /line 2.*a quote or bracket is not closed/],
    ['a: "\\q"\n', /line 1.*a backslash means nothing there/],
    ["a: b: c\n", /line 1.*has a value that needs quotes/],
    ["a: @b\n", /line 1.*has a value that needs quotes/],
    ["a: \u0007\n", /line 1.*a character that can't be printed/],
    ["a: *nowhere\n", /line 1.*begins with \* & or ! needs quotes/],
    ["a: !!js/function x\n", /line 1.*begins with \* & or ! needs quotes/],
    ["a:\n  - b\n c: d\n", /line 3.*a line is indented wrongly/],
    ["a: 1\n  b: 2\n", /line 2.*a line is indented wrongly/],
    ["%YAML 9\n---\na: 1\n", /line 2.*begins with %/],
  ] as const) {
    it(`is refused, with its reason: ${JSON.stringify(text)}`, async () => {
      const problems = await problemsOf(text);
      assert.equal(problems.length, 1);
      assert.equal(problems[0]?.path, "");
      assert.match(problems[0].found, found);
    });
  }

  it("that is missing is reported with a remedy", async () => {
    const file = join(await temporaryDirectory("config"), "absent.yaml");
    await assert.rejects(loadConfig(file), (error: Error) => {
      assert.ok(error.message.includes(file));
      assert.match(error.message, /no such file.*`matrix-agents init` makes one.*-c/);
      return true;
    });
  });

  it("that is a folder is reported as one", async () => {
    await assert.rejects(loadConfig(await temporaryDirectory("config")), /can't be read: it is a folder, not a file/);
  });

  it("may begin with a byte order mark and end its lines as Windows does", async () => {
    const config = await loadSettings(`\ufeff${dump(LEAST).replaceAll("\n", "\r\n")}`);
    assert.deepEqual([...config.agents.keys()], ["demo"]);
  });

  it("may leave a section empty, because all of it is comments", async () => {
    const config = await loadSettings(`${dump(LEAST)}sync:\n  # interval: 1h\ndatabase:\n`);
    assert.equal(config.sync.intervalMs, 300_000);
    assert.equal(config.database, undefined);
  });

  it("may use an anchor twice, and each use gets the defaults of its own place", async () => {
    const text = `homeserver: { url: "http://a", domain: a }
providers: { one: &p { type: ollama, url: "http://o" }, two: *p }
agents: { x: &a { provider: one, model: m }, y: *a }
`;
    const config = await loadSettings(text);
    assert.deepEqual(config.providers.get("two"), config.providers.get("one"));
    assert.equal(config.agents.get("y")?.displayName, "y");
    assert.equal(config.agents.get("x")?.displayName, "x");
  });

  it("that refers to itself is refused and does not hang", async () => {
    const problems = await problemsOf(`${dump(LEAST)}logging: &l\n  level: *l\n`);
    assert.deepEqual(
      problems.map(({ path }) => path),
      ["logging.level"],
    );
  });

  it("accepts no built-in name of JavaScript as a setting", async () => {
    const paths = (await problemsOf(`${dump(LEAST)}__proto__: { polluted: 1 }\nconstructor: 1\ntoString: 1\n`)).map(
      ({ path }) => path,
    );
    assert.deepEqual(paths.sort(), ["__proto__", "constructor", "toString"]);
    assert.ok(!("polluted" in {}));
  });

  it("reads the word no as a string, as YAML 1.2 does", async () => {
    const config = await loadSettings({ agents: { no: { provider: "demo" } } });
    assert.deepEqual([...config.agents.keys()], ["no"]);
    const text = dump(LEAST).replace("  demo:\n    provider", "  no:\n    provider");
    assert.deepEqual([...(await loadSettings(text)).agents.keys()], ["no"]);
  });
});
