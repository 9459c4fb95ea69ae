import assert from "node:assert/strict";
import { after, afterEach, before, describe, it, mock } from "node:test";
import { generate } from "selfsigned";
import { silentLogger } from "../../../src/observability/log.ts";
import { createAnthropicProvider } from "../../../src/providers/anthropic.ts";
import { createOpenAiProvider } from "../../../src/providers/openai.ts";
import type { ProviderFailure } from "../../../src/language/failures.ts";
import { ProviderError, type ChatChunk, type ChatRequest, type Provider } from "../../../src/providers/provider.ts";
import { anthropic, json, openAi, startModelServer, type ModelServer, type Reply } from "../../support/model-server.ts";

const LONG_MS = 60_000;

interface Limits {
  readonly firstTokenMs?: number;
  readonly idleMs?: number;
  readonly ca?: string;
  readonly url?: string;
}

/** The common features of the two, each in its own form. */
const PROTOCOLS = [
  {
    name: "openai",
    wire: openAi,
    make: (url: string, { firstTokenMs = LONG_MS, idleMs = LONG_MS, ca }: Limits): Provider =>
      createOpenAiProvider({
        name: "p",
        url: `${url}/v1`,
        apiKey: "sk-secret",
        firstTokenMs,
        idleMs,
        ca,
        locality: "local",
        log: silentLogger(),
      }),
    thinking: openAi.piece({ reasoning_content: "hmm" }),
    tool: openAi.piece({
      tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "rm", arguments: "{}" } }],
    }),
    toolEnd: "tool_calls",
    longEnd: "length",
    inStream: (message: string): string => `data: ${JSON.stringify(openAi.error(message, null, "server_error"))}\n\n`,
    missing: json(openAi.error("The model `nope` does not exist", "model_not_found"), 404),
    busy: json(openAi.error("Rate limit reached", "rate_limit_exceeded", "requests"), 429),
    wrongKey: json(openAi.error("Incorrect API key provided: sk-secret", "invalid_api_key"), 401),
    authorization: { authorization: "Bearer sk-secret" },
  },
  {
    name: "anthropic",
    wire: anthropic,
    make: (url: string, { firstTokenMs = LONG_MS, idleMs = LONG_MS, ca }: Limits): Provider =>
      createAnthropicProvider({
        name: "p",
        url,
        apiKey: "sk-secret",
        firstTokenMs,
        idleMs,
        ca,
        locality: "local",
        log: silentLogger(),
      }),
    thinking: anthropic.delta({ type: "thinking_delta", thinking: "hmm" }),
    tool: anthropic.delta({ type: "input_json_delta", partial_json: '{"a":' }),
    toolEnd: "tool_use",
    longEnd: "max_tokens",
    inStream: (message: string): string =>
      `event: error\ndata: ${JSON.stringify(anthropic.error(message, "api_error"))}\n\n`,
    missing: json(anthropic.error("model: nope", "not_found_error"), 404),
    busy: json(anthropic.error("Overloaded", "overloaded_error"), 529),
    wrongKey: json(anthropic.error("invalid x-api-key", "authentication_error"), 401),
    authorization: { authorization: "Bearer sk-secret" },
  },
] as const;

for (const protocol of PROTOCOLS) {
  const { wire } = protocol;

  describe(`a provider that speaks ${protocol.name}`, () => {
    let server: ModelServer;
    const printed = mock.fn();
    before(async () => {
      server = await startModelServer();
      for (const method of ["log", "info", "warn", "error", "debug"] as const) mock.method(console, method, printed);
    });
    afterEach(() => assert.equal(printed.mock.callCount(), 0, "a client printed something"));
    after(async () => {
      mock.restoreAll();
      await server.close();
    });

    function ask(limits: Limits = {}, more: Partial<ChatRequest> = {}): AsyncIterable<ChatChunk> {
      return protocol.make(limits.url ?? server.url, limits).chat({
        model: "some-model",
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "a secret question" },
        ],
        contextTokens: 4_096,
        maxAnswerTokens: 1_024,
        signal: new AbortController().signal,
        ...more,
      });
    }

    async function answer(
      reply: Reply,
      limits: Limits = {},
    ): Promise<{ text: string; thinking: string; end: unknown }> {
      server.on(wire.path, reply);
      let [text, thinking, end] = ["", "", undefined as unknown];
      for await (const chunk of ask(limits)) {
        assert.equal(end, undefined, "nothing comes after the end");
        if (chunk.kind === "text") text += chunk.text;
        else if (chunk.kind === "thinking") thinking += chunk.text;
        else end = chunk;
      }
      return { text, thinking, end };
    }

    async function fails(reply: Reply, code: ProviderFailure, limits: Limits = {}): Promise<ProviderError> {
      const error: unknown = await answer(reply, limits).then(
        () => assert.fail("it answered"),
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof ProviderError, String(error));
      assert.equal(error.code, code, error.message);
      let words = "";
      for (let inner: unknown = error; inner instanceof Error; inner = inner.cause)
        words += `${inner.message} ${inner.stack ?? ""}`;
      assert.doesNotMatch(words, /secret|confidential/, "no part of the conversation, and no key");
      return error;
    }

    it("streams an answer, with its thinking and its counts", async () => {
      const parts = [wire.begin(), protocol.thinking, wire.text("Hello "), wire.text("wörld 👋"), ...wire.end()];
      assert.deepEqual(await answer({ parts }), {
        text: "Hello wörld 👋",
        thinking: "hmm",
        end: { kind: "done", reason: "stop", usage: { promptTokens: 19, answerTokens: 10 } },
      });
      const long = await answer({ parts: [wire.begin(), wire.text("Hel"), ...wire.end(protocol.longEnd)] });
      assert.equal((long.end as { reason?: string }).reason, "length");
    });

    it("gets the question and the asker, and nothing of the machine", async () => {
      await answer({ parts: wire.answer("ok") });
      const { headers, text } = server.requests.at(-1) ?? assert.fail();
      for (const [name, value] of Object.entries(protocol.authorization)) assert.equal(headers[name], value);
      const known = ["accept", "content-type", "authorization", "x-api-key", "anthropic-version", "host", "connection"];
      const sent = [...known, "content-length", "accept-language", "sec-fetch-mode", "user-agent", "accept-encoding"];
      assert.deepEqual(
        Object.keys(headers).filter((name) => !sent.includes(name)),
        [],
      );
      assert.doesNotMatch(JSON.stringify(headers), /stainless|linux|node\/v?\d|arm64|x64/i);
      const body = JSON.parse(text) as Record<string, unknown>;
      assert.deepEqual([body["model"], body["stream"]], ["some-model", true]);
      assert.match(text, /Be brief\.[\s\S]*a secret question|a secret question[\s\S]*Be brief\./);
      assert.equal("tools" in body, false);
    });

    it("gets pictures with their own type", async () => {
      server.on(wire.path, { parts: wire.answer("a cat") });
      const picture = Buffer.from("\xff\xd8\xff\xe0 a picture", "latin1");
      const messages = [{ role: "user" as const, content: "what is it?", images: [picture] }];
      for await (const chunk of ask({}, { messages })) assert.ok(chunk);
      const sent = server.requests.at(-1)?.text ?? "";
      assert.ok(sent.includes(picture.toString("base64")) && sent.includes("image/jpeg"));
    });

    it("may cut characters in two, send lines in pieces, and send other things beside the stream", async () => {
      const whole = Buffer.from([...wire.answer("zwölf 👍🏽 日本"), ""].join(": PROCESSING\n\n"));
      const bytes = Array.from(whole, (byte) => Uint8Array.of(byte));
      assert.equal((await answer({ parts: bytes })).text, "zwölf 👍🏽 日本");
      const windows = whole.toString().replaceAll("\n", "\r\n");
      assert.equal((await answer({ parts: [windows] })).text, "zwölf 👍🏽 日本");
    });

    it("has its calls of tools that nobody offered left out", async () => {
      const parts = [wire.begin(), wire.text("ok"), protocol.tool, ...wire.end(protocol.toolEnd)];
      assert.equal((await answer({ parts })).text, "ok");
      await fails({ parts: [wire.begin(), protocol.tool, ...wire.end(protocol.toolEnd)] }, "empty");
    });

    it("fails with a message about the fault, and none of the conversation's words", async () => {
      const begun = [wire.begin(), wire.text("confidential")];
      await fails({ parts: [...begun, 'data: {"confidential": \n\n', ...wire.end()] }, "malformed");
      await fails({ parts: ["<html>confidential</html>"], headers: { "content-type": "text/html" } }, "malformed");
      await fails({ parts: ["data: 7\n\n"] }, "malformed");
      await fails({ parts: [...begun, protocol.inStream("confidential failure")] }, "refused");
      await fails({ parts: [...begun] }, "cut_off");
      await fails({ parts: [...begun, 'data: {"choi'] }, "cut_off");
      await fails({ parts: [...begun], then: "cut" }, "cut_off");
      await fails({ parts: [wire.begin(), ...wire.end()] }, "empty");
      await fails({ parts: [] }, "cut_off");
      await fails({ parts: [wire.begin(), wire.text("x".repeat(10_000_000)), ...wire.end()] }, "malformed");
      await fails({ status: 500, parts: ["<h1>confidential</h1>"] }, "refused");
      await fails(protocol.missing, "model_missing");
      await fails(protocol.busy, "busy");
      assert.match((await fails(protocol.wrongKey, "refused")).message, /is the key right/);
    });

    it("may not redirect requests", async () => {
      const other = await startModelServer();
      other.on(wire.path, { parts: wire.answer("from elsewhere") });
      const headers = { location: `${other.url}${wire.path}` };
      for (const status of [301, 302, 307, 308]) await fails({ status, headers, parts: [] }, "refused");
      assert.equal(other.requests.length, 0);
      await other.close();
    });

    it("has time limits for the first token and for the next", async () => {
      await fails({ parts: [wire.begin()], then: "stall" }, "timeout", { firstTokenMs: 100, idleMs: 100 });
      await fails({ parts: [wire.begin(), wire.text("hm")], then: "stall" }, "timeout", { idleMs: 100 });
      assert.equal(await server.requests.at(-1)?.ended, "disconnected");
    });

    it("is ended when an answer goes on for ever, by its length or when nobody wants it any more", async () => {
      const endless = function* (): Generator<string> {
        yield wire.begin();
        for (let count = 0; ; count++) yield wire.text(`and on, ${count} times, `.repeat(40));
      };
      const { text, end } = await answer({ parts: endless() });
      assert.ok(text.length < 300_000);
      assert.equal((end as { reason?: string }).reason, "length");
      assert.equal(await server.requests.at(-1)?.ended, "disconnected");

      server.on(wire.path, { parts: endless(), pauseMs: 10 });
      const stop = new AbortController();
      await assert.rejects(
        async () => {
          for await (const chunk of ask({}, { signal: stop.signal })) {
            if (chunk.kind === "text") stop.abort();
          }
        },
        { name: "ProviderError", code: "cancelled" },
      );
      assert.equal(await server.requests.at(-1)?.ended, "disconnected");
    });

    it("is asked once, whatever the result", async () => {
      const before = server.requests.length;
      await fails(protocol.busy, "busy");
      await fails({ status: 500, parts: ["{}"] }, "refused");
      assert.equal(server.requests.length, before + 2);
    });

    it("can't be reached where nobody listens", async () => {
      const gone = await startModelServer();
      await gone.close();
      await assert.rejects(
        async () => {
          for await (const chunk of ask({ url: gone.url })) assert.ok(chunk);
        },
        { name: "ProviderError", code: "unreachable" },
      );
    });

    it("is trusted only by its certificate, or by one of the admin's own authority", async () => {
      const { private: key, cert } = await generate([{ name: "commonName", value: "127.0.0.1" }], {
        extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
      });
      const secure = await startModelServer({ key, cert });
      secure.on(wire.path, { parts: wire.answer("over TLS") });
      await assert.rejects(
        async () => {
          for await (const chunk of ask({ url: secure.url })) assert.ok(chunk);
        },
        { name: "ProviderError", code: "unreachable", message: /CERT|SELF_SIGNED/ },
      );
      assert.equal(secure.requests.length, 0);
      let text = "";
      for await (const chunk of ask({ url: secure.url, ca: cert })) if (chunk.kind === "text") text += chunk.text;
      assert.equal(text, "over TLS");
      await secure.close();
    });

    it("lists its models", async () => {
      server.on("/v1/models", json({ object: "list", data: [{ id: "one" }, { id: "two" }], has_more: false }));
      assert.deepEqual(await protocol.make(server.url, {}).models(), [
        { name: "one", canChat: true },
        { name: "two", canChat: true },
      ]);
      server.on(
        "/v1/models",
        json({ object: "list", data: [{ id: "one" }, null, {}, { id: "x\0y" }], has_more: false }),
      );
      assert.deepEqual(await protocol.make(server.url, {}).models(), [{ name: "one", canChat: true }]);
      for (const bad of [json({ data: [{}] }), { parts: ["<html>"] }]) {
        server.on("/v1/models", bad);
        await assert.rejects(protocol.make(server.url, {}).models(), { name: "ProviderError", code: "malformed" });
      }
    });
  });
}

describe("a provider that speaks openai", () => {
  let server: ModelServer;
  let provider: Provider;
  before(async () => {
    server = await startModelServer();
    provider = createOpenAiProvider({
      name: "p",
      url: `${server.url}/v1`,
      firstTokenMs: LONG_MS,
      idleMs: LONG_MS,
      locality: "local",
      log: silentLogger(),
    });
  });
  after(() => server.close());

  it("has the facts of a model from its server, in whichever words", async () => {
    const entries = [
      [{ id: "m" }, { sees: false }],
      [
        { id: "m", max_model_len: 32_768 },
        { sees: false, contextTokens: 32_768 },
      ],
      [
        { id: "m", context_length: 131_072, architecture: { input_modalities: ["text", "image"] } },
        { sees: true, contextTokens: 131_072 },
      ],
      [
        { id: "m", meta: { n_ctx_train: 8_192 } },
        { sees: false, contextTokens: 8_192 },
      ],
      [{ id: "m", capabilities: ["completion", "multimodal"] }, { sees: true }],
      [
        { id: "m", capabilities: ["tool_use"] },
        { sees: false, tools: true },
      ],
      [
        { id: "m", capabilities: { function_calling: true } },
        { sees: false, tools: true },
      ],
      [
        { id: "m", capabilities: { function_calling: false, vision: true } },
        { sees: true, tools: false },
      ],
      [{ id: "m", capabilities: { function_calling: "yes" } }, { sees: false }],
      [
        { id: "m", supported_parameters: ["max_tokens", "tools"] },
        { sees: false, tools: true },
      ],
      [
        { id: "m", supported_parameters: [] },
        { sees: false, tools: false },
      ],
    ] as const;
    for (const [entry, facts] of entries) {
      server.on("/v1/models", json({ object: "list", data: [{ id: "other" }, entry] }));
      assert.deepEqual(await provider.facts("m"), facts);
    }
  });

  it("takes pictures from the answer itself and from no address in it", async () => {
    const picture = Buffer.from("\x89PNG\r\n\x1a\n and so on", "latin1");
    const draw = (): Promise<Uint8Array> | undefined =>
      provider.draw?.({ model: "flux", prompt: "a cat", signal: new AbortController().signal });
    server.on("/v1/images/generations", json({ created: 1, data: [{ b64_json: picture.toString("base64") }] }));
    assert.deepEqual(await draw(), picture);
    const asked = JSON.parse(server.requests.at(-1)?.text ?? "") as Record<string, unknown>;
    assert.deepEqual(asked, { model: "flux", prompt: "a cat", n: 1, response_format: "b64_json" });
    const bad = [[{ url: `${server.url}/cat.png` }], [], [{ b64_json: Buffer.from("<svg/>").toString("base64") }]];
    for (const data of bad) {
      server.on("/v1/images/generations", json({ created: 1, data }));
      await assert.rejects(async () => draw(), { name: "ProviderError", code: "malformed" });
    }
    assert.ok(!server.requests.some(({ path }) => path === "/cat.png"));
  });

  it("transcribes speech", async () => {
    const transcribe = (): Promise<string> | undefined =>
      provider.transcribe?.({
        model: "whisper-1",
        audio: Buffer.from("OggS a recording"),
        fileName: "voice.ogg",
        signal: new AbortController().signal,
      });
    server.on("/v1/audio/transcriptions", json({ text: " Hello there. " }));
    assert.equal(await transcribe(), " Hello there. ");
    const { headers, text } = server.requests.at(-1) ?? assert.fail();
    assert.match(headers["content-type"] ?? "", /^multipart\/form-data; boundary=/);
    assert.match(text, /name="model"\r\n\r\nwhisper-1/);
    assert.match(text, /filename="voice\.ogg"[\s\S]*OggS a recording/);
    server.on("/v1/audio/transcriptions", json({ words: 7 }));
    await assert.rejects(async () => transcribe(), { name: "ProviderError", code: "malformed" });
    server.on("/v1/audio/transcriptions", { parts: ["not JSON"] });
    await assert.rejects(async () => transcribe(), { name: "ProviderError", code: "malformed" });
  });
});
