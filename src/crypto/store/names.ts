/** The engine keeps a store in two IndexedDB databases, and appends these to the store's name. */
const SUFFIXES = ["::matrix-sdk-crypto-meta", "::matrix-sdk-crypto"] as const;

/** The permanent name of a device's store. A server name holds no slash, so no two devices share a name. */
export function storeName(ghost: string, deviceId: string): string {
  return `${ghost}/${deviceId}`;
}

/**
 * A store's databases: their names in the database (`stored`), and in memory (`inMemory`), where the engine opens them.
 */
export function databaseNames(
  store: string,
  session = store,
): { readonly stored: string; readonly inMemory: string }[] {
  return SUFFIXES.map((suffix) => ({ stored: store + suffix, inMemory: session + suffix }));
}
