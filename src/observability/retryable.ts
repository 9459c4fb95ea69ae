/** An error that says itself whether the same may work later: the server, the database or the ghost's device is away. */
export interface Retryable {
  readonly retryable: boolean;
}

/** Whether the same may work later. Of an error that does not say so, and of what is no error, it will not. */
export function isRetryable(error: unknown): error is Error & Retryable {
  return error instanceof Error && "retryable" in error && error.retryable === true;
}
