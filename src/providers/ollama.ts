import { Ollama } from "ollama";
import type { Locality } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import { connectionsTo } from "./connection.ts";
import { checkSize, type BodyCheck } from "./http.ts";
import { Line } from "./line.ts";
import { listedModels, type ListedModel } from "./listed-models.ts";
import { cloudByName } from "./ollama-cloud.ts";
import { factsShown } from "./ollama-facts.ts";
import { checkChatStream, checkPull, ollamaFetch, UnknownRequest } from "./ollama-http.ts";
import { piecesOf, toOllama } from "./ollama-chat.ts";
import { RefusedParameters } from "./parameters.ts";
import {
  type ChatChunk,
  type ChatRequest,
  type Installer,
  type ModelFacts,
  ProviderError,
  type PullProgress,
} from "./provider.ts";
import { watchRequest } from "./watch.ts";
import { askOnce, streamAnswer, type Piece, type StreamLimits } from "./stream.ts";

/** The address of an Ollama server, and the time limits. */
export interface OllamaOptions extends StreamLimits {
  /** The key under `providers:` in config.yaml. */
  readonly name: string;
  /**
   * The server's address; `http://` and Ollama's port 11434 are the defaults. A user and password in it are sent as
   * basic authentication.
   */
  readonly url: string;
  readonly locality: Locality;
  readonly log: Logger;
}

const LIST_MS = 10_000;

/** The longest silence of a server that installs a model: it verifies its files for a while. */
const PULL_IDLE_MS = 300_000;

/**
 * A provider for models on an Ollama server, through its chat API. Thinking is not part of the answer, but resets the
 * time limits. Ending a chat closes its connection, which makes Ollama stop generating.
 *
 * @throws TypeError when `url` is invalid.
 */
export function createOllamaProvider(options: OllamaOptions): Installer {
  const { host, headers } = parseAddress(options.url);
  const log = options.log.child({ provider: options.name });
  const dispatcher = connectionsTo();
  const line = new Line();
  const parameters = new RefusedParameters();

  // Each request has its own client, because one client's requests can only be ended together.
  const clientFor = (signal: AbortSignal, check: BodyCheck): Ollama =>
    new Ollama({ host, headers, fetch: ollamaFetch(dispatcher, signal, check) });

  function chat(request: ChatRequest): AsyncIterable<ChatChunk> {
    const begin = (ending: AbortSignal): AsyncIterable<Piece> =>
      parameters.asking(request.model, async function* (takes) {
        const by = `${options.name} ${request.model}`;
        const asked = toOllama(request, takes, by);
        const stream = await clientFor(ending, checkChatStream).chat({ ...asked, stream: true });
        yield* piecesOf(stream, by);
      });
    return streamAnswer(line, request, options, begin, log.child({ model: request.model }));
  }

  async function list(): Promise<readonly object[]> {
    return entriesOf(await askOnce(undefined, LIST_MS, (ending) => clientFor(ending, checkSize).list()));
  }

  async function shown(model: string): Promise<ModelFacts> {
    const cloud = cloudByName(model);
    // Ollama passes this request on, too.
    if (cloud !== undefined) return { sees: false, remoteHost: cloud };
    return factsShown(await askOnce(undefined, LIST_MS, (ending) => clientFor(ending, checkSize).show({ model })));
  }

  async function facts(model: string): Promise<ModelFacts> {
    try {
      return await shown(model);
    } catch (error) {
      if (!(error instanceof UnknownRequest)) throw error;
      return factsListed(model, await list());
    }
  }

  /**
   * Undefined where the server does not say where its models run: it has no `/api/show`, and its list names no host.
   */
  async function placeFacts(model: string): Promise<ModelFacts | undefined> {
    try {
      return await shown(model);
    } catch (error) {
      if (!(error instanceof UnknownRequest)) throw error;
      const told = factsListed(model, await list());
      return told.remoteHost === undefined ? undefined : told;
    }
  }

  async function saysWhere(): Promise<boolean> {
    const [first] = (await list()).map(listedOf);
    return typeof first?.name !== "string" || (await placeFacts(first.name)) !== undefined;
  }

  return {
    pull: (model, signal) => pullModel(clientFor, model, signal),
    name: options.name,
    host: new URL(host).host,
    locality: options.locality,
    relay: { facts: placeFacts, saysWhere },
    chat,
    models: async () => listedModels((await list()).filter(runsHere).map(listedOf)),
    facts: async (model) => parameters.factsOf(model, await facts(model)),
  };
}

/** Makes a server install a model. Throws ProviderError, or the signal's reason. */
async function* pullModel(
  clientFor: (signal: AbortSignal, check: BodyCheck) => Ollama,
  model: string,
  signal: AbortSignal,
): AsyncGenerator<PullProgress> {
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

/** Splits credentials from the address: `fetch` refuses a URL with any. */
function parseAddress(url: string): { host: string; headers: Record<string, string> } {
  const explicit = url.includes("://");
  const { protocol, hostname, port, pathname, username, password } = new URL(explicit ? url : `http://${url}`);
  const defaultPort = explicit ? "" : "11434";
  const host = `${protocol}//${hostname}:${port || defaultPort}`.replace(/:$/, "") + pathname.replace(/\/$/, "");
  if (username === "") return { host, headers: {} };
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return { host, headers: { Authorization: `Basic ${credentials.toString("base64")}` } };
}

/** The facts in the list of models, for a server without `/api/show`, such as KoboldCpp. */
function factsListed(model: string, list: readonly object[]): ModelFacts {
  const isIt = (entry: object): boolean =>
    "name" in entry && (entry.name === model || entry.name === `${model}:latest`);
  const entry = list.find(isIt);
  // Nothing is known about the place of an unlisted model.
  if (entry === undefined) throw new ProviderError("model_missing", "the server does not list the model");
  return factsShown(entry);
}

function entriesOf(list: unknown): object[] {
  const models = typeof list === "object" && list !== null && "models" in list ? list.models : undefined;
  if (!Array.isArray(models)) throw new ProviderError("malformed", "the answer is no list of models");
  return models.map((model: unknown) => (typeof model === "object" && model !== null ? model : {}));
}

/** Older versions list no capabilities; there, models that only make embeddings belong to the BERT family. */
function listedOf(model: object): ListedModel {
  const { name, capabilities, details } = model as { name?: unknown; capabilities?: unknown; details?: unknown };
  const family = typeof details === "object" && details !== null && "family" in details ? details.family : undefined;
  const isBert = typeof family === "string" && family.endsWith("bert");
  return { name, capabilities, ...(isBert ? { type: "embedding" } : {}) };
}

/**
 * Whether a listed model runs on the machine. Ollama also lists models of its cloud, and a listing must not send
 * anybody's messages there.
 */
function runsHere(model: object): boolean {
  if ("name" in model && typeof model.name === "string" && cloudByName(model.name) !== undefined) return false;
  return !("remote_host" in model) || model.remote_host === "" || model.remote_host === null;
}
