import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";

/** The warning that a client shows beside a message (spec "Recommended client behaviour" of cross-signing). */
export type Shield =
  | "authenticity_not_guaranteed"
  | "unknown_device"
  | "unsigned_device"
  | "unverified_identity"
  | "verification_violation"
  | "mismatched_sender";

/** The warning for a message, strictly: an unverified sender is one too. */
export function shieldOf(decrypted: engine.DecryptedRoomEvent): Shield | undefined {
  // In strict mode the engine reports an unsigned device, a changed identity and an unverified one alike.
  const code = decrypted.shieldState(false).code ?? decrypted.shieldState(true).code;
  return code === undefined ? undefined : SHIELDS[code];
}

const SHIELDS: Readonly<Record<engine.ShieldStateCode, Shield>> = {
  [engine.ShieldStateCode.AuthenticityNotGuaranteed]: "authenticity_not_guaranteed",
  [engine.ShieldStateCode.UnknownDevice]: "unknown_device",
  [engine.ShieldStateCode.UnsignedDevice]: "unsigned_device",
  [engine.ShieldStateCode.UnverifiedIdentity]: "unverified_identity",
  [engine.ShieldStateCode.VerificationViolation]: "verification_violation",
  [engine.ShieldStateCode.MismatchedSender]: "mismatched_sender",
};
