import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";

/**
 * Whether the engine takes this as a user id. It throws over a NUL and over a server name that is none, and reads half a
 * character as another one; homeservers pass such ids on from other servers.
 */
export function isUserId(id: unknown): id is string {
  if (typeof id !== "string" || !id.isWellFormed()) return false;
  try {
    new engine.UserId(id).free();
    return true;
  } catch {
    return false;
  }
}

/** Users as the engine wants them, those without whose id is none. Made anew for every call: the engine takes them away. */
export function userIds(ids: readonly string[]): engine.UserId[] {
  return ids.filter(isUserId).map((id) => new engine.UserId(id));
}
