/** The quickstart cannot go on. The message is for the person who ran it: what is wrong and what to do. */
export class QuickstartError extends Error {
  override readonly name: string = "QuickstartError";
}

/** The command line was not understood. */
export class UsageError extends QuickstartError {
  override readonly name = "UsageError";
}
