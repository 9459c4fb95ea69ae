import type { EncryptionMode } from "../config/config.ts";
import type { Decision, Refusal } from "../permissions/decisions.ts";
import { mayTalkIn } from "../permissions/invites.ts";

/** What is known of an invite when it is answered. */
export interface KnownInvite {
  /** Whether the inviter may have the ghost come. */
  readonly permission: Decision;
  /** Whether the room is a ban list that the bridge follows. */
  readonly isBanList: boolean;
  /** Whether the room is a space, where nobody talks. */
  readonly isSpace: boolean;
  /** Undefined where the invite does not say. */
  readonly isEncrypted: boolean | undefined;
  /** In which rooms agents talk. */
  readonly mode: EncryptionMode;
}

export type InviteDecision =
  /** The ghost joins; the invite counts against the inviter's quota where `counts`. */
  | { readonly kind: "accept"; readonly counts: boolean }
  /** The inviter may not have it come. */
  | { readonly kind: "not_permitted"; readonly reason: Refusal }
  /** Agents don't talk in rooms that are encrypted so. */
  | { readonly kind: "wrong_encryption" };

/** What a ghost does with an invite. */
export function decideInvite({ permission, isBanList, isSpace, isEncrypted, mode }: KnownInvite): InviteDecision {
  if (!permission.allowed) return { kind: "not_permitted", reason: permission.reason };
  if (isBanList) return { kind: "accept", counts: false };
  if (!isSpace && isEncrypted !== undefined && !mayTalkIn(mode, isEncrypted)) {
    return { kind: "wrong_encryption" };
  }
  return { kind: "accept", counts: true };
}
