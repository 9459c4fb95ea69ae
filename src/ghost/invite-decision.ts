import type { EncryptionMode } from "../config/config.ts";
import type { Decision, Refusal } from "../permissions/decisions.ts";
import { mayTalkIn } from "../permissions/encryption-mode.ts";

/** The known facts about an invite. */
export interface KnownInvite {
  /** Whether the inviter may bring the ghost. */
  readonly permission: Decision;
  /** Whether the room is a ban list that the bridge follows. */
  readonly isBanList: boolean;
  /** Whether the room is a space, in which nobody talks. */
  readonly isSpace: boolean;
  /** Undefined where the invite does not say. */
  readonly isEncrypted: boolean | undefined;
  /** The rooms in which agents talk. */
  readonly mode: EncryptionMode;
  /** Whether the ghost has a device. */
  readonly canEncrypt: boolean;
}

export type InviteDecision =
  /** The ghost joins; with `counts` the invite counts against the inviter's quota. */
  | { readonly kind: "accept"; readonly counts: boolean }
  /** The inviter may not bring it. */
  | { readonly kind: "not_permitted"; readonly reason: Refusal }
  /** Agents don't talk in rooms of this encryption. */
  | { readonly kind: "wrong_encryption" }
  /** The room is encrypted, and the ghost has no device. */
  | { readonly kind: "no_device" };

/** The decision about an invite. */
export function decideInvite({
  permission,
  isBanList,
  isSpace,
  isEncrypted,
  mode,
  canEncrypt,
}: KnownInvite): InviteDecision {
  if (!permission.allowed) return { kind: "not_permitted", reason: permission.reason };
  if (isBanList) return { kind: "accept", counts: false };
  if (!isSpace && isEncrypted !== undefined && !mayTalkIn(mode, isEncrypted)) {
    return { kind: "wrong_encryption" };
  }
  if (!isSpace && isEncrypted === true && !canEncrypt) return { kind: "no_device" };
  return { kind: "accept", counts: true };
}
