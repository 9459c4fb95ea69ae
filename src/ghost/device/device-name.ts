import { putDevice } from "../../homeserver/device-calls.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import { isRefusal } from "../../homeserver/errors.ts";
import { devices } from "../../homeserver/key-backup-calls.ts";
import type { Logger } from "../../observability/log.ts";

/** The former name of all ghosts' devices, which now stands behind the agent's name. */
const PRODUCT = "matrix-appservice-agents";

/** The longest name of a device that Synapse accepts, in characters. */
const LONGEST = 100;

/** The name of a ghost's device in people's clients, where they verify it. */
export function deviceNameOf(displayName: string | undefined): string {
  if (displayName === undefined) return PRODUCT;
  const name = displayName.slice(0, LONGEST - PRODUCT.length - 3).toWellFormed();
  return `${name} (${PRODUCT})`;
}

/** Whether {@link deviceNameOf} gave a device this name, for any agent; people's own names are different. */
export function isDeviceName(name: string | undefined): boolean {
  return name === PRODUCT || name?.endsWith(` (${PRODUCT})`) === true;
}

/**
 * Names a ghost's device after the ghost, unless somebody gave it another name. A device missing on the server is not
 * made again, because it would lack its keys. Throws HomeserverError when the server can't be asked; a refusal must not
 * silence the ghost.
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
