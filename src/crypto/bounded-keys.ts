import type { JsonObject } from "../matrix/json.ts";

/** So many devices of one person are known to an agent. People have a handful; nobody reads on five hundred. */
export const MAX_DEVICES = 500;

/** So many keys of an identity are looked at that may have signed its devices. */
const MAX_SIGNERS = 2;

interface DeviceKeys {
  readonly signatures?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface Answer {
  readonly device_keys?: Readonly<Record<string, Readonly<Record<string, DeviceKeys | null>>>> | null;
  readonly self_signing_keys?: Readonly<Record<string, { readonly keys?: Readonly<Record<string, string>> } | null>>;
}

/**
 * The answer to a `/keys/query` with no more than {@link MAX_DEVICES} devices of each person: the engine checks
 * each one's signatures at once, keeps each, and encrypts for each. Those that seem to be signed by their owner come first,
 * then those whose ids come first, so that the same are chosen each time. What is no such answer stays as it is.
 *
 * @param ownUserId the agent's: of its own devices none is left out.
 */
export function boundedKeys(answer: JsonObject, ownUserId: string): JsonObject {
  const { device_keys: devicesOf, self_signing_keys: signing } = answer as Answer;
  if (typeof devicesOf !== "object" || devicesOf === null) return answer;
  const isTooMany = ([userId, devices]: [string, object]): boolean =>
    userId !== ownUserId && Object.keys(devices).length > MAX_DEVICES;
  if (!Object.entries(devicesOf).some(isTooMany)) return answer;
  const bounded = Object.entries(devicesOf).map(([userId, devices]) => {
    if (!isTooMany([userId, devices])) return [userId, devices] as const;
    // There is one (spec "Cross-signing key"); what a server adds is not looked at.
    const signers = Object.keys(signing?.[userId]?.keys ?? {}).slice(0, MAX_SIGNERS);
    const isSigned = (keys: DeviceKeys | null): boolean =>
      signers.some((id) => keys?.signatures?.[userId]?.[id] !== undefined);
    const chosen = Object.entries(devices)
      .map(([id, keys]) => ({ id, keys, rank: isSigned(keys) ? 0 : 1 }))
      .sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1))
      .slice(0, MAX_DEVICES);
    return [userId, Object.fromEntries(chosen.map(({ id, keys }) => [id, keys]))] as const;
  });
  return { ...answer, device_keys: Object.fromEntries(bounded) };
}
