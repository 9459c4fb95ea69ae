import type { JsonObject } from "../matrix/json.ts";

/** The most devices of one person that an agent knows. People have a handful; nobody reads on five hundred. */
export const MAX_DEVICES = 500;

/** The most keys of an identity that are considered as signers of its devices. */
const MAX_SIGNERS = 2;

interface DeviceKeys {
  readonly signatures?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface Answer {
  readonly device_keys?: Readonly<Record<string, Readonly<Record<string, DeviceKeys | null>>>> | null;
  readonly self_signing_keys?: Readonly<Record<string, { readonly keys?: Readonly<Record<string, string>> } | null>>;
}

/**
 * Cuts an answer to `/keys/query` to {@link MAX_DEVICES} devices of each person: the engine checks each device's
 * signatures at once, keeps the device, and encrypts for it. Devices that seem to be signed by their owner come first,
 * then the lower ids, so that each call chooses the same ones. Any other answer is returned as it is.
 *
 * @param ownUserId the agent's user id: all of its own devices stay.
 */
export function boundedKeys(answer: JsonObject, ownUserId: string): JsonObject {
  const { device_keys: devicesOf, self_signing_keys: signing } = answer as Answer;
  if (typeof devicesOf !== "object" || devicesOf === null) return answer;
  const isTooMany = ([userId, devices]: [string, object]): boolean =>
    userId !== ownUserId && Object.keys(devices).length > MAX_DEVICES;
  if (!Object.entries(devicesOf).some(isTooMany)) return answer;
  const bounded = Object.entries(devicesOf).map(([userId, devices]) => {
    if (!isTooMany([userId, devices])) return [userId, devices] as const;
    // The spec ("Cross-signing key") allows one. Anything that a server adds is ignored.
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
