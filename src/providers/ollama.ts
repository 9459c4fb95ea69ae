import { Ollama } from "ollama";
import { Agent } from "undici";

import type { Logger } from "../observability/log.ts";
import { checkChatStream, checkSize, ollamaFetch } from "./ollama-http.ts";
import { type ChatChunk, type ChatRequest, type InstalledModel, type Provider, ProviderError } from "./provider.ts";
import { watchRequest } from "./watch.ts";

/** How to reach an Ollama server, and how long to wait for it. */
export interface OllamaOptions {
  /** The key under `providers:` in config.yaml. */
  readonly name: string;
  /**
   * The server's address, with `http://` and Ollama's port 11434 where it names neither. A user and password in it
   * are sent as basic authentication.
   */
  readonly url: string;
  /** Longest wait for the first token in milliseconds. Loading a large model can take a minute and more. */
  readonly firstTokenMs: number;
  /** Longest wait for each token after the first, in milliseconds. */
  readonly idleMs: number;
  readonly log: Logger;
}

/** An answer is ended at this many characters, its thinking included: a model that has run away never stops by itself. */
const MAX_ANSWER_CHARS = 262_144;
const CONNECT_MS = 10_000;
const LIST_MS = 10_000;

/**
 * A provider that runs models on an Ollama server, through its chat API. Thinking is not part of the answer, but counts
 * as life for the time limits. Ending a chat closes its connection, at which Ollama stops generating.
 *
 * @throws TypeError when `url` is none.
 */
export function createOllamaProvider(options: OllamaOptions): Provider {
  const { host, headers } = parseAddress(options.url);
  const log = options.log.child({ provider: options.name });
  // The time limits are the caller's alone: undici's own would cut off a model that loads for over 300 s.
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { timeout: CONNECT_MS } });

  async function* chat(request: ChatRequest): AsyncGenerator<ChatChunk> {
    const watch = watchRequest(request.signal);
    // A client of its own for each chat, since a client's requests can only be ended together.
    const client = new Ollama({ host, headers, fetch: ollamaFetch(dispatcher, watch.signal, checkChatStream) });
    const started = performance.now();
    let answer = false;
    let length = 0;
    try {
      const { pieces, first } = await watch.within(options.firstTokenMs, async () => {
        const stream = await client.chat({ ...toOllama(request), stream: true });
        const pieces = stream[Symbol.asyncIterator]();
        return { pieces, first: await pieces.next() };
      });
      log.debug({ model: request.model, ms: Math.round(performance.now() - started) }, "first token");

      for (let next = first; next.done !== true; next = await watch.within(options.idleMs, () => pieces.next())) {
        const piece = next.value;
        const text = piece.message.content;
        const { thinking = "" } = piece.message;
        if (thinking !== "") yield { kind: "thinking", text: thinking };
        if (text !== "") yield { kind: "text", text };
        answer ||= text.trim() !== "";
        length += text.length + thinking.length;

        const runaway = length >= MAX_ANSWER_CHARS;
        if (!piece.done && !runaway) continue;
        if (!answer) throw new ProviderError("empty", "the answer holds no text");
        const reason = runaway || piece.done_reason === "length" ? "length" : "stop";
        yield { kind: "done", reason, ...(piece.done ? countTokens(piece) : {}) };
        log.debug({ model: request.model, reason, ms: Math.round(performance.now() - started) }, "answered");
        return;
      }
    } catch (error) {
      throw watch.explain(error);
    } finally {
      watch.close();
    }
  }

  async function models(): Promise<readonly InstalledModel[]> {
    const watch = watchRequest(new AbortController().signal);
    const client = new Ollama({ host, headers, fetch: ollamaFetch(dispatcher, watch.signal, checkSize) });
    try {
      const list: unknown = await watch.within(LIST_MS, () => client.list());
      return parseModels(list);
    } catch (error) {
      throw watch.explain(error);
    } finally {
      watch.close();
    }
  }

  async function canSee(model: string): Promise<boolean> {
    const watch = watchRequest(new AbortController().signal);
    const client = new Ollama({ host, headers, fetch: ollamaFetch(dispatcher, watch.signal, checkSize) });
    try {
      // Older servers tell of no capabilities.
      const shown: { capabilities?: unknown } = await watch.within(LIST_MS, () => client.show({ model }));
      return Array.isArray(shown.capabilities) && shown.capabilities.includes("vision");
    } catch (error) {
      throw watch.explain(error);
    } finally {
      watch.close();
    }
  }

  return { name: options.name, chat, models, canSee };
}

/** Splits credentials from the address: `fetch` takes no URL that holds any. */
function parseAddress(url: string): { host: string; headers: Record<string, string> } {
  const explicit = url.includes("://");
  const { protocol, hostname, port, pathname, username, password } = new URL(explicit ? url : `http://${url}`);
  const defaultPort = explicit ? "" : "11434";
  const host = `${protocol}//${hostname}:${port || defaultPort}`.replace(/:$/, "") + pathname.replace(/\/$/, "");
  if (username === "") return { host, headers: {} };
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return { host, headers: { Authorization: `Basic ${credentials.toString("base64")}` } };
}

function toOllama(request: ChatRequest): {
  model: string;
  messages: { role: string; content: string; images?: string[] }[];
  options: { num_ctx: number; temperature?: number };
  keep_alive?: string | number;
} {
  const { model, messages, contextTokens, temperature, keepAlive } = request;
  return {
    model,
    messages: messages.map(({ role, content, images }) => ({
      role,
      content,
      ...(images === undefined ? {} : { images: images.map((image) => Buffer.from(image).toString("base64")) }),
    })),
    options: { num_ctx: contextTokens, ...(temperature === undefined ? {} : { temperature }) },
    // Ollama reads seconds from numbers only; a string needs a unit.
    ...(keepAlive === undefined ? {} : { keep_alive: /^-?\d+$/.test(keepAlive) ? Number(keepAlive) : keepAlive }),
  };
}

/** The server's own count; older servers leave the prompt's out when they had it cached. */
function countTokens(counts: {
  prompt_eval_count: unknown;
  eval_count: unknown;
}): { usage: { promptTokens: number; answerTokens: number } } | Record<string, never> {
  const { prompt_eval_count: promptTokens, eval_count: answerTokens } = counts;
  if (typeof promptTokens !== "number" || typeof answerTokens !== "number") return {};
  return { usage: { promptTokens, answerTokens } };
}

function parseModels(list: unknown): InstalledModel[] {
  const models = typeof list === "object" && list !== null && "models" in list ? list.models : undefined;
  if (!Array.isArray(models)) throw new ProviderError("malformed", "the list of models is none");
  return models.flatMap((model: unknown) => {
    if (typeof model === "object" && model !== null && "name" in model && typeof model.name === "string") {
      return runsHere(model) && canChat(model) ? [{ name: model.name }] : [];
    }
    throw new ProviderError("malformed", "a model in the list has no name");
  });
}

/** Ollama lists models of its cloud beside those of the machine; nobody's words go there because a model is listed. */
function runsHere(model: object): boolean {
  return !("remote_host" in model) || model.remote_host === "" || model.remote_host === null;
}

/** Models that only make embeddings are of the BERT family. */
function canChat(model: object): boolean {
  const details = "details" in model ? model.details : undefined;
  const family = typeof details === "object" && details !== null && "family" in details ? details.family : undefined;
  return typeof family !== "string" || !family.endsWith("bert");
}
