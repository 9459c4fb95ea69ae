import { putDevice } from "../../homeserver/device-calls.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import { isRefusal } from "../../homeserver/errors.ts";
import { devices } from "../../homeserver/key-backup-calls.ts";
import type { Logger } from "../../observability/log.ts";

/** What all devices of ghosts were called once, and what stands behind the agent's name in those of today. */
const PRODUCT = "matrix-appservice-agents";

/** Synapse takes no longer name of a device, in characters. */
const LONGEST = 100;

/** What the device of a ghost is called in people's clients, where they verify it. */
export function deviceNameOf(displayName: string | undefined): string {
  if (displayName === undefined) return PRODUCT;
  const name = displayName.slice(0, LONGEST - PRODUCT.length - 3).toWellFormed();
  return `${name} (${PRODUCT})`;
}

/** Whether a device's name is one that {@link deviceNameOf} gives, to whichever agent; people's own are not. */
export function isDeviceName(name: string | undefined): boolean {
  return name === PRODUCT || name?.endsWith(` (${PRODUCT})`) === true;
}

/**
 * Calls a ghost's device as the ghost is called now, unless somebody gave it a name of their own. One that is gone from the
 * server is not made again: it would be there without its keys. Throws HomeserverError when the server can't be asked; its
 * refusal is no reason to be silent.
 */
export async function renameDevice(
  client: HomeserverClient,
  { userId, deviceId }: { readonly userId: string; readonly deviceId: string },
  { displayName }: { readonly displayName: string },
  log: Logger,
): Promise<void> {
  const name = deviceNameOf(displayName);
  try {
    const found = (await devices(client, { userId })).find((device) => device.deviceId === deviceId);
    if (found === undefined || found.displayName === name || !isDeviceName(found.displayName)) return;
    await putDevice(client, { userId, deviceId }, name);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    log.warn({ error }, "the homeserver refuses the name of this ghost's device");
  }
}
