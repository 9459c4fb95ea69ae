import type { Metrics } from "../observability/metrics.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { FairQueue, type Release } from "../concurrency/fair-queue.ts";
import type { ProviderFailure } from "../language/failures.ts";
import { type ChatChunk, type ChatRequest, type Provider, ProviderError } from "./provider.ts";

/** Failures that show a server in trouble, whatever the request was. */
const TROUBLE: ReadonlySet<ProviderFailure> = new Set(["unreachable", "timeout", "cut_off", "busy", "malformed"]);

/**
 * A provider with limits to the parallel requests, for all its models and for each. The limit is fair among people, and
 * repeated failures cause a pause. Waiting for a place does not count as waiting for the model.
 */
export function governed(
  provider: Provider,
  { maxConcurrent, numParallel }: { readonly maxConcurrent: number; readonly numParallel?: number },
  metrics?: Metrics,
): Provider {
  const queue = new FairQueue(maxConcurrent);
  const queues = new Map<string, FairQueue>();
  const breaker = new CircuitBreaker();

  /** A request that waits for its model holds no place that another model could use. */
  async function enter({ model, asker, signal }: ChatRequest): Promise<Release> {
    if (numParallel === undefined) return queue.enter(asker, signal);
    const ofModel = queues.get(model) ?? new FairQueue(numParallel);
    queues.set(model, ofModel);
    const leave = await ofModel.enter(asker, signal);
    try {
      const release = await queue.enter(asker, signal);
      return () => {
        release();
        leave();
      };
    } catch (error) {
      leave();
      throw error;
    }
  }

  async function* chat(request: ChatRequest): AsyncGenerator<ChatChunk> {
    const release = await enter(request);
    try {
      if (!breaker.mayPass()) {
        metrics?.providerRequests.inc({ provider: provider.name, kind: "chat", outcome: "paused" });
        throw new ProviderError("unreachable", "it failed repeatedly, and is paused");
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
        // The caller has stopped listening.
        if (!isOver) breaker.ended();
      }
    } finally {
      release();
    }
  }

  const waiting = (): number => [queue, ...queues.values()].reduce((sum, { length }) => sum + length, 0);

  return { ...provider, chat, load: () => ({ waiting: waiting(), paused: breaker.paused }) };
}
