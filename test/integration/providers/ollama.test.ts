import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, describe, it, mock } from "node:test";

import { silentLogger } from "../../../src/observability/log.ts";
import { createOllamaProvider } from "../../../src/providers/ollama.ts";
import type { ProviderFailure } from "../../../src/language/failures.ts";
import { type ChatChunk, type ChatRequest, type Provider, ProviderError } from "../../../src/providers/provider.ts";
import {
  type Behaviour,
  type OllamaServer,
  type RecordedRequest,
  startOllamaServer,
} from "../../support/ollama-server.ts";
import { json, startModelServer, type ModelServer } from "../../support/model-server.ts";

/** Long enough never to pass in a test; tests of the limits set their own. */
const LONG_MS = 60_000;

let server: OllamaServer;
before(async () => {
  server = await startOllamaServer(["llama3.2", "qwen3:4b"]);
});
after(() => server.close());

function provider(limits: { firstTokenMs?: number; idleMs?: number; url?: string } = {}): Provider {
  const { firstTokenMs = LONG_MS, idleMs = LONG_MS, url = server.url } = limits;
  return createOllamaProvider({ name: "local", url, firstTokenMs, idleMs, locality: "local", log: silentLogger() });
}

function ask(text: string, more: Partial<ChatRequest> = {}): ChatRequest {
  return {
    model: "llama3.2",
    messages: [{ role: "user", content: text }],
    contextTokens: 4096,
    maxAnswerTokens: 1024,
    signal: new AbortController().signal,
    ...more,
  };
}

async function collect(
  chunks: AsyncIterable<ChatChunk>,
): Promise<{ text: string; thinking: string; end: ChatChunk | undefined }> {
  let text = "";
  let thinking = "";
  let end: ChatChunk | undefined;
  for await (const chunk of chunks) {
    assert.equal(end, undefined, "nothing comes after the end");
    if (chunk.kind === "text") text += chunk.text;
    else if (chunk.kind === "thinking") thinking += chunk.text;
    else end = chunk;
  }
  return { text, thinking, end };
}

function isFailure(code: ProviderFailure): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ProviderError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };
}

function lastChat(): RecordedRequest {
  const chat = server.chats().at(-1);
  assert.ok(chat);
  return chat;
}

describe("an answer from Ollama", () => {
  it("streams the text, then the end with the tokens counted", async () => {
    const { text, end } = await collect(provider().chat(ask("hello there")));
    assert.equal(text, "You said: hello there");
    assert.deepEqual(end, { kind: "done", reason: "stop", usage: { promptTokens: 2, answerTokens: 4 } });
    assert.ok(lastChat().tokensSent > 1);
  });

  it("passes on the conversation and the options, in Ollama's own form", async () => {
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "one" },
      { role: "assistant", content: "two" },
      { role: "user", content: "three" },
    ] as const;
    await collect(provider().chat(ask("", { messages, contextTokens: 8192, temperature: 0.2, keepAlive: "-1" })));
    assert.deepEqual(lastChat().body, {
      model: "llama3.2",
      messages,
      options: { num_ctx: 8192, num_predict: 1024, temperature: 0.2 },
      keep_alive: -1,
      truncate: false,
      shift: false,
      stream: true,
    });
    await collect(provider().chat(ask("again", { keepAlive: "5m" })));
    const body = lastChat().body as Record<string, unknown>;
    assert.equal(body["keep_alive"], "5m");
    assert.deepEqual(body["options"], { num_ctx: 4096, num_predict: 1024 });
  });

  it("joins characters that arrive in halves", async () => {
    server.next({ answer: () => "Grüße, 世界 👩‍🚀!", fault: { kind: "split_bytes" } });
    const { text } = await collect(provider().chat(ask("hello")));
    assert.equal(text, "Grüße, 世界 👩‍🚀!");
  });

  it("keeps thinking apart", async () => {
    server.next({ thinking: "The user greets me. I greet back.", answer: () => "Hello!" });
    const { text, thinking } = await collect(provider().chat(ask("hello")));
    assert.deepEqual([text, thinking], ["Hello!", "The user greets me. I greet back."]);
  });

  it("says when the length limit cut it", async () => {
    server.next({ doneReason: "length" });
    const { end } = await collect(provider().chat(ask("hello")));
    assert.ok(end?.kind === "done" && end.reason === "length");
  });

  it("may be long", async () => {
    const long = Array.from({ length: 5_000 }, (_, line) => `All work and no play, ${line}. `)
      .join("")
      .trim();
    server.next({ answer: () => long });
    const { text } = await collect(provider().chat(ask("write")));
    assert.equal(text, long);
  });

  it("is ended when the model runs away, and Ollama sees the connection close", async () => {
    server.next({ answer: () => "aaaaaaaa ".repeat(1000), fault: { kind: "endless" } });
    const { text, end } = await collect(provider().chat(ask("go")));
    assert.ok(end?.kind === "done" && end.reason === "repeating");
    assert.ok(text.length < 20_000);
    assert.equal(await lastChat().ended, "disconnected");
  });

  it("says that it has no words when a model only ever thinks", async () => {
    server.next({ thinking: "hmmhmmhm ".repeat(30_000), answer: () => "too late" });
    await assert.rejects(collect(provider().chat(ask("go"))), isFailure("thought_only"));
  });

  it("comes from a server behind a path and a password", async () => {
    const url = server.url.replace("http://", "http://ann:s%20ecret@");
    await collect(provider({ url: `${url}/` }).chat(ask("hello")));
    const credentials = Buffer.from("ann:s ecret").toString("base64");
    assert.equal(lastChat().headers.authorization, `Basic ${credentials}`);
    await assert.rejects(provider({ url: `${url}/ollama/` }).models(), isFailure("refused"));
    assert.equal(server.requests.at(-1)?.path, "/ollama/api/tags");
  });

  it("prints nothing to the console, whatever comes", async () => {
    const printed = (["log", "warn", "error"] as const).map((method) => mock.method(console, method, () => undefined));
    server.next({ fault: { kind: "garbage", atToken: 1, text: "secret words" } });
    await assert.rejects(collect(provider().chat(ask("hello"))));
    server.next({ fault: { kind: "html", status: 500 } });
    await assert.rejects(collect(provider().chat(ask("hello"))));
    for (const method of printed) {
      assert.equal(method.mock.callCount(), 0);
      method.mock.restore();
    }
  });
});

describe("a failure of Ollama", () => {
  const failures: readonly (readonly [string, ProviderFailure, Behaviour])[] = [
    ["an error status", "refused", { fault: { kind: "status", status: 500, error: "boom" } }],
    ["a full queue", "busy", { fault: { kind: "status", status: 503, error: "server busy, please try again." } }],
    ["a 404 that is not about the model", "refused", { fault: { kind: "html", status: 404 } }],
    ["an error before the first token", "refused", { fault: { kind: "error", atToken: 0, error: "out of memory" } }],
    ["an error in the middle", "refused", { fault: { kind: "error", atToken: 2, error: "CUDA error" } }],
    ["a redirect", "refused", { fault: { kind: "redirect", to: "http://127.0.0.1:1/api/chat" } }],
    ["a connection cut before the status", "cut_off", { fault: { kind: "cut", atToken: 0 } }],
    ["a connection cut in the middle", "cut_off", { fault: { kind: "cut", atToken: 3 } }],
    ["a stream without any line", "cut_off", { fault: { kind: "no_end", atToken: 0 } }],
    ["a stream without its end", "cut_off", { fault: { kind: "no_end", atToken: 3 } }],
    ["a stream that ends in the middle of a line", "cut_off", { fault: { kind: "half_line", atToken: 2 } }],
    ["a web page", "malformed", { fault: { kind: "html", status: 200 } }],
    ["a line that is no JSON", "malformed", { fault: { kind: "garbage", atToken: 2, text: '{"message":' } }],
    ["a line that is no object", "malformed", { fault: { kind: "garbage", atToken: 2, text: "42" } }],
    ["a line of another protocol", "malformed", { fault: { kind: "garbage", atToken: 0, text: '{"choices":[]}' } }],
    [
      "content that is no text",
      "malformed",
      { fault: { kind: "garbage", atToken: 0, text: '{"message":{"content":{}},"done":false}' } },
    ],
    ["a line without end", "malformed", { fault: { kind: "garbage", atToken: 0, text: "x".repeat(2_000_000) } }],
    ["an empty answer", "empty", { fault: { kind: "empty" } }],
    ["an answer of blanks", "empty", { answer: () => " \n\n " }],
  ];
  for (const [what, code, behaviour] of failures) {
    it(`${what} is ${code}`, async () => {
      server.next(behaviour);
      await assert.rejects(collect(provider().chat(ask("hello"))), isFailure(code));
    });
  }

  it("a model that is not installed is model_missing, and so is one that was removed", async () => {
    await assert.rejects(collect(provider().chat(ask("hello", { model: "gone" }))), isFailure("model_missing"));
    server.install("passing");
    await collect(provider().chat(ask("hello", { model: "passing" })));
    server.remove("passing");
    await assert.rejects(collect(provider().chat(ask("hello", { model: "passing" }))), isFailure("model_missing"));
  });

  it("keeps the words before it", async () => {
    server.next({ answer: () => "one two three four", fault: { kind: "half_line", atToken: 2 } });
    let text = "";
    await assert.rejects(async () => {
      for await (const chunk of provider().chat(ask("count"))) if (chunk.kind === "text") text += chunk.text;
    }, isFailure("cut_off"));
    assert.equal(text, "one two");
  });

  it("a port where nothing listens is unreachable, and so is a name that does not exist", async () => {
    const closed = await startOllamaServer();
    await closed.close();
    await assert.rejects(collect(provider({ url: closed.url }).chat(ask("hello"))), isFailure("unreachable"));
    await assert.rejects(provider({ url: "http://nowhere.invalid:11434" }).models(), isFailure("unreachable"));
  });

  it("TLS to a server that speaks none is unreachable", async () => {
    const url = server.url.replace("http:", "https:");
    await assert.rejects(provider({ url }).models(), isFailure("unreachable"));
  });

  it("a server that is not HTTP is malformed", async () => {
    const other = createServer((socket) => socket.end("SSH-2.0-OpenSSH_9.6\r\n"));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    assert.ok(typeof address === "object" && address !== null);
    try {
      await assert.rejects(provider({ url: `127.0.0.1:${address.port}` }).models(), isFailure("malformed"));
    } finally {
      other.close();
    }
  });

  it("names its reason in the log, but nothing of the conversation", async () => {
    const memory = "model requires more system memory (5.6 GiB) than is available (3.1 GiB)";
    server.next({ fault: { kind: "status", status: 500, error: memory } });
    await assert.rejects(collect(provider().chat(ask("hello"))), { code: "refused", message: `HTTP 500: ${memory}` });

    const quoting = "error parsing tool call: raw='my secret', err=invalid character 'm'";
    server.next({ fault: { kind: "error", atToken: 1, error: quoting } });
    await assert.rejects(collect(provider().chat(ask("hello"))), (error: unknown) => {
      assert.ok(error instanceof ProviderError);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
    server.next({ fault: { kind: "garbage", atToken: 1, text: "my secret" } });
    await assert.rejects(collect(provider().chat(ask("hello"))), (error: unknown) => {
      assert.ok(error instanceof ProviderError);
      assert.doesNotMatch(`${error.stack} ${String(error.cause)}`, /secret/);
      return true;
    });
  });
});

describe("ending a chat", () => {
  it("by the signal closes the connection while the model loads", async () => {
    const controller = new AbortController();
    server.next({ fault: { kind: "stall", atToken: 0 } });
    const before = server.chats().length;
    const chat = collect(provider().chat(ask("hello", { signal: controller.signal })));
    const failed = assert.rejects(chat, isFailure("cancelled"));
    while (server.chats().length === before) await new Promise(setImmediate);
    controller.abort();
    await failed;
    assert.equal(await lastChat().ended, "disconnected");
  });

  it("by the signal closes the connection between two tokens", async () => {
    const controller = new AbortController();
    server.next({ fault: { kind: "stall", atToken: 2 } });
    await assert.rejects(async () => {
      for await (const chunk of provider().chat(ask("hello", { signal: controller.signal }))) {
        assert.equal(chunk.kind, "text");
        controller.abort();
      }
    }, isFailure("cancelled"));
    assert.equal(await lastChat().ended, "disconnected");
  });

  it("by leaving the loop closes the connection", async () => {
    server.next({ fault: { kind: "stall", atToken: 1 } });
    for await (const chunk of provider().chat(ask("hello"))) {
      assert.equal(chunk.kind, "text");
      break;
    }
    assert.equal(await lastChat().ended, "disconnected");
  });

  it("leaves the provider's other chats alone", async () => {
    const shared = provider();
    const controller = new AbortController();
    server.next({ fault: { kind: "stall", atToken: 1 } });
    const stalled = shared.chat(ask("one", { signal: controller.signal }))[Symbol.asyncIterator]();
    await stalled.next();
    const other = shared.chat(ask("two"))[Symbol.asyncIterator]();
    const first = await other.next();
    controller.abort();
    await assert.rejects(async () => stalled.next(), isFailure("cancelled"));
    const rest = await collect({ [Symbol.asyncIterator]: () => other });
    assert.ok(first.done !== true && first.value.kind === "text");
    assert.equal(first.value.text + rest.text, "You said: two");
  });

  it("before it starts asks nothing", async () => {
    const before = server.requests.length;
    await assert.rejects(collect(provider().chat(ask("x", { signal: AbortSignal.abort() }))), isFailure("cancelled"));
    assert.equal(server.requests.length, before);
  });
});

describe("the time limits", () => {
  it("end a chat whose first token does not come", async () => {
    server.next({ fault: { kind: "stall", atToken: 0 } });
    await assert.rejects(collect(provider({ firstTokenMs: 1_000 }).chat(ask("hello"))), isFailure("timeout"));
    assert.equal(await lastChat().ended, "disconnected");
  });

  it("end a chat in which the tokens stop coming", async () => {
    server.next({ fault: { kind: "stall", atToken: 3 } });
    let text = "";
    await assert.rejects(async () => {
      for await (const chunk of provider({ idleMs: 1_000 }).chat(ask("hello")))
        if (chunk.kind === "text") text += chunk.text;
    }, isFailure("timeout"));
    assert.equal(text, "You said: hello");
    assert.equal(await lastChat().ended, "disconnected");
  });

  it("are for each token, not for the whole answer, and the first has its own", async () => {
    server.next({ answer: () => "a b c d e f g h i j k l", firstTokenMs: 700, tokenMs: 50 });
    const { text } = await collect(provider({ idleMs: 500 }).chat(ask("hello")));
    assert.equal(text, "a b c d e f g h i j k l");
  });

  it("count thinking as life", async () => {
    server.next({ thinking: "a b c d e f g h i j k l", tokenMs: 50, answer: () => "done" });
    const { text } = await collect(provider({ firstTokenMs: 500, idleMs: 500 }).chat(ask("hello")));
    assert.equal(text, "done");
  });

  it("stand still while the reader is slow", async () => {
    const chunks = provider({ idleMs: 200 }).chat(ask("one two three"));
    let text = "";
    for await (const chunk of chunks) {
      if (chunk.kind === "text") text += chunk.text;
      if (text === "You") await new Promise((resolve) => setTimeout(resolve, 500));
    }
    assert.equal(text, "You said: one two three");
  });
});

describe("the list of models", () => {
  it("names what is installed", async () => {
    assert.deepEqual(await provider().models(), [
      { name: "llama3.2:latest", canChat: true },
      { name: "qwen3:4b", canChat: true },
    ]);
  });

  it("leaves out models that run in a cloud, and marks those that can't chat", async () => {
    server.install("gpt-oss:120b-cloud");
    server.install("nomic-embed-text");
    const models = (await provider().models()).map(({ name, canChat }) => [name, canChat]);
    assert.deepEqual(models, [
      ["llama3.2:latest", true],
      ["qwen3:4b", true],
      ["nomic-embed-text:latest", false],
    ]);
  });
});

describe("a model that the bridge lets Ollama install", () => {
  const NEVER = new AbortController().signal;

  it("is installed in the end, and reports its progress", async () => {
    const steps = await Array.fromAsync(provider().pull?.("qwen2.5:7b", NEVER) ?? []);
    assert.ok(steps.some(({ completed, total }) => completed === 600 && total === 1_000));
    assert.equal(steps.at(-1)?.status, "success");
    assert.ok((await provider().models()).some(({ name }) => name === "qwen2.5:7b"));
  });

  it("is not installed where there is none of that name, or no server", async () => {
    await assert.rejects(Array.fromAsync(provider().pull?.("nothing", NEVER) ?? []), isFailure("model_missing"));
    const gone = provider({ url: "http://127.0.0.1:9" });
    await assert.rejects(Array.fromAsync(gone.pull?.("qwen2.5:7b", NEVER) ?? []), isFailure("unreachable"));
  });
});

describe("a model that can't be fetched", () => {
  let fetching: ModelServer;
  before(async () => {
    fetching = await startModelServer();
  });
  after(() => fetching.close());

  const SAID: readonly (readonly [string, RegExp])[] = [
    [
      'pull model manifest: Get "https://registry.ollama.ai/v2/library/x/manifests/latest": dial tcp: lookup registry.ollama.ai on 127.0.0.53:53: no such host',
      /failed: no such host$/,
    ],
    ["invalid model name", /failed: invalid model name$/],
    ["write /root/.ollama/models/blobs/sha256-a-partial-0: no space left on device", /no space left on device$/],
    [
      "pull model manifest: 412: The model you are attempting to pull requires a newer version of Ollama.",
      /newer version/,
    ],
    ["max retries exceeded: EOF", /max retries exceeded$/],
    ['Get "https://r2.example/secret?sig=abc": net/http: TLS handshake timeout', /TLS handshake timeout$/],
    ["tls: failed to verify certificate: x509: certificate signed by unknown authority", /x509: certificate signed by/],
    ["something that nobody knows: the password is swordfish", /see the model server's own log$/],
  ];
  for (const [error, words] of SAID) {
    it(`says why: ${error.slice(0, 60)}`, async () => {
      fetching.on("/api/pull", { parts: ['{"status":"pulling manifest"}\n', `${JSON.stringify({ error })}\n`] });
      const pulling = Array.fromAsync(provider({ url: fetching.url }).pull?.("x", new AbortController().signal) ?? []);
      await assert.rejects(pulling, (failure: unknown) => {
        assert.ok(failure instanceof ProviderError);
        assert.match(failure.message, words);
        assert.doesNotMatch(failure.message, /swordfish|sig=|library/);
        return true;
      });
    });
  }
});

describe("the facts of a model", () => {
  it("are whether it sees, how large its context is, and where it really runs", async () => {
    server.install("llama3.2-vision:11b");
    server.install("gpt-oss:120b-cloud");
    assert.deepEqual(await provider().facts("llama3.2"), { sees: false, tools: true, contextTokens: 131_072 });
    assert.deepEqual(await provider().facts("llama3.2-vision:11b"), {
      sees: true,
      tools: false,
      contextTokens: 131_072,
    });
    const before = server.requests.length;
    for (const cloud of ["gpt-oss:120b-cloud", "not-there:cloud", "Not-There:7b-CLOUD"]) {
      assert.equal((await provider().facts(cloud)).remoteHost, "ollama.com", cloud);
    }
    assert.equal(server.requests.length, before, "it passes the question on, so it is not asked");
    await assert.rejects(provider().facts("nothing"), isFailure("model_missing"));
    for (const model of ["llama3.2-vision:11b", "gpt-oss:120b-cloud"]) server.remove(model);
  });
});

describe("a server that speaks Ollama's protocol and knows no /api/show, as KoboldCpp", () => {
  let kobold: ModelServer;
  before(async () => {
    kobold = await startModelServer();
    const entry = { name: "koboldcpp/nemo", model: "koboldcpp/nemo:latest", details: { family: "koboldcpp" } };
    const away = { name: "mine", remote_host: "https://ollama.com:443" };
    kobold.on("/api/tags", json({ models: [entry, away] }));
    kobold.on("/api/chat", {
      headers: { "content-type": "application/x-ndjson" },
      parts: ['{"message":{"role":"assistant","content":"Hi."},"done":false}\n', '{"done":true}\n'],
    });
  });
  after(() => kobold.close());

  it("answers", async () => {
    const { text } = await collect(provider({ url: kobold.url }).chat(ask("hi", { model: "koboldcpp/nemo" })));
    assert.equal(text, "Hi.");
  });

  it("shows by its list where a model runs, and nothing is known of one that it does not list", async () => {
    const local = provider({ url: kobold.url });
    assert.deepEqual(await local.facts("koboldcpp/nemo"), { sees: false });
    assert.equal(await local.relay?.facts("koboldcpp/nemo"), undefined, "it does not say where it runs");
    assert.equal(await local.relay?.saysWhere(), false);
    assert.deepEqual(await local.relay?.facts("mine"), { sees: false, remoteHost: "ollama.com" });
    assert.deepEqual(await local.relay?.facts("gpt-oss:20b-cloud"), { sees: false, remoteHost: "ollama.com" });
    await assert.rejects(local.facts("other"), isFailure("model_missing"));
  });

  it("is not believed where it answers with errors", async () => {
    for (const status of [500, 502, 503, 429, 401, 403]) {
      kobold.on("/api/show", { status, parts: ["<html>no</html>"] });
      await assert.rejects(provider({ url: kobold.url }).facts("koboldcpp/nemo"), `HTTP ${status}`);
    }
  });
});
