import type { Device } from "../crypto/device.ts";
import type { Lease } from "../leases/leases.ts";

/** A ghost that is loaded: its device, and the right to act as it. Both are good until it is put away. */
export interface LoadedGhost {
  readonly device: Device;
  readonly lease: Lease;
}
