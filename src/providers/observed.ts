import type { Metrics } from "../observability/metrics.ts";
import { type ChatChunk, type ChatRequest, type Provider, ProviderError } from "./provider.ts";

/** A provider that counts and times its requests, without the wait for a place. */
export function observed(provider: Provider, metrics: Metrics): Provider {
  const { name } = provider;
  const count = (kind: string, outcome: string): void =>
    metrics.providerRequests.inc({ provider: name, kind, outcome });

  async function* chat(request: ChatRequest): AsyncGenerator<ChatChunk> {
    const started = performance.now();
    const seconds = (): number => (performance.now() - started) / 1000;
    let isFirst = true;
    // The default, for a caller that stops listening before the end.
    let outcome = "cancelled";
    try {
      for await (const chunk of provider.chat(request)) {
        if (isFirst) metrics.providerFirstToken.observe({ provider: name }, seconds());
        isFirst = false;
        if (chunk.kind === "done") {
          outcome = "answered";
          metrics.providerAnswer.observe({ provider: name }, seconds());
          metrics.providerTokens.inc({ provider: name, kind: "prompt" }, chunk.usage?.promptTokens ?? 0);
          metrics.providerTokens.inc({ provider: name, kind: "answer" }, chunk.usage?.answerTokens ?? 0);
        }
        yield chunk;
      }
    } catch (error) {
      outcome = outcomeOf(error);
      throw error;
    } finally {
      count("chat", outcome);
    }
  }

  async function once<T>(kind: string, work: Promise<T>): Promise<T> {
    try {
      const result = await work;
      count(kind, "answered");
      return result;
    } catch (error) {
      count(kind, outcomeOf(error));
      throw error;
    }
  }

  const draw = provider.draw?.bind(provider);
  const transcribe = provider.transcribe?.bind(provider);
  return {
    ...provider,
    chat,
    ...(draw && { draw: (request) => once("picture", draw(request)) }),
    ...(transcribe && { transcribe: (request) => once("recording", transcribe(request)) }),
  };
}

function outcomeOf(error: unknown): string {
  return error instanceof ProviderError ? error.code : "malformed";
}
