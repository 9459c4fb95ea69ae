/** The reason why somebody could not be signed in to a tool server. */
export type SignInFailureCode =
  /** The authorisation server, or the tool server, can't be reached, or has a fault. */
  | "away"
  /** Something leads to an address that the admin has not named. */
  | "leads_elsewhere"
  /** What the servers say of themselves does not fit OAuth 2.1, or the configuration. */
  | "unfit"
  /** The bridge is not known to the authorisation server, and can't register itself. */
  | "needs_client"
  /** The person, or the authorisation server, has said no. */
  | "denied"
  /** The authorisation server did not take what the bridge sent it. */
  | "refused"
  /** The answer is that of another authorisation server (RFC 9207). */
  | "other_issuer"
  /** There is no such sign-in under way: it is used, too old, or another's. */
  | "unknown"
  /** What came back is no address with a code. */
  | "no_address";

/** Somebody could not be signed in. `message` is for the log, and holds none of the servers' words. */
export class SignInFailure extends Error {
  override readonly name = "SignInFailure";
  readonly code: SignInFailureCode;

  constructor(code: SignInFailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
