import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AgentConfig, OllamaConfig } from "../../../src/config/config.ts";
import { readCall } from "../../../src/addressing/call.ts";
import { agentNameOf, agentsOf, callNames, type Agent } from "../../../src/agents/agents.ts";

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
  numParallel: 1,
};

function agent(name: string, more: Partial<AgentConfig> = {}): [string, AgentConfig] {
  return [name, { name, provider: "one", displayName: name, makes: "text", contextTokens: 8192, ...more }];
}

/** The agents, with the models that `one` and `two` have installed. */
function agentsWith(
  one: readonly string[],
  two: readonly string[] = [],
  agents: readonly [string, AgentConfig][] = [],
): ReadonlyMap<string, Agent> {
  const providers = new Map([
    ["one", OLLAMA],
    ["two", OLLAMA],
  ]);
  const discovered = new Map([
    ["two", two.map((name) => ({ name, canChat: true }))],
    ["one", one.map((name) => ({ name, canChat: true }))],
  ]);
  return agentsOf({ agents: new Map(agents), providers }, discovered);
}

/** The model of each agent by its localpart. */
function modelsByLocalpart(...made: Parameters<typeof agentsWith>): Record<string, string | undefined> {
  const found = agentsWith(...made);
  return Object.fromEntries([...found].map(([localpart, { provider, model }]) => [localpart, `${provider} ${model}`]));
}

/** The display name of each, by provider and model. */
function displayNames(...made: Parameters<typeof agentsWith>): Record<string, string> {
  const found = [...agentsWith(...made).values()];
  return Object.fromEntries(found.map(({ provider, model, displayName }) => [`${provider} ${model}`, displayName]));
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
    ["/models/SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2-135m-instruct.q4_1"],
    ["C:\\models\\Ünï 7B.gguf", "-n-7b"],
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

  it("has its provider's settings, and the name by which the provider knows it", () => {
    const agents = agentsOf(
      { agents: new Map(), providers: new Map([["one", OLLAMA]]) },
      new Map([["one", [{ name: "Mistral:latest", canChat: true }]]]),
    );
    assert.deepEqual(agents.get("agent_mistral"), {
      localpart: "agent_mistral",
      name: "mistral",
      provider: "one",
      model: "Mistral:latest",
      displayName: "Mistral",
      modelNames: ["Mistral", "Mistral:latest"],
      contextTokens: 4096,
      keepAlive: "10m",
      makes: "text",
      locality: "local",
    });
  });

  it("is named after its file where its server names it by a path, under which it is asked", () => {
    const [one, other] = ["/models/a/Foo-7B.Q4_K_M.gguf", "/models/b/Foo-7B.Q4_K_M.gguf"];
    const alone = agentsWith([one]).get("agent_foo-7b.q4_k_m");
    assert.equal(alone?.model, one);
    assert.equal(alone.displayName, "Foo (7B, Q4_K_M)");
    assert.ok(callNames(alone).includes("Foo-7B.Q4_K_M"));
    const both = Object.entries(modelsByLocalpart([one, other]));
    assert.deepEqual(both.map(([, model]) => model).sort(), [`one ${one}`, `one ${other}`]);
    for (const [localpart] of both) assert.match(localpart, /^agent_foo-7b\.q4_k_m(?:-[0-9a-f]{6})?$/);
    for (const name of Object.values(displayNames([one, other]))) assert.doesNotMatch(name, /models/);
  });

  it("is no agent where its provider has no discovery", () => {
    const quiet = new Map([["one", { ...OLLAMA, discover: false }]]);
    const models = new Map([
      ["one", [{ name: "a", canChat: true }]],
      ["gone", [{ name: "b", canChat: true }]],
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

  it("that a configured agent of its name already uses makes no second agent", () => {
    assert.deepEqual(modelsByLocalpart(["max:latest"], [], [agent("max", { model: "max" })]), { agent_max: "one max" });
  });

  it("that is listed with and without its tag is one agent", () => {
    assert.deepEqual(modelsByLocalpart(["max:latest", "max"]), { agent_max: "one max" });
  });

  it("keeps the plain name when it is spelt so, otherwise when it is the first", () => {
    assert.equal(modelsByLocalpart(["A-B", "a/b", "a-b", "a:b"])["agent_a-b"], "one a-b");
    assert.equal(modelsByLocalpart(["a:b", "a/b"])["agent_a-b"], "one a/b");
    assert.equal(modelsByLocalpart(["a:b"], ["a-b"])["agent_a-b"], "two a-b");
    assert.equal(modelsByLocalpart(["x"], ["x"])["agent_x"], "one x");
  });
});

describe("the display name of a discovered model", () => {
  it("reads well, and the model's own name still calls it", () => {
    const agent = agentsWith(["llama3.2:3b"]).get("agent_llama3.2-3b");
    assert.deepEqual(agent && callNames(agent), [
      ...["Llama 3.2 (3B)", "llama3.2-3b", "Llama 3.2 (3B)", "llama3.2:3b", "Llama 3.2"],
    ]);
  });

  it("may be used without its details, unless that is another agent's name", () => {
    const found = agentsWith(["llama3.2:3b", "phi4:14b"], [], [agent("phi", { displayName: "phi 4", model: "x" })]);
    assert.deepEqual(found.get("agent_llama3.2-3b")?.modelNames, ["llama3.2:3b", "Llama 3.2"]);
    assert.deepEqual(found.get("agent_phi4-14b")?.modelNames, ["phi4:14b"]);
  });

  it("calls the agent of the longest name", () => {
    const llama = agent("llama", { displayName: "Llama", model: "other" });
    const found = [...agentsWith(["llama3.2:3b"], [], [llama]).values()];
    const callees = found.map((one) => ({ userId: `@${one.localpart}:hs`, names: callNames(one) }));
    for (const [body, called, text] of [
      ["Llama: hi", "agent_llama", "hi"],
      ["Llama 3.2: hi", "agent_llama3.2-3b", "hi"],
      ["Llama 3.2 (3B): hi", "agent_llama3.2-3b", "hi"],
      ["llama3.2:3b: hi", "agent_llama3.2-3b", "hi"],
      ["Llama 3 apples and 2 pears?", "agent_llama", "Llama 3 apples and 2 pears?"],
    ] as const)
      assert.deepEqual(readCall({ body }, callees), { called: [`@${called}:hs`], certain: [], text }, body);
  });
});

describe("the name of a configured agent's model", () => {
  const namesOf = (name: string, ...made: Parameters<typeof agentsWith>): readonly string[] | undefined =>
    agentsWith(...made).get(`agent_${name}`)?.modelNames;

  it("calls it, if no other agent has that model or that name", () => {
    const llama = agent("llama", { displayName: "Llama", model: "llama3.2:3b" });
    assert.deepEqual(namesOf("llama", [], [], [llama]), ["llama3.2:3b"]);
    const latest = agent("mistral", { model: "Mistral:latest" });
    assert.deepEqual(namesOf("mistral", [], [], [latest]), ["Mistral", "Mistral:latest"]);
    const pirate = agent("pirate", { model: "llama3.2:3b" });
    assert.equal(namesOf("llama", [], [], [llama, pirate]), undefined);
    const other = agent("other", { displayName: "LLAMA3.2:3B", model: "x" });
    assert.equal(namesOf("llama", [], [], [llama, other]), undefined);
    assert.deepEqual(namesOf("other", [], [], [llama, other]), ["x"]);
    assert.equal(namesOf("demo", [], [], [agent("demo")]), undefined);
  });

  it("calls the agent that was made for the model, where there is one", () => {
    const made = [["llama3.2:3b"], [], [agent("llama", { displayName: "Llama", model: "llama3.2:3b" })]] as const;
    assert.equal(namesOf("llama", ...made), undefined);
    assert.deepEqual(namesOf("llama3.2-3b", ...made), ["llama3.2:3b", "Llama 3.2"]);
  });
});

describe("the display name of discovered models", () => {
  it("says the provider where two have the model", () => {
    assert.deepEqual(displayNames(["llama3.2:3b", "phi4"], ["llama3.2:3b"]), {
      "one llama3.2:3b": "Llama 3.2 (3B) · one",
      "one phi4": "Phi 4",
      "two llama3.2:3b": "Llama 3.2 (3B) · two",
    });
  });

  it("is the model's own where two models of one provider would have the same", () => {
    assert.deepEqual(displayNames(["alice/max:7b", "bob/max:7b", "max:7b-q4_0"]), {
      "one alice/max:7b": "alice/max:7b",
      "one bob/max:7b": "bob/max:7b",
      "one max:7b-q4_0": "Max (7B, Q4_0)",
    });
  });

  it("is not a configured agent's name", () => {
    const max = agent("max", { displayName: "Phi 4", model: "other" });
    assert.deepEqual(displayNames(["phi4", "MAX"], [], [max]), {
      "one other": "Phi 4",
      "one phi4": "Phi 4 · one",
      "one MAX": "MAX · one",
    });
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

  it("have different names, whatever models there are, and in whatever order they are found", () => {
    const models = [
      ...MODELS,
      "a b",
      "A_B",
      "a/b/c",
      "!!!",
      "???",
      "\u202ea-b",
      `${"y".repeat(90)}1`,
      `${"y".repeat(90)}2`,
    ];
    const names = displayNames(models, models);
    assert.equal(new Set(Object.values(names).map((name) => name.toLowerCase())).size, Object.keys(names).length);
    for (const name of Object.values(names)) assert.ok(name.length > 0 && name.length <= 120);
    for (let seed = 1; seed <= 20; seed++) {
      assert.deepEqual(displayNames(shuffled(models, seed), shuffled(models, seed + 1)), names);
    }
  });

  it("keep their names when a later model is spelt differently", () => {
    const before = modelsByLocalpart(["a/b", "m:1"]);
    assert.deepEqual(
      { ...modelsByLocalpart(["a/b", "m:1", "a:b"]), ...before },
      modelsByLocalpart(["m:1", "a:b", "a/b"]),
    );
  });
});
