import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerBot } from "../../../src/commands/bot.ts";
import { english } from "../../../src/language/english.ts";
import type { Agent } from "../../../src/agents/agents.ts";

function agent(name: string, model?: string): { userId: string; agent: Agent } {
  const fields = { name, localpart: `agent_${name}`, provider: "local", displayName: name.toUpperCase() };
  return {
    userId: `@agent_${name}:example.org`,
    agent: { ...fields, contextTokens: 1, makes: "text", locality: "local", ...(model === undefined ? {} : { model }) },
  };
}

function said(text: string, agents: Parameters<typeof answerBot>[2] = []): string {
  const answer = answerBot(english, text, agents, "everywhere");
  return typeof answer === "string" ? answer : answer.body;
}

describe("the bridge's bot", () => {
  it("lists the agents by user id, with a link to each, and with the model where that adds something", () => {
    const agents = [agent("zoe"), agent("ada", "llama3.2:3b")];
    assert.deepEqual(answerBot(english, "list", agents, "everywhere"), {
      body: "Agents you can invite:\n\n• ADA (llama3.2:3b): @agent_ada:example.org\n• ZOE: @agent_zoe:example.org",
      formattedBody:
        "<p>Agents you can invite:</p><ul>" +
        '<li><a href="https://matrix.to/#/@agent_ada:example.org">ADA</a> (llama3.2:3b): ' +
        "<code>@agent_ada:example.org</code></li>" +
        '<li><a href="https://matrix.to/#/@agent_zoe:example.org">ZOE</a>: <code>@agent_zoe:example.org</code></li></ul>',
    });
    for (const displayName of ["llama3.2:3b", "Llama 3.2 (3B)", "llama3.2 3b"]) {
      const found = agent("llama3.2-3b", "llama3.2:3b");
      const named = { ...found, agent: { ...found.agent, displayName } };
      assert.ok(said("list", [named]).endsWith(`\n• ${displayName}: @agent_llama3.2-3b:example.org`), displayName);
    }
    assert.match(said("list"), /no agents yet.*config\.yaml/);
  });

  it("says below a list with cloud agents where they may be asked at all", () => {
    const here = agent("ada");
    const cloud = { ...agent("zoe"), agent: { ...agent("zoe").agent, locality: "cloud" as const } };
    const list = (agents: Parameters<typeof answerBot>[2], reach: Parameters<typeof answerBot>[3]): string => {
      const answer = answerBot(english, "list", agents, reach);
      assert.ok(typeof answer !== "string");
      const last = answer.body.split("\n").at(-1) ?? "";
      assert.ok(answer.formattedBody?.endsWith(last.startsWith("•") ? "</ul>" : `</ul><p>${last}</p>`));
      return last;
    };
    assert.match(list([here], "unencrypted"), /^• ADA/);
    assert.match(list([here, cloud], "everywhere"), /messages to them leave it\.$/);
    assert.match(list([here, cloud], "unencrypted"), /does not allow that in encrypted rooms/);
    assert.match(list([here, cloud], "nowhere"), /rooms that the admin has exempted/);
  });

  it("shows every name as plain text", () => {
    const { userId, agent: one } = agent("eve", "<b>big</b>");
    const answer = answerBot(
      english,
      "list",
      [{ userId, agent: { ...one, displayName: '<a href="x">\n@room</a>' } }],
      "everywhere",
    );
    assert.ok(typeof answer !== "string");
    assert.match(answer.formattedBody ?? "", /">&lt;a href=&quot;x&quot;&gt; @\u2060room&lt;\/a&gt;<\/a> \(&lt;b&gt;/);
    assert.equal(answer.body.split("\n").length, 3);
  });

  it("knows its commands with and without !, as they are shown, in any case, with any text after them", () => {
    for (const text of ["help", "!help", " HELP me", "!Help", "`help`", "help."])
      assert.match(said(text), /I look after/, text);
    for (const text of ["list", "!list all", "LIST", "`list`.", "“list”", "list!"])
      assert.match(said(text), /no agents yet/, text);
  });

  it("answers everything else with its commands", () => {
    for (const text of ["", "!", "hello", "helpful", "/help", "constructor", "help-me"]) {
      assert.match(said(text), /two commands: `help` and `list`/, text);
    }
  });
});
