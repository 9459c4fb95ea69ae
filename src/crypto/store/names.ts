/** What the engine appends to a store's name for the two IndexedDB databases that make up a store. */
const SUFFIXES = ["::matrix-sdk-crypto-meta", "::matrix-sdk-crypto"] as const;

/** The lasting name of a device's store. A server name holds no slash, so no two devices share one. */
export function storeName(ghost: string, deviceId: string): string {
  return `${ghost}/${deviceId}`;
}

/** A store's databases: under `stored` they are kept, under `inMemory` the engine opens them. */
export function databaseNames(
  store: string,
  session = store,
): { readonly stored: string; readonly inMemory: string }[] {
  return SUFFIXES.map((suffix) => ({ stored: store + suffix, inMemory: session + suffix }));
}
