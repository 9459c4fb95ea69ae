import { Ollama } from "ollama";
import type { Dispatcher } from "undici";
import { checkJson, providerFetch } from "./http.ts";
import { cloudByName } from "./ollama-cloud.ts";
import { factsShown } from "./ollama-facts.ts";
import { explain, UNKNOWN_REQUEST, UnknownRequest } from "./ollama-http.ts";
import type { ProviderFailure } from "../language/failures.ts";
import { type ModelFacts, ProviderError, type Relay } from "./provider.ts";
import { askOnce } from "./stream.ts";

const ASK_MS = 10_000;

/** The time for which an address counts as an Ollama, or as none, in ms. */
const KEPT_MS = 300_000;

/** Failures that say nothing about the kind of the server. */
const SILENCE: ReadonlySet<ProviderFailure> = new Set(["unreachable", "timeout", "cut_off", "busy", "cancelled"]);

/**
 * The facts of an Ollama that is reached by OpenAI's or Anthropic's protocol, which can't express them: Ollama passes
 * some models on to a cloud, at any address. Another server gives no facts.
 */
export function ollamaBehind(at: {
  /** The address for the other protocol, `http://127.0.0.1:11434/v1` for OpenAI's. */
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly dispatcher: Dispatcher;
}): Relay {
  const host = at.url.replace(/\/+$/, "").replace(/\/v1$/, "");
  const headers: Record<string, string> = at.apiKey === undefined ? {} : { Authorization: `Bearer ${at.apiKey}` };
  const clientFor = (signal: AbortSignal): Ollama =>
    new Ollama({
      host,
      headers,
      fetch: providerFetch({ dispatcher: at.dispatcher, signal, check: checkJson, explain: explainProbe }),
    });
  /** Whether it has shown a model before: then it is an Ollama, whatever it answers later. */
  let hasShown = false;
  let known: { readonly isOllama: boolean; readonly until: number } | undefined;

  function keep(isOllama: boolean): boolean {
    known = { isOllama, until: performance.now() + KEPT_MS };
    return isOllama;
  }

  async function isOllama(): Promise<boolean> {
    // Other answers in between, from the server or its proxy, change nothing.
    if (hasShown) return true;
    if (known !== undefined && performance.now() < known.until) return known.isOllama;
    try {
      const told: unknown = await askOnce(undefined, ASK_MS, (ending) => clientFor(ending).version());
      return keep(typeof (told as { version?: unknown } | null)?.version === "string");
    } catch (error) {
      if (error instanceof ProviderError && SILENCE.has(error.code)) throw error;
      return keep(false);
    }
  }

  async function facts(model: string): Promise<ModelFacts | undefined> {
    const cloud = cloudByName(model);
    // The name decides for any kind of server: Ollama would pass this request on, too.
    if (cloud !== undefined) return { sees: false, remoteHost: cloud };
    if (!(await isOllama())) return undefined;
    try {
      const shown = factsShown(await askOnce(undefined, ASK_MS, (ending) => clientFor(ending).show({ model })));
      hasShown = true;
      return shown;
    } catch (error) {
      if (!(error instanceof UnknownRequest) || hasShown) throw error;
      keep(false);
      return undefined;
    }
  }

  return { facts, saysWhere: isOllama };
}

function explainProbe(status: number, body: unknown): ProviderError | undefined {
  // The answer of a server in trouble, or of its proxy, proves nothing.
  const isTrouble = status === 408 || status === 429 || (status >= 500 && !UNKNOWN_REQUEST.has(status));
  if (isTrouble) return new ProviderError("busy", `HTTP ${status}`);
  return explain(status, body);
}
