import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { chosenCommand, commandDescriptions } from "../../../src/conversation/command-menu.ts";
import { EXAMPLES } from "../../../src/conversation/commands.ts";

const LLAMA = "@agent_llama:example.org";

describe("the description of commands for menus", () => {
  const all = commandDescriptions(LLAMA);

  it("has every command, under a key that nobody else can have", () => {
    const commands = all.map(({ content }) => (content as { command: string }).command);
    assert.deepEqual(commands, Object.keys(EXAMPLES));
    for (const [index, { stateKey }] of all.entries()) {
      const hash = createHash("sha256")
        .update(`${commands[index] ?? ""}${LLAMA}`)
        .digest("base64");
      assert.equal(stateKey, hash);
    }
    assert.equal(new Set(all.map(({ stateKey }) => stateKey)).size, all.length);
  });

  it("says what they do in every language, and what can follow them", () => {
    const [help, model] = ["help", "model"].map((name) =>
      all.find(({ content }) => (content as { command: string }).command === name),
    );
    assert.deepEqual(help?.content, {
      command: "help",
      description: {
        "m.text": [
          { body: "shows this", lang: "en" },
          { body: "zeigt dies", lang: "de" },
        ],
      },
      parameters: [],
    });
    const [parameter] = (model?.content as { parameters: { key: string; schema: object; optional: boolean }[] })
      .parameters;
    assert.deepEqual(
      [parameter?.key, parameter?.schema, parameter?.optional],
      ["text", { schema_type: "primitive", type: "string" }, true],
    );
  });
});

describe("a command that was chosen from a menu", () => {
  const chosen = (command: unknown, mentioned = LLAMA): unknown =>
    chosenCommand({ "org.matrix.msc4391.command": command, "m.mentions": { user_ids: [mentioned] } }, LLAMA);

  it("is what the menu says, for the agent that is mentioned", () => {
    assert.deepEqual(chosen({ command: "Model", arguments: { text: " qwen " } }), { name: "model", rest: "qwen" });
    assert.deepEqual(chosen({ command: "help" }), { name: "help", rest: "" });
    assert.equal(chosen({ command: "help" }, "@agent_qwen:example.org"), undefined);
  });

  it("is none where it makes no sense", () => {
    for (const bad of [undefined, null, "help", {}, { command: 7 }]) assert.equal(chosen(bad), undefined);
    assert.deepEqual(chosen({ command: "help", arguments: { text: 7 } }), { name: "help", rest: "" });
  });
});
