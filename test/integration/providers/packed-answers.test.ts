import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { silentLogger } from "../../../src/observability/log.ts";
import { createAnthropicProvider } from "../../../src/providers/anthropic.ts";
import { createOllamaProvider } from "../../../src/providers/ollama.ts";
import { createOpenAiProvider } from "../../../src/providers/openai.ts";
import { ProviderError, type Provider } from "../../../src/providers/provider.ts";
import { startModelServer, type ModelServer } from "../../support/model-server.ts";

/** Unpacked, it takes more than the process may grow by reading it, whatever it leaves to the garbage collector. */
const UNPACKED_BYTES = 512 * 1024 * 1024;
const MOST_MIB = 256;

/** The number of copies of one compressed piece: these two methods allow their concatenation. */
const TIMES = 32;
const again = (packed: Buffer): Buffer => Buffer.concat(Array<Buffer>(TIMES).fill(packed));
const part = (text: string): Buffer => Buffer.alloc(UNPACKED_BYTES / TIMES, text);
const gzipped = (text: string): Buffer => again(gzipSync(part(text)));

/** The compression methods of a server. */
const PACKED: readonly { readonly how: string; readonly encoding: string; readonly pack: () => Buffer }[] = [
  { how: "gzip, one long line", encoding: "gzip", pack: () => gzipped("[") },
  { how: "gzip, lines that hold nothing", encoding: "gzip", pack: () => gzipped("\n") },
  { how: "gzip, comments", encoding: "gzip", pack: () => gzipped(":\n") },
  { how: "gzip, events without data", encoding: "gzip", pack: () => gzipped("event: a\n") },
  { how: "gzip, pieces that hold nothing", encoding: "gzip", pack: () => gzipped('data: {"choices":[]}\n') },
  { how: "zstd", encoding: "zstd", pack: () => again(zstdCompressSync(part("["))) },
  { how: "deflate", encoding: "deflate", pack: () => deflateSync(Buffer.alloc(UNPACKED_BYTES, "[")) },
  {
    how: "brotli",
    encoding: "br",
    pack: () =>
      brotliCompressSync(Buffer.alloc(UNPACKED_BYTES, "["), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  },
  { how: "gzip twice", encoding: "gzip, gzip", pack: () => gzipSync(gzipped("[")) },
  { how: "gzip, said a thousand times", encoding: Array(1_000).fill("gzip").join(", "), pack: () => gzipped("[") },
  { how: "gzip, which it is not", encoding: "gzip", pack: () => Buffer.from("no gzip at all") },
];

const COMMON = { name: "p", locality: "local", firstTokenMs: 60_000, idleMs: 60_000, log: silentLogger() } as const;

const PROVIDERS: Readonly<Record<string, { readonly chat: string; readonly make: (url: string) => Provider }>> = {
  openai: {
    chat: "/v1/chat/completions",
    make: (url) => createOpenAiProvider({ ...COMMON, url: `${url}/v1`, apiKey: "k" }),
  },
  anthropic: { chat: "/v1/messages", make: (url) => createAnthropicProvider({ ...COMMON, url, apiKey: "k" }) },
  ollama: { chat: "/api/chat", make: (url) => createOllamaProvider({ ...COMMON, url }) },
};

describe("an answer that a model's server has compressed", () => {
  let server: ModelServer;
  before(async () => {
    server = await startModelServer();
  });
  after(() => server.close());

  for (const { how, encoding, pack } of PACKED) {
    it(`unpacks to no more than the limit: ${how}`, async () => {
      const parts = [pack()];
      for (const { chat, make } of Object.values(PROVIDERS)) {
        const provider = make(server.url);
        for (const status of [200, 500]) {
          const reply = { status, headers: { "content-encoding": encoding }, parts };
          for (const path of [chat, "/v1/models", "/api/tags"]) server.on(path, reply);
          const rss = process.memoryUsage().rss;
          const asked = { model: "m", messages: [{ role: "user", content: "hi" }], contextTokens: 512 } as const;
          const signal = new AbortController().signal;
          const answer = Array.fromAsync(provider.chat({ ...asked, maxAnswerTokens: 64, signal }));
          await assert.rejects(answer, ProviderError);
          await assert.rejects(provider.models(), ProviderError);
          const grown = (process.memoryUsage().rss - rss) / 1024 / 1024;
          assert.ok(grown < MOST_MIB, `${Math.round(grown)} MiB more`);
        }
      }
    });
  }
});
