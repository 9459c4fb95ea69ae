import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerBot } from "../../../src/conversation/bot.ts";
import { english } from "../../../src/language/english.ts";
import type { Agent } from "../../../src/ghost/agents.ts";

const BOT = "@agents:example.org";

function agent(name: string, model?: string): { userId: string; agent: Agent } {
  const fields = { name, localpart: `agent_${name}`, provider: "local", displayName: name.toUpperCase() };
  return {
    userId: `@agent_${name}:example.org`,
    agent: { ...fields, contextTokens: 1, makes: "text", locality: "local", ...(model === undefined ? {} : { model }) },
  };
}

describe("the bridge's bot", () => {
  it("lists the agents by user id, with name and model", () => {
    assert.equal(
      answerBot(english, "list", BOT, [agent("zoe"), agent("ada", "llama3.2:3b")]),
      "Agents you can invite:\n\n- `@agent_ada:example.org`: ADA (llama3.2:3b)\n- `@agent_zoe:example.org`: ZOE",
    );
    assert.match(answerBot(english, "list", BOT, []), /no agents yet.*config\.yaml/);
  });

  it("knows its commands with and without !, in any case, with anything behind", () => {
    for (const text of ["help", "!help", " HELP me", "!Help"])
      assert.match(answerBot(english, text, BOT, []), /I look after/);
    for (const text of ["list", "!list all", "LIST"]) assert.match(answerBot(english, text, BOT, []), /no agents yet/);
  });

  it("leads everything else to them", () => {
    for (const text of ["", "!", "hello", "helpful", "/help", "constructor"]) {
      assert.match(answerBot(english, text, BOT, []), /two commands: `help` and `list`/);
    }
  });
});
