import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLogger } from "../../../src/observability/log.ts";
import { governed } from "../../../src/providers/governed.ts";
import { createOllamaProvider } from "../../../src/providers/ollama.ts";
import type { Provider } from "../../../src/providers/provider.ts";
import { eventually } from "../../support/eventually.ts";

const PIECE_MS = 400;
const PIECES = 6;
/** Shorter than an answer takes, longer than the pause between two of its words. */
const FIRST_TOKEN_MS = 1_200;

describe("an Ollama that answers one question at a time", () => {
  let server: Server;
  let url: string;
  let isStuck = false;
  const asked: string[] = [];
  before(async () => {
    let turn = Promise.resolve();
    const say = (response: ServerResponse, value: object): void => void response.write(`${JSON.stringify(value)}\n`);
    async function answer(response: ServerResponse): Promise<void> {
      if (isStuck) return;
      for (let piece = 0; piece < PIECES; piece++) {
        await sleep(PIECE_MS);
        say(response, { message: { role: "assistant", content: "word " }, done: false });
      }
      say(response, { message: { role: "assistant", content: "" }, done: true });
      response.end();
    }
    server = createServer((request, response) => {
      request.setEncoding("utf8");
      let text = "";
      request.on("data", (part: string) => (text += part));
      request.on("end", () => {
        asked.push((JSON.parse(text) as { model: string }).model);
        turn = turn.then(() => answer(response));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  function ask(provider: Provider, model: string): Promise<string> {
    const { signal } = new AbortController();
    const request = { model, messages: [{ role: "user", content: "hi" }], contextTokens: 512 } as const;
    return Array.fromAsync(provider.chat({ ...request, maxAnswerTokens: 64, signal })).then((chunks) =>
      chunks.map((chunk) => (chunk.kind === "text" ? chunk.text : "")).join(""),
    );
  }
  const make = (): Provider =>
    createOllamaProvider({
      name: "p",
      url,
      firstTokenMs: FIRST_TOKEN_MS,
      idleMs: 10_000,
      locality: "local",
      log: silentLogger(),
    });

  it("lets no request time out that waits there for another model's answer", async () => {
    const provider = make();
    const answers = await Promise.all([ask(provider, "one"), ask(provider, "two"), ask(provider, "three")]);
    assert.deepEqual(answers, Array<string>(3).fill("word ".repeat(PIECES)));
  });

  it("is asked for one answer of a model at a time, and meanwhile for another model's", async () => {
    asked.length = 0;
    const provider = governed(make(), { maxConcurrent: 4, numParallel: 1 });
    const answers = ["one", "one", "two"].map((model) => ask(provider, model));
    await eventually("both models to be asked", () => asked.length === 2);
    assert.deepEqual(asked.toSorted(), ["one", "two"]);
    assert.equal(provider.load?.().waiting, 1);
    await Promise.all(answers);
    assert.equal(asked.length, 3);
  });

  it("still counts as failed where it does nothing for anybody", async () => {
    isStuck = true;
    const provider = make();
    for (const asking of [ask(provider, "one"), ask(provider, "two")])
      await assert.rejects(asking, { code: "timeout" });
  });
});
