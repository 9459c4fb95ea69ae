import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { silentLogger } from "../../../src/observability/log.ts";
import { createAnthropicProvider } from "../../../src/providers/anthropic.ts";
import { createOllamaProvider } from "../../../src/providers/ollama.ts";
import { createOpenAiProvider } from "../../../src/providers/openai.ts";
import { PromptTooLong } from "../../../src/providers/prompt-too-long.ts";
import { ProviderError, type ChatChunk, type Provider } from "../../../src/providers/provider.ts";
import { startModelServer, type ModelServer, type Reply } from "../../support/model-server.ts";
import { RECORDED_SERVERS } from "../../support/recorded/recorded-servers.ts";
import { OFFERED, type RecordedAnswer, type RecordedServer } from "../../support/recorded/recorded-server.ts";

const COMMON = { name: "p", locality: "local", firstTokenMs: 10_000, idleMs: 10_000, log: silentLogger() } as const;

const PROTOCOLS = {
  ollama: { chat: "/api/chat", list: "/api/tags", make: (url: string) => createOllamaProvider({ ...COMMON, url }) },
  openai: {
    chat: "/v1/chat/completions",
    list: "/v1/models",
    make: (url: string) => createOpenAiProvider({ ...COMMON, url: `${url}/v1`, apiKey: "k" }),
  },
  anthropic: {
    chat: "/v1/messages",
    list: "/v1/models",
    make: (url: string) => createAnthropicProvider({ ...COMMON, url, apiKey: "k" }),
  },
} as const satisfies Record<
  RecordedServer["protocol"],
  { readonly chat: string; readonly list: string; readonly make: (url: string) => Provider }
>;

/** The understood parts of an answer: its text and thinking, its end, and the thrown error. */
interface Understood {
  readonly text: string;
  readonly thinking: string;
  readonly end: Extract<ChatChunk, { kind: "done" }> | undefined;
  readonly error: unknown;
}

async function understand(chunks: AsyncIterable<ChatChunk>): Promise<Understood> {
  let [text, thinking] = ["", ""];
  let end: Understood["end"];
  try {
    for await (const chunk of chunks) {
      if (chunk.kind === "text") text += chunk.text;
      else if (chunk.kind === "thinking") thinking += chunk.text;
      else if (chunk.kind === "recant") [text, thinking] = ["", thinking + text];
      else end = chunk;
    }
  } catch (error) {
    return { text, thinking, end, error };
  }
  return { text, thinking, end, error: undefined };
}

for (const recorded of RECORDED_SERVERS) {
  describe(`a reply of ${recorded.server}`, () => {
    const { chat, list, make } = PROTOCOLS[recorded.protocol];
    let server: ModelServer;
    let provider: Provider;
    before(async () => {
      server = await startModelServer();
      provider = make(server.url);
    });
    after(() => server.close());

    async function told(reply: Reply, { calls }: Pick<RecordedAnswer, "calls"> = {}): Promise<Understood> {
      server.on(chat, reply);
      const { signal } = new AbortController();
      const request = { model: "m", messages: [{ role: "user", content: "hi" }], contextTokens: 512 } as const;
      const tools = calls === undefined ? {} : { tools: OFFERED };
      return understand(provider.chat({ ...request, maxAnswerTokens: 64, signal, ...tools }));
    }

    function isThe({ text, thinking = "", reason, calls = [] }: RecordedAnswer, of: Understood, where: string): void {
      if (of.error !== undefined) throw new Error(`failed ${where}`, { cause: of.error });
      assert.deepEqual([of.text, of.thinking, of.end?.reason], [text, thinking, reason], where);
      const good = of.end?.calls?.flatMap((call) => (call.kind === "good" ? [[call.name, call.arguments]] : [])) ?? [];
      assert.deepEqual(good, calls, where);
      const ids = of.end?.calls?.map(({ id }) => id) ?? [];
      assert.equal(new Set(ids).size, ids.length, where);
    }

    for (const [name, answer] of Object.entries(recorded.answers)) {
      const bytes = Buffer.from(answer.pieces.join(""));

      it(`is understood: an answer ${name}`, async () => {
        const whole = await told({ parts: answer.pieces }, answer);
        isThe(answer, whole, "as it came");
        assert.deepEqual(whole.end?.usage, answer.usage);
        isThe(answer, await told({ parts: [bytes] }, answer), "in one packet");
        isThe(answer, await told({ parts: Array.from(bytes, (byte) => Uint8Array.of(byte)) }, answer), "byte by byte");
      });

      // "Byte by byte" cuts at all places; "in two" cuts only at some, because each costs a request.
      it(`is the same in two packets: an answer ${name}`, async () => {
        for (let at = 1; at < bytes.length; at += 13) {
          isThe(
            answer,
            await told({ parts: [bytes.subarray(0, at), bytes.subarray(at)] }, answer),
            `cut at byte ${at}`,
          );
        }
      });

      it(`is the same with other pieces in between: an answer ${name}`, async () => {
        const { pieces } = answer;
        // After its end nothing is read any more.
        for (const [what, odd] of Object.entries(recorded.odd)) {
          for (let at = 0; at < pieces.length; at++) {
            const parts = [...pieces.slice(0, at), odd, ...pieces.slice(at)];
            isThe(answer, await told({ parts }, answer), `${what} before piece ${at}`);
          }
        }
      });
    }

    for (const [name, failure] of Object.entries(recorded.failures)) {
      it(`is recognised: ${name}`, async () => {
        const { status = 200, contentType = "text/event-stream", pieces, code, limitTokens, text = "" } = failure;
        const headers = { "content-type": contentType };
        for (const parts of [pieces, [pieces.join("")]]) {
          const { error, text: said } = await told({ status, headers, parts });
          assert.ok(error instanceof ProviderError, String(error));
          assert.deepEqual([error.code, said], [code, text], error.message);
          if (error instanceof PromptTooLong) assert.equal(error.limitTokens, limitTokens);
          assert.doesNotMatch(error.message, /Let me |sk-no|Some\b/, "no words of a conversation, and no key");
        }
      });
    }

    for (const [name, { body, chat: chats, others, facts = {} }] of Object.entries(recorded.lists)) {
      it(`is read: a list ${name}`, async () => {
        server.on(list, { headers: { "content-type": "application/json" }, parts: [body] });
        const models = await provider.models();
        const names = (canChat: boolean): string[] =>
          models.filter((model) => model.canChat === canChat).map((model) => model.name);
        assert.deepEqual([names(true), names(false)], [chats, others]);
        for (const [model, told] of Object.entries(facts)) assert.deepEqual(await provider.facts(model), told);
      });
    }
  });
}
