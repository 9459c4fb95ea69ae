import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { parseContent } from "../../../src/matrix/received-content.ts";
import { chosenCommand, commandDescriptions } from "../../../src/commands/command-menu.ts";
import { COMMANDS } from "../../../src/commands/all.ts";

const LLAMA = "@agent_llama:example.org";

interface Content {
  readonly command: string;
  readonly description: object;
  readonly parameters: readonly {
    readonly key: string;
    readonly schema: { readonly schema_type: string; readonly type?: string; readonly variants?: readonly object[] };
    readonly optional: boolean;
    readonly description: { readonly "m.text": readonly { readonly body: string; readonly lang: string }[] };
  }[];
}

describe("the description of commands for menus", () => {
  const all = commandDescriptions(LLAMA, false).map(({ stateKey, content }) => ({
    stateKey,
    content: content as Content,
  }));
  const parametersOf = (name: string): Content["parameters"] =>
    all.find(({ content }) => content.command === name)?.content.parameters ?? [];

  it("has every command, under a key that no other program uses", () => {
    assert.deepEqual(all.map(({ content }) => content.command).sort(), COMMANDS.map(({ name }) => name).sort());
    for (const { stateKey, content } of all) {
      assert.equal(stateKey, createHash("sha256").update(`${content.command}${LLAMA}`).digest("base64"));
    }
    assert.equal(new Set(all.map(({ stateKey }) => stateKey)).size, all.length);
  });

  it("has none for groups in a direct chat", () => {
    const direct = commandDescriptions(LLAMA, true).map(({ content }) => (content as Content).command);
    for (const name of ["discuss", "respond", "listen", "threads", "delegate"]) assert.ok(!direct.includes(name), name);
    assert.equal(direct.length, all.length - 5);
  });

  it("describes them in every language", () => {
    assert.deepEqual(all.find(({ content }) => content.command === "help")?.content, {
      command: "help",
      description: {
        "m.text": [
          { body: "shows this help", lang: "en" },
          { body: "zeigt diese Hilfe", lang: "de" },
        ],
      },
      parameters: [],
    });
  });

  it("names their arguments, with type and which are required, and each name once", () => {
    const literals = (values: readonly string[]): object => ({
      schema_type: "union",
      variants: values.map((value) => ({ schema_type: "literal", literal_type: "string", value })),
    });
    assert.deepEqual(
      parametersOf("discuss").map(({ key, schema, optional }) => [key, schema, optional]),
      [
        ["agents", { schema_type: "array", items: { schema_type: "primitive", type: "user_id" } }, false],
        ["topic", { schema_type: "primitive", type: "string" }, false],
        ["turns", { schema_type: "primitive", type: "integer" }, true],
      ],
    );
    assert.deepEqual(parametersOf("stream")[0]?.schema, literals(["edit", "replace", "live", "off", "default"]));
    assert.deepEqual(parametersOf("privacy")[0]?.schema, literals(["allow", "deny", "default"]));
    for (const { content } of all) {
      const keys = content.parameters.map(({ key }) => key);
      assert.equal(new Set(keys).size, keys.length);
      assert.ok(!keys.includes("text"), content.command);
      for (const { description } of content.parameters)
        assert.deepEqual(
          description["m.text"].map(({ lang, body }) => [lang, body !== ""]),
          [
            ["en", true],
            ["de", true],
          ],
        );
    }
  });
});

describe("a command that was chosen from a menu", () => {
  const chosen = (command: unknown, mentioned = LLAMA): unknown =>
    chosenCommand(
      parseContent("m.room.message", {
        "org.matrix.msc4391.command": command,
        "m.mentions": { user_ids: [mentioned] },
      }),
      LLAMA,
    );

  it("is the command of the menu, for the agent that is mentioned", () => {
    assert.deepEqual(chosen({ command: "Model", arguments: { name: " qwen " } }), { name: "model", rest: "qwen" });
    assert.deepEqual(chosen({ command: "stream", arguments: { how: "off" } }), { name: "stream", rest: "off" });
    assert.deepEqual(chosen({ command: "help" }), { name: "help", rest: "" });
    assert.equal(chosen({ command: "help" }, "@agent_qwen:example.org"), undefined);
    const discussion = {
      topic: "Is water wet?",
      agents: ["@agent_qwen:example.org", "@agent_max:example.org"],
      turns: 6,
    };
    assert.deepEqual(chosen({ command: "discuss", arguments: discussion }), {
      name: "discuss",
      rest: "6 @agent_qwen:example.org @agent_max:example.org Is water wet?",
    });
  });

  it("may come from a menu that an earlier version described", () => {
    assert.deepEqual(chosen({ command: "model", arguments: { text: " qwen " } }), { name: "model", rest: "qwen" });
  });

  it("is no command where it makes no sense", () => {
    for (const bad of [undefined, null, "help", {}, { command: 7 }]) assert.equal(chosen(bad), undefined);
    for (const bad of [7, null, {}, [7, null], 0.5])
      assert.deepEqual(chosen({ command: "discuss", arguments: { topic: bad, agents: bad, turns: bad } }), {
        name: "discuss",
        rest: bad === 7 ? "7 7 7" : "",
      });
    assert.deepEqual(chosen({ command: "constructor", arguments: { name: "x" } }), { name: "constructor", rest: "" });
  });
});
