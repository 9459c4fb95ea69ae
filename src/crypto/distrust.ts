import type { TrustLevel } from "../config/config.ts";
import type { Distrust } from "../permissions/trust.ts";
import type { Shield } from "./shield.ts";

/**
 * Why a message is not to be acted on; undefined when it is.
 *
 * @param shield What a strict client would show beside it.
 * @param trusted The level that its sender has to reach.
 * @param isIdentityNew Whether the sender's identity is another one than was seen first.
 */
export function distrust(
  shield: Shield | undefined,
  trusted: TrustLevel,
  isIdentityNew: boolean,
): Distrust | undefined {
  if (trusted === "unverified") return undefined;
  if (shield === "verification_violation") return "verified_identity_changed";
  if (shield === "unsigned_device" || shield === "unknown_device") return "unsigned_device";
  if (trusted === "cross-signed-tofu" && isIdentityNew) return "identity_changed";
  // A key that came from the backup says nothing of its device; only who wants every device vouched for minds.
  if (trusted === "cross-signed-verified" && shield !== undefined) return "unverified_identity";
  return undefined;
}
