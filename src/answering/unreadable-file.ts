import type { FileFailure } from "../language/failures.ts";

/** A file can't be read. People see the file's `name`. */
export class UnreadableFile extends Error {
  override readonly name = "UnreadableFile";
  readonly why: FileFailure;
  /** Whether the file only failed to come, and may come the next time. */
  readonly isPassing: boolean;

  constructor(
    why: FileFailure,
    { isPassing = false, ...options }: ErrorOptions & { readonly isPassing?: boolean } = {},
  ) {
    super(`a file can't be read: ${why}`, options);
    this.why = why;
    this.isPassing = isPassing;
  }
}
