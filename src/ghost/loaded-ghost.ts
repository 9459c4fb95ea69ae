import type { Device } from "../crypto/device.ts";
import type { Lease } from "../leases/leases.ts";
import type { GhostAccess } from "./device/device-access.ts";

/** A loaded ghost: its device, and the right to act as it. All are valid until it is unloaded. */
export interface LoadedGhost {
  /** Undefined where agents do not encrypt, or the homeserver gives them no devices. */
  readonly device: Device | undefined;
  readonly access: GhostAccess;
  readonly lease: Lease;
}

/** The ghost has no device: it can neither read nor write in encrypted rooms. */
class NoDevice extends Error {
  override readonly name = "NoDevice";

  constructor(userId: string) {
    super(`${userId} has no device, and so can't encrypt`);
  }
}

/** The device of a loaded ghost. Throws {@link NoDevice}. */
export function deviceOf({ device, lease }: LoadedGhost): Device {
  if (device === undefined) throw new NoDevice(lease.ghost);
  return device;
}
