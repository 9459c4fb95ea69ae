import { ProviderError } from "./provider.ts";

/** One request to a provider, with one signal that ends it for any reason. */
export interface Watch {
  /** Aborted with a {@link ProviderError} as its reason. Pass it to the request. */
  readonly signal: AbortSignal;
  /**
   * Awaits `work`, and aborts the request as a `timeout` when that takes longer than `ms` milliseconds.
   *
   * @param countsFrom the start of the counted time, by `performance.now()`; asked when the time seems to be over.
   */
  within<T>(ms: number, work: () => Promise<T>, countsFrom?: () => number): Promise<T>;
  /** The true cause of a request's `error`: the reason of our own abort comes before its symptoms. */
  explain(error: unknown): ProviderError;
  /** Ends the request if it still runs. */
  close(): void;
}

/** Watches one request, which ends as `cancelled` when `caller` aborts. */
export function watchRequest(caller: AbortSignal): Watch {
  const controller = new AbortController();
  const cancel = (): void => controller.abort(new ProviderError("cancelled", "cancelled by the caller"));
  caller.addEventListener("abort", cancel, { once: true });
  if (caller.aborted) cancel();

  return {
    signal: controller.signal,
    async within(ms, work, countsFrom = () => -Infinity) {
      controller.signal.throwIfAborted();
      const end = (): void => {
        const left = countsFrom() + ms - performance.now();
        if (left >= 1) timer = setTimeout(end, left);
        else controller.abort(new ProviderError("timeout", `nothing came for ${ms} ms`));
      };
      let timer = setTimeout(end, ms);
      try {
        return await work();
      } finally {
        clearTimeout(timer);
      }
    },
    explain(error) {
      const cause: unknown = controller.signal.aborted ? controller.signal.reason : error;
      // Clients wrap the errors of their fetch.
      for (let inner = cause; inner instanceof Error; inner = inner.cause) {
        if (inner instanceof ProviderError) return inner;
      }
      return new ProviderError("malformed", "the provider's answer is unreadable", { cause });
    },
    close() {
      caller.removeEventListener("abort", cancel);
      controller.abort(new ProviderError("cancelled", "no longer wanted"));
    },
  };
}
