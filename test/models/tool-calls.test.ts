import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "../../src/observability/log.ts";
import { createOpenAiProvider } from "../../src/providers/openai.ts";
import type { Done, Provider } from "../../src/providers/provider.ts";
import type { ToolRound } from "../../src/providers/tool-call.ts";
import { OFFERED } from "../support/recorded/recorded-server.ts";
import { startRealModel, type RealModel } from "../support/tiny-model.ts";
import { TOOL_TEMPLATE } from "../support/tool-template.ts";

const LONG_MS = 90_000;

function providerOf({ url }: RealModel): Provider {
  const limits = { firstTokenMs: LONG_MS, idleMs: LONG_MS };
  return createOpenAiProvider({ name: "p", url: `${url}/v1`, locality: "local", ...limits, log: silentLogger() });
}

/** What a model had called before. */
function roundOf(city: string): ToolRound {
  const call = { kind: "good", id: city, name: "get_weather", arguments: { city } } as const;
  return { text: "", calls: [{ call, output: { text: "10 °C", isError: false } }] };
}

/** The end of an answer to a question that needs a tool, after three calls that show how. */
async function asked(server: RealModel): Promise<Done> {
  const request = {
    model: server.model,
    messages: [{ role: "user", content: "Weather in Rome, in Paris, in Bern and in Oslo?" }],
    tools: OFFERED.slice(0, 1),
    rounds: ["Rome", "Paris", "Bern"].map(roundOf),
    contextTokens: 2048,
    maxAnswerTokens: 64,
    temperature: 0,
    signal: new AbortController().signal,
  } as const;
  for await (const chunk of providerOf(server).chat(request)) if (chunk.kind === "done") return chunk;
  throw new Error("there was no end");
}

describe("tools with a real llama-server", () => {
  it("are called in its stream, and its results are taken, where the model's template has them", async () => {
    await using server = await startRealModel({ contextTokens: 2048, template: TOOL_TEMPLATE });
    assert.equal((await providerOf(server).facts(server.model)).tools, true);
    const { calls = [] } = await asked(server);
    assert.deepEqual(
      calls.map((call) => [call.name, call.kind === "good" && call.arguments]),
      [["get_weather", { city: "Oslo" }]],
    );
  });

  it("are known to be dropped by it where the template has none", async () => {
    await using server = await startRealModel({ contextTokens: 2048 });
    assert.equal((await providerOf(server).facts(server.model)).tools, false);
  });
});
