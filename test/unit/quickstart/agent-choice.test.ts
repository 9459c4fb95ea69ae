import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Config } from "../../../src/config/config.ts";
import { agentsOf } from "../../../src/agents/agents.ts";
import { chooseAgent, hasNoModel } from "../../../quickstart/agent-choice.ts";
import { chooseModel, type FoundOllama, type LocalModel } from "../../../src/setup/ollama.ts";

const URL = "http://127.0.0.1:11434";
const LIMITS = {
  firstTokenMs: 1,
  idleMs: 1,
  contextTokens: 4096,
  locality: "local",
  maxConcurrent: 1,
  numParallel: 1,
} as const;

function model(name: string, size: number, rest: Partial<LocalModel> = {}): LocalModel {
  return { name, size, canChat: true, remote: false, ...rest };
}

const MODELS = [
  model("llama3.2:3b", 2_000),
  model("qwen3:0.6b", 500),
  model("nomic-embed-text:latest", 200, { canChat: false }),
  model("gpt-oss:120b-cloud", 1, { remote: true }),
];

function agents(models: readonly LocalModel[]) {
  const config: Pick<Config, "agents" | "providers"> = {
    providers: new Map([
      ["demo", { type: "demo" }],
      ["ollama", { type: "ollama", url: URL, discover: true, ...LIMITS }],
      ["tiny", { type: "openai", url: URL, discover: false, ...LIMITS }],
    ]),
    agents: new Map([
      ["demo", { name: "demo", provider: "demo", displayName: "Demo", makes: "text", contextTokens: 8192 }],
      ["tiny", { name: "tiny", provider: "tiny", displayName: "SmolLM2", makes: "text", contextTokens: 8192 }],
    ]),
  };
  return agentsOf(config, new Map([["ollama", models]]));
}

describe("chooseModel", () => {
  it("takes the smallest model that can chat and runs here", () => {
    assert.equal(chooseModel(MODELS)?.name, "qwen3:0.6b");
  });

  it("takes the first by name among equals, whatever the order", () => {
    const equals = [model("b", 1), model("a", 1)];
    assert.equal(chooseModel(equals)?.name, "a");
    assert.equal(chooseModel(equals.toReversed())?.name, "a");
  });

  it("takes none when none can chat here", () => {
    assert.equal(chooseModel(MODELS.slice(2)), undefined);
  });
});

describe("chooseAgent", () => {
  const found: FoundOllama = { kind: "found", models: MODELS };

  it("talks to the chosen model's agent", () => {
    const { agent, remark } = chooseAgent(agents(MODELS), found, URL, {});
    assert.equal(agent.model, "qwen3:0.6b");
    assert.match(remark, /qwen3:0\.6b .* http:\/\/127\.0\.0\.1:11434/);
  });

  for (const [kind, ollama, says] of [
    ["there is no Ollama", { kind: "absent" }, /No Ollama answers at .*https:\/\/ollama\.com\/download/],
    ["something else answers", { kind: "unusable", reason: "" }, /is no Ollama.*OLLAMA_HOST/],
    ["it has no model", { kind: "found", models: [] }, /no model installed.*ollama pull/],
  ] as const) {
    it(`talks to the demo when ${kind}, and says what to do`, () => {
      const { agent, remark } = chooseAgent(agents([]), ollama, URL, {});
      assert.equal(agent.name, "demo");
      assert.match(remark, says);
    });
  }

  for (const wanted of ["llama3.2-3b", "agent_llama3.2-3b", "@agent_llama3.2-3b:localhost", "llama3.2:3b"]) {
    it(`finds the agent that is asked for as ${wanted}`, () => {
      assert.equal(chooseAgent(agents(MODELS), found, URL, { agent: wanted }).agent.model, "llama3.2:3b");
    });
  }

  for (const ollama of [found, { kind: "absent" }] as const) {
    it(`talks to the tiny model or the demo when it is asked for, and says what they are (Ollama ${ollama.kind})`, () => {
      const tiny = chooseAgent(agents([]), ollama, URL, { model: "tiny" });
      assert.equal(tiny.agent.name, "tiny");
      assert.match(tiny.remark, /SmolLM2-135M-Instruct, a tiny model.*often wrong/);
      const demo = chooseAgent(agents(MODELS), ollama, URL, { model: "demo" });
      assert.equal(demo.agent.name, "demo");
      assert.match(demo.remark, /no AI model/);
    });
  }

  it("names the existing agents when there is none of that name", () => {
    assert.throws(() => chooseAgent(agents([]), { kind: "absent" }, URL, { agent: "nobody" }), {
      name: "QuickstartError",
      message: "there is no agent nobody; there are: demo, tiny",
    });
  });
});

describe("hasNoModel", () => {
  it("is true where there is no Ollama, and where its models can't chat here", () => {
    assert.equal(hasNoModel({ kind: "absent" }), true);
    assert.equal(hasNoModel({ kind: "unusable", reason: "" }), true);
    assert.equal(hasNoModel({ kind: "found", models: MODELS.slice(2) }), true);
    assert.equal(hasNoModel({ kind: "found", models: MODELS }), false);
  });
});
