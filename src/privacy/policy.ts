import type { CloudPolicy, Locality, PrivacyPolicy } from "../config/config.ts";

/** What the moderators of a room have decided; undefined: nothing yet. */
export type Consent = boolean | undefined;

/** A decision of a room's moderators, as it was given. */
export interface GivenConsent {
  readonly granted: boolean;
  /** Whether it was said in encrypted words, so that no homeserver can have made it up. */
  readonly encrypted: boolean;
}

/**
 * What a decision counts for in a room as that is now. What was agreed to in clear counts in clear: once the room is encrypted,
 * it is asked anew. A refusal counts however it came.
 */
export function countedIn(isEncrypted: boolean, given: GivenConsent | undefined): Consent {
  return given?.granted === true && isEncrypted && !given.encrypted ? undefined : given?.granted;
}

/** Which of the admin's decisions holds for a room: one for it alone, that for encrypted rooms, or that for the others. */
export function cloudRuleIn(
  policy: PrivacyPolicy,
  roomId: string,
  isEncrypted: boolean,
): "room" | "encrypted" | "others" {
  if (policy.rooms.has(roomId)) return "room";
  return isEncrypted ? "encrypted" : "others";
}

/** Where what is said may leave at all, as far as no room is excepted. */
export function cloudReach({ encrypted, cloud }: PrivacyPolicy): "everywhere" | "unencrypted" | "nowhere" {
  if (encrypted !== "deny") return "everywhere";
  return cloud === "deny" ? "nowhere" : "unencrypted";
}

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
