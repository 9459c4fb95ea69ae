import type { Metrics } from "../observability/metrics.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { FairQueue } from "./fair-queue.ts";
import { type ChatChunk, type ChatRequest, type Provider, ProviderError, type ProviderFailure } from "./provider.ts";

/** Failures that say that a server is in trouble, whatever it is asked. */
const TROUBLE: ReadonlySet<ProviderFailure> = new Set(["unreachable", "timeout", "cut_off", "busy", "malformed"]);

/**
 * A provider with a limit to how much is asked of it at once, fair between people, and with a pause when it fails and fails
 * again. Waiting for a place does not count as waiting for the model.
 */
export function governed(
  provider: Provider,
  { maxConcurrent }: { readonly maxConcurrent: number },
  metrics?: Metrics,
): Provider {
  const queue = new FairQueue(maxConcurrent);
  const breaker = new CircuitBreaker();

  async function* chat(request: ChatRequest): AsyncGenerator<ChatChunk> {
    const release = await queue.enter(request.asker, request.signal);
    try {
      if (!breaker.mayPass()) {
        metrics?.providerRequests.inc({ provider: provider.name, kind: "chat", outcome: "paused" });
        throw new ProviderError("unreachable", "it failed again and again, and is given a pause");
      }
      let isOver = false;
      try {
        for await (const chunk of provider.chat(request)) {
          if (chunk.kind === "done") {
            breaker.succeeded();
            isOver = true;
          }
          yield chunk;
        }
      } catch (error) {
        isOver = true;
        const isTrouble = error instanceof ProviderError && TROUBLE.has(error.code) && !request.signal.aborted;
        if (isTrouble) breaker.failed();
        else if (error instanceof ProviderError && error.code !== "cancelled") breaker.succeeded();
        else breaker.ended();
        throw error;
      } finally {
        // Whoever asked has heard enough.
        if (!isOver) breaker.ended();
      }
    } finally {
      release();
    }
  }

  return { ...provider, chat, load: () => ({ waiting: queue.length, paused: breaker.paused }) };
}
