/** The reason why a tool server gave no result. */
export type ToolFailureCode =
  /** It could not be started or reached. */
  | "unreachable"
  /** It, or the connection to it, ended while it was asked. */
  | "ended"
  | "timeout"
  /** It sent something that is no MCP. */
  | "malformed"
  /** It sent, or used, more than it may. */
  | "too_much"
  /** It answered with an error of the protocol, such as for a tool that it does not have. */
  | "refused"
  /** It asks for something in return, which nobody can give it. */
  | "wants_input"
  /** The person for whom it is called has to sign in to it, or to sign in again. */
  | "sign_in"
  /** The person has to agree to further rights at it. */
  | "needs_rights"
  /** Its authorisation server does not know the bridge by the configured name and secret: the admin has to correct them. */
  | "unknown_bridge"
  /** Nobody waits for the result any more. */
  | "cancelled";

/** A tool server's failure. `message` is for the log and holds none of its words. */
export class ToolFailure extends Error {
  override readonly name = "ToolFailure";
  readonly code: ToolFailureCode;
  /** Whether the call may have been carried out. */
  readonly mayBeDone: boolean;

  constructor(code: ToolFailureCode, message: string, options: { cause?: unknown; mayBeDone?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.mayBeDone = options.mayBeDone ?? false;
  }
}
