import { asObject } from "./answer.ts";
import type { CallOptions, HomeserverClient } from "./client.ts";
import { deleteDevice, putDevice } from "./device-calls.ts";
import { MatrixError } from "./errors.ts";

/** A device that is made and removed again, to test whether that works. */
const PROBE = "SUPPORTCHECK";

/**
 * The features that encryption needs and the homeserver lacks: making devices for our users (MSC4190), and acting as a
 * device (MSC4326). `/versions` reports neither, so both are tested. Returns a sentence for each missing feature, with
 * the remedy. Throws HomeserverError when the homeserver is away.
 *
 * @param userId an existing user of ours.
 */
export async function missingSupport(
  client: HomeserverClient,
  userId: string,
  options?: CallOptions,
): Promise<readonly string[]> {
  const probe = { userId, deviceId: PROBE };
  try {
    await putDevice(client, probe, "support check", options);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return [
      "The homeserver does not let application services make devices (MSC4190), without which agents can't encrypt. Update Synapse to 1.141 or later; in one before that, add `io.element.msc4190: true` to the registration and `experimental_features: { msc4190_enabled: true }` to homeserver.yaml, and restart it.",
    ];
  }
  try {
    if (await actsAsDevice(client, probe, options)) return [];
  } finally {
    await deleteDevice(client, probe, options).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
    });
  }
  return [CANT_ACT_AS_DEVICE];
}

/** The homeserver lacks MSC4326, with the remedy. */
export const CANT_ACT_AS_DEVICE =
  "The homeserver does not let application services act as a device (MSC4326), without which agents can't encrypt. Update Synapse to 1.141 or later.";

/** Whether we can act as an existing device. Changes nothing. Throws HomeserverError when the homeserver is away. */
export async function actsAsDevice(
  client: HomeserverClient,
  actor: { readonly userId: string; readonly deviceId: string },
  options?: CallOptions,
): Promise<boolean> {
  try {
    const answer = await client.request({
      ...options,
      method: "GET",
      path: "/_matrix/client/v3/account/whoami",
      as: actor,
    });
    return asObject(answer, "GET whoami")["device_id"] === actor.deviceId;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return false;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof MatrixError && !error.retryable;
}
