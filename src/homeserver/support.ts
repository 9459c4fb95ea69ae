import { MatrixError } from "./errors.ts";
import type { CallOptions, HomeserverClient } from "./client.ts";
import { deviceSeen, type Device } from "./device-calls.ts";

/** Whether we can act as an existing device. Changes nothing. Throws HomeserverError when the homeserver is away. */
export async function actsAsDevice(client: HomeserverClient, device: Device, options?: CallOptions): Promise<boolean> {
  try {
    return (await deviceSeen(client, device, options)) === device.deviceId;
  } catch (error) {
    if (!(error instanceof MatrixError) || error.retryable) throw error;
    return false;
  }
}
