import { QuickstartError } from "./errors.ts";

export interface HappeningOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The words for the event that did not come about in time. */
  readonly late: () => string;
}

/**
 * Resolves with the value that `listen` hands to `done`; whenever it calls `goOn`, the time begins anew. Rejects with
 * {@link QuickstartError} when the time is over, and with the signal's reason when it aborts. The function that
 * `listen` returns undoes it; it is called in every case.
 */
export async function happening<T>(
  { timeoutMs, signal, late }: HappeningOptions,
  listen: (done: (value: T) => void, goOn: () => void) => () => unknown,
): Promise<T> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => {
    reject(new QuickstartError(`${late()} within ${timeoutMs / 1000} s`));
  }, timeoutMs);
  const abort = (): void => {
    reject(signal.reason as Error);
  };
  signal.addEventListener("abort", abort);
  const unlisten = listen(resolve, () => timer.refresh());
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    unlisten();
  }
}
