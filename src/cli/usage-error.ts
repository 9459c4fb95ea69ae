import { OperatorError } from "../observability/operator-error.ts";

/** The command line itself is wrong. */
export class UsageError extends OperatorError<"UsageError"> {
  override readonly name = "UsageError";
}
