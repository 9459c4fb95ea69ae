/**
 * An error that knows whether the same call may succeed later: the server, the database or the ghost's device is away.
 */
export interface Retryable {
  readonly retryable: boolean;
  /** The one who alone is concerned, such as a ghost; absent where all who need the same thing fail. */
  readonly subject?: string;
}

/**
 * Whether the same call may succeed later. False for an error that does not say so, and for anything that is no error.
 */
export function isRetryable(error: unknown): error is Error & Retryable {
  return error instanceof Error && "retryable" in error && error.retryable === true;
}
