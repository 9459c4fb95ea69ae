/** The quickstart cannot go on. The message tells the person who ran it the fault and the remedy. */
export class QuickstartError extends Error {
  override readonly name: string = "QuickstartError";
}

/** The command line was not understood. */
export class UsageError extends QuickstartError {
  override readonly name = "UsageError";
}
