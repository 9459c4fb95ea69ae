/** The stored facts about a ghost's device, as the columns of `ghosts`. */
export interface DeviceRecord {
  readonly deviceId: string;
  /** The position in /sync. */
  readonly since: string | undefined;
  readonly deviceMade: boolean;
  /** The device's own token, sealed; undefined where the bridge acts as the device by its id. */
  readonly accessToken: string | undefined;
  readonly crossSigned: boolean;
  /** Whether the identity's secrets and the room keys are also on the server. */
  readonly secured: boolean;
  /** Whether a new device is requested. */
  readonly renew: boolean;
  /** Whether another identity is requested with it. */
  readonly resetIdentity: boolean;
  /** The device that this one replaces, until it has done so. */
  readonly replaces: string | undefined;
  /** Whether the room keys of the backup must be read. */
  readonly restore: boolean;
  /** See store-marker.ts. */
  readonly marker: number;
}

/** The device, the token to act as it, and its position in /sync. */
export type DevicePlace = Pick<DeviceRecord, "deviceId" | "accessToken" | "since">;

/** A device that the ghost's identity has not signed yet. */
interface Unsigned extends DevicePlace, Pick<DeviceRecord, "replaces"> {
  /** Whether another identity must replace the present one. */
  readonly resetIdentity: boolean;
  /** Whether an earlier device has already put the identity's secrets on the server. */
  readonly isIdentityKept: boolean;
  /** Whether the room keys of the backup must be read. */
  readonly restore: boolean;
}

/** A device that the ghost's identity has signed. */
interface Signed extends DevicePlace, Pick<DeviceRecord, "replaces"> {
  /** Whether the room keys of the backup must be read. */
  readonly restore: boolean;
}

/** It has an id, but the server does not know it. */
export interface UnmadeDevice extends Unsigned {
  readonly kind: "unmade";
}

/** The server knows it; no identity has signed it. */
export interface MadeDevice extends Unsigned {
  readonly kind: "made";
}

/** The ghost's identity has signed it; its keys exist only here. */
export interface SignedDevice extends Signed {
  readonly kind: "signed";
}

/** The identity's secrets are in secret storage on the server, and the room keys in the backup. */
export interface SecuredDevice extends Signed {
  readonly kind: "secured";
}

/** A replacement was requested, or its store went back in time. */
export interface OutdatedDevice extends DevicePlace {
  readonly kind: "to be replaced";
  /** Whether only this device's store has the identity's secrets. */
  readonly hasOnlyIdentity: boolean;
}

/** The bridge lacks the secrets of the identity that should sign it, until somebody provides them. */
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

/** The way of signing a device: by a new identity, by an existing one, or not at all. */
export type Signing = "new identity" | "restored identity" | "identity elsewhere" | "identity refused";

/**
 * The state that a record describes. A device that the server does not know is never signed, whatever the record says.
 */
export function deviceStateOf(record: DeviceRecord): DeviceState {
  const { deviceId, accessToken, since, replaces, restore, resetIdentity, secured: isIdentityKept } = record;
  if (record.renew) return outdated(record);
  const place = { deviceId, accessToken, since };
  const unsigned = { ...place, replaces, restore, resetIdentity, isIdentityKept };
  if (!record.deviceMade) return { kind: "unmade", ...unsigned };
  if (!record.crossSigned) return { kind: "made", ...unsigned };
  return { kind: isIdentityKept ? "secured" : "signed", ...place, replaces, restore };
}

/** A record's device that must be replaced. */
export function outdated({ deviceId, accessToken, since, crossSigned, secured }: DeviceRecord): OutdatedDevice {
  return { kind: "to be replaced", deviceId, accessToken, since, hasOnlyIdentity: crossSigned && !secured };
}

/**
 * The state of a made device after signing. A new identity's secrets exist nowhere else; an existing one brings its
 * backup. Where the homeserver takes no identity, the device goes on without a signature, like a signed one.
 */
export function afterSigning(device: MadeDevice, signing: Signing): SignedDevice | SecuredDevice | OrphanedDevice {
  const { deviceId, accessToken, since, replaces, restore, isIdentityKept } = device;
  const place = { deviceId, accessToken, since };
  switch (signing) {
    case "identity elsewhere":
      return { kind: "orphaned" };
    case "new identity":
      return { kind: "signed", ...place, replaces, restore };
    case "identity refused":
      return { kind: isIdentityKept ? "secured" : "signed", ...place, replaces, restore };
    case "restored identity":
      return { kind: isIdentityKept ? "secured" : "signed", ...place, replaces, restore: true };
  }
}
