import type { User } from "./user.ts";

/** The parts of an answer to `POST /keys/query` that clients read. */
export interface QueriedKeys {
  readonly device_keys: Readonly<Record<string, Readonly<Record<string, SignedKeys>> | undefined>>;
  readonly self_signing_keys: Readonly<Record<string, SignedKeys | undefined>>;
  readonly master_keys: Readonly<Record<string, SignedKeys | undefined>>;
}

interface SignedKeys {
  readonly keys: Readonly<Record<string, string>>;
  readonly signatures: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly unsigned?: { readonly device_display_name?: string };
}

/** Queries users' devices like a client that does not know them yet. */
export function queryKeys(person: User, userIds: readonly string[]): Promise<QueriedKeys> {
  const device_keys = Object.fromEntries(userIds.map((userId) => [userId, []]));
  return person.request<QueriedKeys>("POST", "/v3/keys/query", { device_keys });
}

/** The ids of a user's devices, each with whether the owner's self-signing key has signed it. */
export function devicesIn(
  keys: QueriedKeys,
  userId: string,
): { readonly deviceId: string; readonly signed: boolean }[] {
  const [selfSigning = ""] = Object.keys(keys.self_signing_keys[userId]?.keys ?? {});
  return Object.entries(keys.device_keys[userId] ?? {}).map(([deviceId, { signatures }]) => ({
    deviceId,
    signed: signatures[userId]?.[selfSigning] !== undefined,
  }));
}

/**
 * Opens a direct chat by the rule of Element Web (`canEncryptToAllUsers`), gomuks and nheko: encrypted when every
 * invited user has a device, and permanently unencrypted when one has none.
 */
export async function openDirectChat(person: User, invite: string): Promise<{ roomId: string; encrypted: boolean }> {
  const encrypted = devicesIn(await queryKeys(person, [invite]), invite).length > 0;
  const roomId = await person.createRoom({ direct: true, encrypted, invite: [invite] });
  await person.waitMember(roomId, invite);
  return { roomId, encrypted };
}
