import type { TrustLevel } from "../config/config.ts";
import type { Distrust } from "../permissions/trust.ts";
import type { Shield } from "./shield.ts";

/**
 * The reason for not acting on a message; undefined when there is none.
 *
 * @param shield The warning that a strict client would show.
 * @param trusted The level that the sender must reach.
 * @param isIdentityNew Whether the sender's identity differs from the first one that was seen.
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
  // A key from the backup says nothing about its device. That matters only at the strictest level.
  if (trusted === "cross-signed-verified" && shield !== undefined) return "unverified_identity";
  return undefined;
}
