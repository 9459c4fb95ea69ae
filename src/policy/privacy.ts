import type { CloudPolicy, Locality, PrivacyPolicy } from "../config/config.ts";

/** What the moderators of a room have decided; undefined: nothing yet. */
export type Consent = boolean | undefined;

/** What holds for a room. */
export function cloudPolicyIn(policy: PrivacyPolicy, roomId: string, isEncrypted: boolean): CloudPolicy {
  return policy.rooms.get(roomId) ?? (isEncrypted ? policy.encrypted : policy.cloud);
}

/**
 * Whether a request may be sent: `yes`; `ask` when the room's moderators have to say so first; `declined` when they have
 * said no; `denied` when the admin has. What stays in the network may always be.
 */
export function mayLeave(
  locality: Locality,
  policy: CloudPolicy,
  consent: Consent,
): "yes" | "ask" | "declined" | "denied" {
  if (locality === "local") return "yes";
  switch (policy) {
    case "deny":
      return "denied";
    case "allow":
      return consent === false ? "declined" : "yes";
    case "ask":
      return consent === undefined ? "ask" : consent ? "yes" : "declined";
  }
}
