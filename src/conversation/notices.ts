import type { FailureWord, Words } from "../language/words.ts";
import type { Distrust } from "../policy/trust.ts";
import type { ProviderFailure } from "../providers/provider.ts";
import type { Unreadable } from "./reading.ts";

/**
 * Why a turn failed: a provider's reason, `gone` for an agent that is not there any more, `waited` for one that was too long in the queue, `full` for one that found too
 * many in it, or `unknown` for any other error.
 */
export type TurnFailure = ProviderFailure | Unreadable | Extract<FailureWord, "gone" | "waited" | "full" | "unknown">;

/**
 * What is said of a message whose key has not come. Asking a client for it does not help; sending the message again does.
 *
 * @param withheld The sender's client's own reason to keep the key back (spec "Reporting that decryption keys are
 * withheld"), if it gave one.
 */
export function describeMissingKey({ missingKey }: Words, agentName: string, withheld: string | undefined): string {
  switch (withheld) {
    case "m.unverified":
      return missingKey.unverified(agentName);
    case "m.blacklisted":
      return missingKey.blacklisted(agentName);
    case "m.no_olm":
    case "m.unavailable":
    case "m.unauthorised":
      return missingKey.unavailable(agentName);
    case undefined:
    default:
      return missingKey.other(agentName);
  }
}

/**
 * What is said to somebody whose device or identity is not trusted enough (MSC4153). It is readable on that device too.
 *
 * @param userId Who is meant.
 */
export function describeDistrust({ distrust }: Words, agentName: string, userId: string, why: Distrust): string {
  return distrust[why](agentName, userId);
}
