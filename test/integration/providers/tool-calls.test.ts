import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { silentLogger } from "../../../src/observability/log.ts";
import { createAnthropicProvider } from "../../../src/providers/anthropic.ts";
import { createOllamaProvider } from "../../../src/providers/ollama.ts";
import { createOpenAiProvider } from "../../../src/providers/openai.ts";
import { type ChatRequest, type Done, type Provider, ProviderError } from "../../../src/providers/provider.ts";
import type { ToolCall, ToolRound } from "../../../src/providers/tool-call.ts";
import { anthropic, json, openAi, startModelServer, type ModelServer, type Reply } from "../../support/model-server.ts";
import { OFFERED } from "../../support/recorded/recorded-server.ts";

const COMMON = { name: "p", locality: "local", firstTokenMs: 10_000, idleMs: 10_000, log: silentLogger() } as const;
const line = (value: object): string => `${JSON.stringify(value)}\n`;

/** Each protocol: an answer with one call, another without, and a refusal of all tools. */
const PROTOCOLS = {
  openai: {
    path: "/v1/chat/completions",
    make: (url: string) => createOpenAiProvider({ ...COMMON, url: `${url}/v1`, apiKey: "k" }),
    call: (args: string) => [
      openAi.piece({ reasoning_content: "Hm." }),
      openAi.text("I look."),
      openAi.piece({
        tool_calls: [
          {
            index: 0,
            id: "call_1",
            type: "function",
            function: { name: "get_weather", arguments: args },
            extra_content: { google: { thought_signature: "c2ln" } },
          },
        ],
      }),
      ...openAi.end("tool_calls"),
    ],
    words: openAi.answer("Sunny."),
    refusals: [
      json(
        openAi.error(
          '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
          null,
          "BadRequestError",
        ),
        400,
      ),
      json(
        { error: { code: 404, message: "No endpoints found that support tool use. Try disabling get_weather." } },
        404,
      ),
      json({ error: { code: 500, message: "Unsupported param: tools", type: "server_error" } }, 500),
      json({ error: { code: 500, message: "tools param requires --jinja flag", type: "server_error" } }, 500),
    ],
    faultOfOne: json(
      openAi.error("Invalid schema for function 'get_weather': 'x' is not permitted.", "invalid_function_parameters"),
      400,
    ),
  },
  anthropic: {
    path: "/v1/messages",
    make: (url: string) => createAnthropicProvider({ ...COMMON, url, apiKey: "k" }),
    call: (args: string) => [
      anthropic.event({
        type: "message_start",
        message: { usage: { input_tokens: 15, output_tokens: 1 } },
      } as { type: string }),
      anthropic.event({ type: "content_block_start", index: 0, content_block: { type: "thinking" } } as {
        type: string;
      }),
      anthropic.delta({ type: "thinking_delta", thinking: "Hm." }),
      anthropic.delta({ type: "signature_delta", signature: "c2ln" }),
      anthropic.event({
        type: "content_block_start",
        index: 1,
        content_block: { type: "text", text: "" },
      } as { type: string }),
      anthropic.text("I look."),
      anthropic.event({
        type: "content_block_start",
        index: 2,
        content_block: { type: "tool_use", id: "toolu_1", name: "get_weather", input: {} },
      } as { type: string }),
      anthropic.event({
        type: "content_block_delta",
        index: 2,
        delta: { type: "input_json_delta", partial_json: args },
      } as { type: string }),
      ...anthropic.end("tool_use"),
    ],
    words: anthropic.answer("Sunny."),
    refusals: [json(anthropic.error("This model does not support tools.", "invalid_request_error"), 400)],
    faultOfOne: json(
      anthropic.error("tools.0.custom.input_schema.type: Extra inputs are not permitted", "invalid_request_error"),
      400,
    ),
  },
  ollama: {
    path: "/api/chat",
    make: (url: string) => createOllamaProvider({ ...COMMON, url }),
    call: (args: string) => [
      line({ message: { role: "assistant", content: "", thinking: "Hm." }, done: false }),
      line({ message: { role: "assistant", content: "I look." }, done: false }),
      `{"message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"get_weather","arguments":${args}}}]},"done":false}\n`,
      line({ message: { role: "assistant", content: "" }, done: true, done_reason: "stop" }),
    ],
    words: [line({ message: { role: "assistant", content: "Sunny." }, done: true, done_reason: "stop" })],
    refusals: [json({ error: "registry.ollama.ai/library/gemma:2b does not support tools" }, 400)],
    faultOfOne: json({ error: "json: cannot unmarshal array into Go struct field ChatRequest.tools" }, 400),
  },
} as const;

const ASKED = {
  model: "m",
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: "How is the weather in Oslo?" },
  ],
  contextTokens: 4096,
  maxAnswerTokens: 64,
} as const satisfies Omit<ChatRequest, "signal">;

let server: ModelServer;
before(async () => {
  server = await startModelServer();
});
after(() => server.close());

async function ask(
  provider: Provider,
  more: Partial<ChatRequest>,
): Promise<{ readonly text: string; readonly done: Done }> {
  const request = { ...ASKED, signal: new AbortController().signal, ...more };
  let text = "";
  for await (const chunk of provider.chat(request)) {
    if (chunk.kind === "text") text += chunk.text;
    if (chunk.kind === "done") return { text, done: chunk };
  }
  throw new Error("there was no end");
}

/** The round of an answer with calls, each with a result. */
function roundOf({ text, done }: { readonly text: string; readonly done: Done }, result = "12 °C"): ToolRound {
  const calls = (done.calls ?? []).map((call) => ({ call, output: { text: result, isError: call.kind === "faulty" } }));
  return { text, calls, ...(done.kept === undefined ? {} : { kept: done.kept }) };
}

function lastBody(): Record<string, unknown> {
  return JSON.parse(Buffer.from(server.requests.at(-1)?.text ?? "", "latin1").toString()) as Record<string, unknown>;
}

for (const [name, { path, make, call, words, refusals, faultOfOne }] of Object.entries(PROTOCOLS)) {
  describe(`tools by the protocol ${name}`, () => {
    const on = (reply: Reply): void => server.on(path, reply);

    it("are told to the model, and what it called before with the results; the thoughts go back as they came", async () => {
      const provider = make(server.url);
      on({ parts: call('{"city":"Oslo"}') });
      const first = await ask(provider, { tools: OFFERED });
      assert.equal(first.text, "I look.");
      const { done } = first;
      assert.equal(done.reason, "stop");
      assert.deepEqual(
        done.calls?.map((one) => [one.name, one.kind === "good" && one.arguments]),
        [["get_weather", { city: "Oslo" }]],
      );
      assert.deepEqual(
        toolsIn(lastBody()),
        OFFERED.map(({ name: tool, parameters }) => [tool, parameters]),
      );

      on({ parts: words });
      const second = await ask(provider, { tools: OFFERED, rounds: [roundOf(first)] });
      assert.deepEqual([second.text, second.done.calls], ["Sunny.", undefined]);
      const { messages } = lastBody() as { messages: unknown[] };
      assert.deepEqual(messages.slice(-2), EXPECTED[name as keyof typeof EXPECTED]);
    });

    it("that no request offers are not called, whatever the model says", async () => {
      const provider = make(server.url);
      on({ parts: call('{"city":"Oslo"}') });
      const { text, done } = await ask(provider, {});
      assert.deepEqual([text, done.calls, done.kept], ["I look.", undefined, undefined]);
      assert.equal(lastBody()["tools"], undefined);
    });

    for (const refusal of refusals) {
      it(`are left out where the model takes none, which is known then: ${JSON.stringify(refusal.parts).slice(0, 90)}`, async () => {
        const provider = make(server.url);
        server.on(path, () => (lastBody()["tools"] === undefined ? { parts: words } : refusal));
        const { text } = await ask(provider, { tools: OFFERED });
        assert.equal(text, "Sunny.");
        const before = server.requests.length;
        await ask(provider, { tools: OFFERED });
        assert.equal(server.requests.length, before + 1, "the server is not asked with tools again");
        server.on("/v1/models", json({ object: "list", data: [{ id: "m" }] }));
        server.on("/api/show", json({ capabilities: ["completion", "tools"] }));
        assert.equal((await provider.facts("m")).tools, false);
      });
    }

    it("stay where the server finds fault with one of them", async () => {
      const provider = make(server.url);
      on(faultOfOne);
      await assert.rejects(
        ask(provider, { tools: OFFERED }),
        (error) => error instanceof ProviderError && error.code === "refused",
      );
      on({ parts: call("{}") });
      assert.equal((await ask(provider, { tools: OFFERED })).done.calls?.length, 1);
    });

    it("end a stream of endless calls", async () => {
      const provider = make(server.url);
      const endless = (function* () {
        for (let number = 0; ; number++) yield furtherCall(name, number);
      })();
      on({ parts: endless });
      const { done } = await ask(provider, { tools: OFFERED });
      assert.ok((done.calls?.length ?? 0) <= 33);
      assert.equal(done.calls?.at(-1)?.kind, "faulty");
    });
  });
}

/** One call of many. */
function furtherCall(protocol: string, number: number): string {
  if (protocol === "ollama")
    return line({
      message: { tool_calls: [{ function: { name: "get_weather", arguments: { number } } }] },
      done: false,
    });
  if (protocol === "openai")
    return openAi.piece({
      tool_calls: [{ index: number, id: `c${number}`, function: { name: "get_time", arguments: "{}" } }],
    });
  return anthropic.event({
    type: "content_block_start",
    index: 10 + number,
    content_block: { type: "tool_use", id: `t${number}`, name: "get_time", input: {} },
  } as { type: string });
}

function toolsIn({ tools }: Record<string, unknown>): unknown[] {
  return (tools as Record<string, unknown>[]).map((tool) => {
    const { name, parameters, input_schema: schema } = (tool["function"] ?? tool) as Record<string, unknown>;
    return [name, parameters ?? schema];
  });
}

/** The last two messages of a request with the result of a call. */
const EXPECTED = {
  openai: [
    {
      role: "assistant",
      content: "I look.",
      tool_calls: [
        {
          id: "call_1",
          type: "function",
          function: { name: "get_weather", arguments: '{"city":"Oslo"}' },
          extra_content: { google: { thought_signature: "c2ln" } },
        },
      ],
      reasoning_content: "Hm.",
    },
    { role: "tool", tool_call_id: "call_1", content: "12 °C" },
  ],
  anthropic: [
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "Hm.", signature: "c2ln" },
        { type: "text", text: "I look." },
        { type: "tool_use", id: "toolu_1", name: "get_weather", input: { city: "Oslo" } },
      ],
    },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "12 °C", is_error: false }] },
  ],
  ollama: [
    {
      role: "assistant",
      content: "I look.",
      tool_calls: [{ id: "call00000", function: { name: "get_weather", arguments: { city: "Oslo" } } }],
      thinking: "Hm.",
    },
    { role: "tool", content: "12 °C", tool_name: "get_weather", tool_call_id: "call00000" },
  ],
} as const;

describe("what a model called before", () => {
  const faulty: ToolCall = { kind: "faulty", id: "a", name: "get weather!", fault: "no_json" };
  const round: ToolRound = { text: " ", calls: [{ call: faulty, output: { text: "", isError: true } }] };

  it("is told in a form that servers take, even where it was none", async () => {
    for (const { path, make, words } of Object.values(PROTOCOLS)) {
      server.on(path, { parts: words });
      await ask(make(server.url), { tools: OFFERED, rounds: [round] });
    }
    const [openai, claude, ollama] = server.requests.slice(-3).map(({ text }) => {
      const { messages } = JSON.parse(Buffer.from(text, "latin1").toString()) as {
        messages: Record<string, unknown>[];
      };
      return messages.slice(-2);
    });
    assert.deepEqual(openai, [
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "a", type: "function", function: { name: "get_weather_", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "a", content: "" },
    ]);
    assert.deepEqual(claude, [
      { role: "assistant", content: [{ type: "tool_use", id: "a", name: "get_weather_", input: {} }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "a", content: "…", is_error: true }] },
    ]);
    assert.deepEqual(ollama?.[0], {
      role: "assistant",
      content: " ",
      tool_calls: [{ id: "a", function: { name: "get_weather_", arguments: {} } }],
    });
  });

  it("keeps its thoughts from every other provider and model", async () => {
    const { path, make, call, words } = PROTOCOLS.openai;
    server.on(path, { parts: call("{}") });
    const first = await ask(make(server.url), { tools: OFFERED });
    server.on(path, { parts: words });
    await ask(make(server.url), { tools: OFFERED, rounds: [roundOf(first)], model: "other" });
    assert.doesNotMatch(server.requests.at(-1)?.text ?? "", /Hm\.|c2ln/);
  });
});
