/** What is kept of a ghost's device, as the columns of `ghosts` have it. */
export interface DeviceRecord {
  readonly deviceId: string;
  /** The place in /sync. */
  readonly since: string | undefined;
  readonly deviceMade: boolean;
  readonly crossSigned: boolean;
  /** Whether the identity's secrets and the room keys are kept on the server, too. */
  readonly secured: boolean;
  /** Whether a new device is to be made. */
  readonly renew: boolean;
  /** Whether another identity is to be made with it. */
  readonly resetIdentity: boolean;
  /** The device that this one takes the place of, until it has done so. */
  readonly replaces: string | undefined;
  /** Whether the room keys of the backup are to be read in. */
  readonly restore: boolean;
  /** See store-marker.ts. */
  readonly marker: number;
}

/** Which device it is, and up to where it has read. */
export type DevicePlace = Pick<DeviceRecord, "deviceId" | "since">;

/** A device that is not signed by the ghost's identity yet. */
interface Unsigned extends DevicePlace, Pick<DeviceRecord, "replaces"> {
  /** Whether another identity is to be made in place of the one there is. */
  readonly resetIdentity: boolean;
  /** Whether the identity's secrets are kept on the server already: a device before this one has put them there. */
  readonly isIdentityKept: boolean;
  /** Whether the room keys of the backup are to be read in. */
  readonly restore: boolean;
}

/** A device that is signed by the ghost's identity. */
interface Signed extends DevicePlace, Pick<DeviceRecord, "replaces"> {
  /** Whether the room keys of the backup are to be read in. */
  readonly restore: boolean;
}

/** It has an id, and the server does not know it. */
export interface UnmadeDevice extends Unsigned {
  readonly kind: "unmade";
}

/** The server knows it; nobody's identity has signed it. */
export interface MadeDevice extends Unsigned {
  readonly kind: "made";
}

/** The ghost's identity has signed it; its keys are here alone. */
export interface SignedDevice extends Signed {
  readonly kind: "signed";
}

/** The identity's secrets are in secret storage on the server, and the room keys in the backup. */
export interface SecuredDevice extends Signed {
  readonly kind: "secured";
}

/** Somebody asked for another one, or its store went back in time. */
export interface OutdatedDevice extends DevicePlace {
  readonly kind: "to be replaced";
  /** Whether this device's store is the only place that has the identity's secrets. */
  readonly hasOnlyIdentity: boolean;
}

/** Nobody here has the secrets of the identity that should sign it. It stays so until somebody brings them. */
export interface OrphanedDevice {
  readonly kind: "orphaned";
}

/**
 * How far a ghost's device has come:
 *
 * ```
 * unmade ──▶ made ──▶ signed ──▶ secured          made ──▶ orphaned
 *    ▲         │         │          │
 *    └─────────┴── to be replaced ──┘
 * ```
 */
export type DeviceState = UnmadeDevice | MadeDevice | SignedDevice | SecuredDevice | OutdatedDevice;

/** How the signing of a device went: by an identity that was just made, by one that was there, or not at all. */
export type Signing = "new identity" | "restored identity" | "identity elsewhere";

/** The state that a record tells of. A device that the server does not know is never signed, whatever the record says. */
export function deviceStateOf(record: DeviceRecord): DeviceState {
  const { deviceId, since, replaces, restore, resetIdentity, secured: isIdentityKept } = record;
  if (record.renew) return outdated(record);
  const unsigned = { deviceId, since, replaces, restore, resetIdentity, isIdentityKept };
  if (!record.deviceMade) return { kind: "unmade", ...unsigned };
  if (!record.crossSigned) return { kind: "made", ...unsigned };
  return { kind: isIdentityKept ? "secured" : "signed", deviceId, since, replaces, restore };
}

/** The device of a record, when another one is to take its place. */
export function outdated({ deviceId, since, crossSigned, secured }: DeviceRecord): OutdatedDevice {
  return { kind: "to be replaced", deviceId, since, hasOnlyIdentity: crossSigned && !secured };
}

/** What a made device becomes by its signing. A new identity's secrets are nowhere else; one that was there brings its backup. */
export function afterSigning(device: MadeDevice, signing: Signing): SignedDevice | SecuredDevice | OrphanedDevice {
  const { deviceId, since, replaces, restore, isIdentityKept } = device;
  switch (signing) {
    case "identity elsewhere":
      return { kind: "orphaned" };
    case "new identity":
      return { kind: "signed", deviceId, since, replaces, restore };
    case "restored identity":
      return { kind: isIdentityKept ? "secured" : "signed", deviceId, since, replaces, restore: true };
  }
}
