import { createHmac, timingSafeEqual } from "node:crypto";
import { isSecret } from "../../sealing/secret.ts";

/**
 * The token that each form of a session carries: another site can send a form, but not read this one. It follows from the
 * session's secret, and does not reveal it.
 */
export function formTokenOf(session: string): string {
  return createHmac("sha256", session).update("form").digest("base64url");
}

/** Whether a form came with its session's token. */
export function isFormToken(presented: unknown, session: string): boolean {
  if (!isSecret(presented)) return false;
  return timingSafeEqual(Buffer.from(presented), Buffer.from(formTokenOf(session)));
}
