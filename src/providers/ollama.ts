import { Ollama } from "ollama";
import type { Locality } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import { connectionsTo } from "./connection.ts";
import { checkSize, type BodyCheck } from "./http.ts";
import { checkChatStream, checkPull, ollamaFetch } from "./ollama-http.ts";
import {
  type ChatChunk,
  type ChatRequest,
  type InstalledModel,
  type ModelFacts,
  type Provider,
  ProviderError,
  type PullProgress,
} from "./provider.ts";
import { watchRequest } from "./watch.ts";
import { askOnce, streamAnswer, type Piece, type StreamLimits } from "./stream.ts";

/** How to reach an Ollama server, and how long to wait for it. */
export interface OllamaOptions extends StreamLimits {
  /** The key under `providers:` in config.yaml. */
  readonly name: string;
  /**
   * The server's address, with `http://` and Ollama's port 11434 where it names neither. A user and password in it
   * are sent as basic authentication.
   */
  readonly url: string;
  readonly locality: Locality;
  readonly log: Logger;
}

const LIST_MS = 10_000;

/** Between two words of a server that fetches a model; it checks what it has for a while. */
const PULL_IDLE_MS = 300_000;

/**
 * A provider that runs models on an Ollama server, through its chat API. Thinking is not part of the answer, but counts
 * as life for the time limits. Ending a chat closes its connection, at which Ollama stops generating.
 *
 * @throws TypeError when `url` is none.
 */
export function createOllamaProvider(options: OllamaOptions): Provider {
  const { host, headers } = parseAddress(options.url);
  const log = options.log.child({ provider: options.name });
  const dispatcher = connectionsTo();

  // A client of its own for each request, since a client's requests can only be ended together.
  const clientFor = (signal: AbortSignal, check: BodyCheck): Ollama =>
    new Ollama({ host, headers, fetch: ollamaFetch(dispatcher, signal, check) });

  function chat(request: ChatRequest): AsyncIterable<ChatChunk> {
    const begin = async function* (ending: AbortSignal): AsyncGenerator<Piece> {
      const stream = await clientFor(ending, checkChatStream).chat({ ...toOllama(request), stream: true });
      for await (const piece of stream) {
        const { content: text, thinking = "" } = piece.message;
        const reason = piece.done_reason === "length" ? "length" : "stop";
        yield { text, thinking, ...(piece.done ? { end: { reason, ...countTokens(piece) } } : {}) };
      }
    };
    return streamAnswer(request.signal, options, begin, log.child({ model: request.model }));
  }

  async function models(): Promise<readonly InstalledModel[]> {
    const list: unknown = await askOnce(undefined, LIST_MS, (ending) => clientFor(ending, checkSize).list());
    return parseModels(list);
  }

  async function facts(model: string): Promise<ModelFacts> {
    const shown = await askOnce(undefined, LIST_MS, (ending) => clientFor(ending, checkSize).show({ model }));
    // Older servers tell of no capabilities.
    const {
      capabilities,
      model_info: info,
      remote_host: remote,
    } = shown as { capabilities?: unknown; model_info?: unknown; remote_host?: unknown };
    const sees = Array.isArray(capabilities) && capabilities.includes("vision");
    const known = new Map(typeof info === "object" && info !== null ? Object.entries(info) : []);
    const length: unknown = known.get(`${String(known.get("general.architecture"))}.context_length`);
    return {
      sees,
      ...(typeof length === "number" && length > 0 ? { contextTokens: length } : {}),
      ...(typeof remote === "string" && remote !== "" ? { remoteHost: hostOf(remote) } : {}),
    };
  }

  async function* pull(model: string, signal: AbortSignal): AsyncGenerator<PullProgress> {
    const watch = watchRequest(signal);
    try {
      const stream = await watch.within(PULL_IDLE_MS, () =>
        clientFor(watch.signal, checkPull).pull({ model, stream: true }),
      );
      const steps = stream[Symbol.asyncIterator]();
      for (;;) {
        const step = await watch.within(PULL_IDLE_MS, () => steps.next());
        if (step.done === true) return;
        const { status, completed, total } = step.value as Partial<PullProgress>;
        yield {
          status: typeof status === "string" ? status : "",
          ...(typeof completed === "number" ? { completed } : {}),
          ...(typeof total === "number" ? { total } : {}),
        };
      }
    } catch (error) {
      throw watch.explain(error);
    } finally {
      watch.close();
    }
  }

  return {
    pull,
    name: options.name,
    host: new URL(host).host,
    locality: options.locality,
    relays: true,
    chat,
    models,
    facts,
  };
}

/** The host of an address as Ollama tells it. */
function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host : address;
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
