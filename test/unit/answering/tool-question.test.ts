import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { questionIsOver, toolQuestion } from "../../../src/answering/tool-question.ts";
import { LANGUAGES, wordsIn } from "../../../src/language/languages.ts";
import type { ToolQuestionWords } from "../../../src/language/phrases.ts";

const FACTS: ToolQuestionWords = {
  tool: "write_file",
  server: "files",
  host: "tools.files",
  isCloud: false,
  claims: { isReadOnly: false, isOpenWorld: false, isConfined: false },
  isAgain: false,
  deciders: "asker",
  asker: "@alice:example.org",
  canGrant: true,
  code: "BCDF",
  minutes: 60,
  isEncrypted: true,
};
const TARGET = { eventId: "$question", threadRoot: undefined };
const ADDRESS = { mentions: ["@alice:example.org"], mark: { origin: "$question", hops: 0 } };

function asked(given: Record<string, unknown>, facts: Partial<ToolQuestionWords> = {}, language = LANGUAGES[0]) {
  const content = toolQuestion(wordsIn(language ?? "en"), { ...FACTS, ...facts }, given, TARGET, ADDRESS);
  return { body: String(content?.["body"]), html: String(content?.["formatted_body"]), content };
}

describe("the question whether a tool may be used", () => {
  for (const language of LANGUAGES) {
    it(`names the tool, its server, the arguments, the way to answer and the time (${language})`, () => {
      const { body, html, content } = asked({ path: "/srv/a.txt", content: "Hello" }, {}, language);
      for (const said of [body, html])
        for (const part of [
          "write_file",
          "files",
          "/srv/a.txt",
          "Hello",
          "tools.files",
          "!approve BCDF",
          "!refuse BCDF",
        ])
          assert.ok(said.includes(part), part);
      assert.match(body, /60 [Mm]inute/);
      assert.ok(body.includes("@alice:example.org"));
      assert.deepEqual(content?.["m.mentions"], { user_ids: ["@alice:example.org"] });
      assert.equal(content["msgtype"], "m.text");
    });

    it(`offers a reaction only where it counts (${language})`, () => {
      assert.ok(!asked({}, {}, language).body.includes("✅"));
      assert.ok(asked({}, { isEncrypted: false }, language).body.includes("✅"));
    });

    it(`says otherwise where the end of an earlier call is not known (${language})`, () => {
      assert.notEqual(asked({}, { isAgain: true }, language).body, asked({}, {}, language).body);
    });

    it(`offers a decision for good only where there can be one (${language})`, () => {
      assert.ok(asked({}, {}, language).body.includes("!approve BCDF always"));
      assert.ok(!asked({}, { canGrant: false }, language).body.includes("always"));
    });

    it(`says who else may see the arguments (${language})`, () => {
      const { body } = asked({}, { isCloud: true, host: "mcp.example.org" }, language);
      assert.ok(body.includes("mcp.example.org"));
      assert.notEqual(body, asked({}, { host: "mcp.example.org" }, language).body);
    });
  }

  it("shows arguments as they are: no HTML, no markdown, nothing invisible", () => {
    const given = { text: '</code></pre><b>bold</b> **x** `y` <img src="https://evil.example/x">\u202egnp.exe @room' };
    const { body, html } = asked(given);
    assert.ok(html.includes("&lt;/code&gt;&lt;/pre&gt;&lt;b&gt;bold&lt;/b&gt; **x** `y` &lt;img src="));
    assert.ok(!html.includes("<b>bold") && !html.includes("<img"));
    for (const said of [body, html]) {
      assert.ok(said.includes("\\u202egnp.exe"));
      assert.ok(!said.includes("\u202e") && !said.includes("@room"));
    }
  });

  it("folds long arguments, and the plain body has them whole", () => {
    const long = "x".repeat(2_000);
    const { body, html } = asked({ long });
    assert.match(html, /<details><summary>[^<]*<\/summary><pre>/);
    assert.ok(html.includes(long) && body.includes(long));
    assert.ok(!asked({ short: "x" }).html.includes("<details>"));
  });

  it("is not asked where the arguments do not fit into it", () => {
    assert.equal(asked({ long: "x".repeat(40_000) }).content, undefined);
    assert.equal(asked({ long: "\u202e".repeat(8_000) }).content, undefined);
  });

  it("is replaced when nobody has to answer it any more", () => {
    const content = questionIsOver("$asked", wordsIn("en").tools.timeIsOver);
    assert.deepEqual(content["m.relates_to"], { rel_type: "m.replace", event_id: "$asked" });
    assert.match(JSON.stringify(content["m.new_content"]), /nobody has answered in time/);
  });
});
