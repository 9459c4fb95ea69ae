import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AgentConfig, OllamaConfig } from "../../../src/config/config.ts";
import { agentNameOf, agentsOf } from "../../../src/ghost/agents.ts";

const OLLAMA: OllamaConfig = {
  type: "ollama",
  url: "http://127.0.0.1:11434",
  discover: true,
  firstTokenMs: 1,
  idleMs: 1,
  contextTokens: 4096,
  keepAlive: "10m",
  locality: "local",
  maxConcurrent: 1,
};

function agent(name: string, more: Partial<AgentConfig> = {}): [string, AgentConfig] {
  return [name, { name, provider: "one", displayName: name, makes: "text", contextTokens: 8192, ...more }];
}

/** The model of each agent by its localpart, with the models that `one` and `two` have installed. */
function modelsByLocalpart(
  one: readonly string[],
  two: readonly string[] = [],
  agents: readonly [string, AgentConfig][] = [],
): Record<string, string | undefined> {
  const providers = new Map([
    ["one", OLLAMA],
    ["two", OLLAMA],
  ]);
  const discovered = new Map([
    ["two", two.map((name) => ({ name }))],
    ["one", one.map((name) => ({ name }))],
  ]);
  const found = agentsOf({ agents: new Map(agents), providers }, discovered);
  return Object.fromEntries([...found].map(([localpart, { provider, model }]) => [localpart, `${provider} ${model}`]));
}

function shuffled<T>(list: readonly T[], seed: number): T[] {
  return list
    .map((item, index) => ({ item, at: Math.sin(seed * 1000 + index * 7.31) }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

describe("a discovered model", () => {
  for (const [model, name] of [
    ["llama3.2:3b", "llama3.2-3b"],
    ["mistral:latest", "mistral"],
    ["mistral", "mistral"],
    ["hf.co/bartowski/Llama-3.2-1B:Q4_K_M", "hf.co-bartowski-llama-3.2-1b-q4_k_m"],
    ["qwen2.5-coder:7b-instruct-q4_0", "qwen2.5-coder-7b-instruct-q4_0"],
    ["a::/b", "a-b"],
    ["my model ü", "my-model-"],
    ["latest", "latest"],
    [":latest", "model"],
    ["x".repeat(300), "x".repeat(100)],
  ] as const) {
    it(`${model.slice(0, 40)} is called ${name.slice(0, 40)}`, () => {
      assert.equal(agentNameOf(model), name);
    });
  }

  it("has its provider's settings, and the name the provider knows it by", () => {
    const agents = agentsOf(
      { agents: new Map(), providers: new Map([["one", OLLAMA]]) },
      new Map([["one", [{ name: "Mistral:latest" }]]]),
    );
    assert.deepEqual(agents.get("agent_mistral"), {
      localpart: "agent_mistral",
      name: "mistral",
      provider: "one",
      model: "Mistral:latest",
      displayName: "Mistral",
      contextTokens: 4096,
      keepAlive: "10m",
      makes: "text",
      locality: "local",
    });
  });

  it("is no agent where its provider is not to be asked", () => {
    const quiet = new Map([["one", { ...OLLAMA, discover: false }]]);
    const models = new Map([
      ["one", [{ name: "a" }]],
      ["gone", [{ name: "b" }]],
    ]);
    assert.equal(agentsOf({ agents: new Map(), providers: quiet }, models).size, 0);
  });

  it("never takes a configured agent's name", () => {
    const agents = modelsByLocalpart(["llama:3b", "max"], [], [agent("llama-3b", { model: "other" }), agent("max")]);
    assert.equal(agents["agent_llama-3b"], "one other");
    assert.equal(agents["agent_max"], "one undefined");
    const others = Object.keys(agents).filter((localpart) => /^agent_(llama-3b|max)-[0-9a-f]{6}$/.test(localpart));
    assert.equal(others.length, 2);
    assert.equal(Object.keys(agents).length, 4);
  });

  it("that a configured agent of its name is already, is not one again", () => {
    assert.deepEqual(modelsByLocalpart(["max:latest"], [], [agent("max", { model: "max" })]), { agent_max: "one max" });
  });

  it("that is listed with and without its tag is one agent", () => {
    assert.deepEqual(modelsByLocalpart(["max:latest", "max"]), { agent_max: "one max" });
  });

  it("keeps the plain name when it is spelt so, else when it is the first", () => {
    assert.equal(modelsByLocalpart(["A-B", "a/b", "a-b", "a:b"])["agent_a-b"], "one a-b");
    assert.equal(modelsByLocalpart(["a:b", "a/b"])["agent_a-b"], "one a/b");
    assert.equal(modelsByLocalpart(["a:b"], ["a-b"])["agent_a-b"], "two a-b");
    assert.equal(modelsByLocalpart(["x"], ["x"])["agent_x"], "one x");
  });
});

describe("the agents", () => {
  const MODELS = ["a:b", "a/b", "A-B", "a-b", "a-b:latest", "x".repeat(101), "x".repeat(102), "ü", "é", "m:1", "m"];

  it("are the same in whatever order models are found", () => {
    const agents = modelsByLocalpart(MODELS, MODELS);
    for (let seed = 1; seed <= 50; seed++) {
      assert.deepEqual(modelsByLocalpart(shuffled(MODELS, seed), shuffled(MODELS, seed + 1)), agents);
    }
  });

  it("are one for each model, all with user ids that the specification allows", () => {
    const agents = modelsByLocalpart(MODELS, MODELS);
    // `a-b` and `a-b:latest` are one.
    assert.equal(Object.keys(agents).length, 2 * (MODELS.length - 1));
    for (const localpart of Object.keys(agents)) assert.match(localpart, /^agent_[a-z0-9._=-]{1,110}$/);
  });

  it("keep their names when a model is added that is spelt otherwise and comes later", () => {
    const before = modelsByLocalpart(["a/b", "m:1"]);
    assert.deepEqual(
      { ...modelsByLocalpart(["a/b", "m:1", "a:b"]), ...before },
      modelsByLocalpart(["m:1", "a:b", "a/b"]),
    );
  });
});
