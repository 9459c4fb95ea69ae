import type { Semaphore } from "../../concurrency/semaphore.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import { sync, type Device } from "../../homeserver/device-calls.ts";
import { isRetryable } from "../../observability/retryable.ts";
import type { Logger } from "../../observability/log.ts";

/** The one-time keys that the engine keeps on the server: with fewer it uploads more. */
const ALL_KEYS = 50;

/**
 * Whether the server has anything for a device that is not open: messages, changed device lists, or a lack of keys. One
 * call in place of the four of loading the ghost. It loses nothing: the stored position in /sync stays, so that the next
 * call gets the same again. Where the server can't be asked now the answer is no: the next round asks again, and one
 * follows its return. Where it refuses, the answer is yes, because loading handles that.
 *
 * @param since the stored position of the device.
 */
export async function hasUnread(
  { client, syncing }: { readonly client: HomeserverClient; readonly syncing: Semaphore },
  device: Device,
  since: string,
  log: Logger,
): Promise<boolean> {
  try {
    const { toDevice, changedUsers, leftUsers, keyCounts, unusedFallbackKeys } = await syncing.run(() =>
      sync(client, device, since),
    );
    const lacksKeys = (keyCounts["signed_curve25519"] ?? 0) < ALL_KEYS || unusedFallbackKeys?.length === 0;
    return lacksKeys || toDevice.length + changedUsers.length + leftUsers.length > 0;
  } catch (error) {
    log.debug({ error }, "the /sync of an unloaded device could not be read");
    return !isRetryable(error);
  }
}
