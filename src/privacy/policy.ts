import type { CloudPolicy, Locality, PrivacyPolicy } from "../config/config.ts";

/** The decision of a room's moderators; undefined: none yet. */
export type Consent = boolean | undefined;

/** A decision of a room's moderators, as it was given. */
export interface GivenConsent {
  readonly granted: boolean;
  /** Whether it came encrypted, so that no homeserver can have forged it. */
  readonly encrypted: boolean;
}

/**
 * The effect of a decision in the room's present state. An unencrypted consent counts only for an unencrypted room:
 * once the room is encrypted, the agent asks again. A refusal always counts.
 */
export function countedIn(isEncrypted: boolean, given: GivenConsent | undefined): Consent {
  return given?.granted === true && isEncrypted && !given.encrypted ? undefined : given?.granted;
}

/** The admin's rule for a room: one for that room alone, the rule for encrypted rooms, or the rule for the others. */
export function cloudRuleIn(
  policy: PrivacyPolicy,
  roomId: string,
  isEncrypted: boolean,
): "room" | "encrypted" | "others" {
  if (policy.rooms.has(roomId)) return "room";
  return isEncrypted ? "encrypted" : "others";
}

/** The rooms from which messages may leave, apart from rooms with a rule of their own. */
export function cloudReach({ encrypted, cloud }: PrivacyPolicy): "everywhere" | "unencrypted" | "nowhere" {
  if (encrypted !== "deny") return "everywhere";
  return cloud === "deny" ? "nowhere" : "unencrypted";
}

/** The admin's policy for a room. */
export function cloudPolicyIn(policy: PrivacyPolicy, roomId: string, isEncrypted: boolean): CloudPolicy {
  return policy.rooms.get(roomId) ?? (isEncrypted ? policy.encrypted : policy.cloud);
}

/**
 * Whether a request may be sent: `yes`; `ask` when the room's moderators must agree first; `declined` when they
 * refused; `denied` when the admin refused. A request inside the network is always allowed.
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
