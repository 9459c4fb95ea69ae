import type { Device } from "../crypto/device.ts";
import type { Lease } from "../leases/leases.ts";

/** A loaded ghost: its device, and the right to act as it. Both are valid until it is unloaded. */
export interface LoadedGhost {
  readonly device: Device;
  readonly lease: Lease;
}
