import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ListedAgent } from "../../../src/agents/agents.ts";
import { callsIn, namedAgents, nextSpeaker } from "../../../src/answering/exchange.ts";

function agent(name: string, displayName: string): ListedAgent {
  const userId = `@agent_${name}:example.org`;
  return {
    userId,
    agent: {
      name,
      displayName,
      localpart: `agent_${name}`,
      provider: "p",
      contextTokens: 1,
      makes: "text",
      locality: "local",
    },
  };
}

const QWEN = agent("qwen", "Qwen");
const QWEN_BIG = agent("qwen-big", "Qwen Big");
const OTHERS = [QWEN, QWEN_BIG];

describe("a call in an answer", () => {
  const called = (text: string): string[] => callsIn(text, OTHERS).map(({ agent: { name } }) => name);

  it("is a line that begins with @ and a name", () => {
    for (const text of [
      "@agent_qwen: what is 6 × 7?",
      "Let me ask.\n\n@agent_qwen what is 6 × 7?",
      "- @Qwen, please",
      "**@qwen**: please",
      "@agent_qwen:example.org please",
    ]) {
      assert.deepEqual(called(text), ["qwen"], text);
    }
    assert.deepEqual(called("@Qwen Big: hello\n@qwen: hello"), ["qwen", "qwen-big"]);
  });

  it("may name a discovered model as its provider does, or as people see it", () => {
    const { userId, agent: phi } = agent("phi4-14b", "Phi 4 (14B)");
    const listed = { userId, agent: { ...phi, modelNames: ["phi4:14b"] } };
    for (const name of ["phi4:14b", "phi4-14b", "Phi 4 (14B)", "agent_phi4-14b"]) {
      assert.deepEqual(callsIn(`@${name}: what?`, [...OTHERS, listed]), [listed], name);
    }
  });

  it("is not a line that only speaks of somebody, a quotation, or code", () => {
    for (const text of [
      "I would ask @agent_qwen.",
      "Qwen: what?",
      "> @agent_qwen: what?",
      "```\n@agent_qwen: what?\n```",
      "~~~~\n@agent_qwen: what?",
      "    text\n\n````md\n```\n@qwen hi\n```\n````\n",
      "@agent_qwenny: what?",
      "@agent_llama: what?",
    ]) {
      assert.deepEqual(called(text), [], text);
    }
  });
});

describe("the agents that a command names", () => {
  it("stand before the topic, under any of their names", () => {
    const read = (text: string): [string[], string] => {
      const { named, rest } = namedAgents(text, OTHERS);
      return [named.map(({ agent: { name } }) => name), rest];
    };
    assert.deepEqual(read("qwen Is water wet?"), [["qwen"], "Is water wet?"]);
    assert.deepEqual(read("@agent_qwen:example.org, Qwen Big: Is water wet?"), [["qwen", "qwen-big"], "Is water wet?"]);
    assert.deepEqual(read("Qwen und qwen-big Ist Wasser nass?"), [["qwen", "qwen-big"], "Ist Wasser nass?"]);
    assert.deepEqual(read("qwen qwen twice"), [["qwen"], "twice"]);
    assert.deepEqual(read("Is qwen wet?"), [[], "Is qwen wet?"]);
    assert.deepEqual(read("qwen"), [["qwen"], ""]);
  });
});

describe("the next speaker", () => {
  it("is the next agent that is present, over and over", () => {
    const all = (): boolean => true;
    assert.equal(nextSpeaker(["a", "b", "c"], "a", all), "b");
    assert.equal(nextSpeaker(["a", "b", "c"], "c", all), "a");
    assert.equal(
      nextSpeaker(["a", "b", "c"], "a", (who) => who !== "b"),
      "c",
    );
    assert.equal(
      nextSpeaker(["a", "b"], "a", () => false),
      undefined,
    );
    assert.equal(nextSpeaker(["a"], "a", all), undefined);
  });
});
