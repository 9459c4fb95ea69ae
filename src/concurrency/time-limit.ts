/** The time that some work may take. */
export interface TimeLimit {
  /** Aborted when the time is over, or together with the other signal. */
  readonly signal: AbortSignal;
  /** Whether the time is over. */
  readonly isOver: () => boolean;
  /** Ends the limit with its work: neither its timer nor its listener stays. */
  readonly end: () => void;
}

/**
 * Limits work that happens many times a second. `AbortSignal.any` and `AbortSignal.timeout` cost more than a small request
 * itself, and their timers stay until the whole time is over.
 *
 * @param ms the time, in milliseconds.
 * @param signal aborts the work earlier; the limit then has its reason.
 */
export function limitTime(ms: number, signal?: AbortSignal): TimeLimit {
  const ending = new AbortController();
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    ending.abort(new DOMException("the time is over", "TimeoutError"));
  }, ms);
  timer.unref();
  const stop = (): void => {
    ending.abort(signal?.reason);
  };
  if (signal?.aborted === true) stop();
  else signal?.addEventListener("abort", stop, { once: true });
  return {
    signal: ending.signal,
    isOver: () => isOver,
    end: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    },
  };
}
