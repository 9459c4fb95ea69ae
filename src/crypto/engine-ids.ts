import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";

/**
 * Whether the engine accepts this as a user id. The engine throws over a NUL and over an invalid server name, and reads
 * half a character as another one; homeservers pass on such ids from other servers.
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

/** User ids as the engine's type; invalid ones are left out. Each call needs new objects: the engine consumes them. */
export function userIds(ids: readonly string[]): engine.UserId[] {
  return ids.filter(isUserId).map((id) => new engine.UserId(id));
}
