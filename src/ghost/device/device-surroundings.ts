import type { VerificationMode, TrustLevel } from "../../config/config.ts";
import type { Semaphore } from "../../concurrency/semaphore.ts";
import type { CryptoStore } from "../../crypto/store/crypto-store.ts";
import type { TargetIn } from "../../crypto/verification-messages.ts";
import type { Database } from "../../database/database.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import type { JsonObject } from "../../matrix/json.ts";
import type { Mailbox } from "../../mailbox/mailbox.ts";
import type { Memberships } from "../../mailbox/memberships.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { Permissions } from "../../permissions/permissions.ts";
import type { MasterKey } from "../../sealing/master-key.ts";
import type { DeviceMaker } from "./device-maker.ts";
import type { VerificationEnded } from "./ghost-verifications.ts";

/** The surroundings of all ghosts' devices. */
export interface DeviceSurroundings {
  readonly database: Database;
  readonly client: HomeserverClient;
  readonly cryptoStore: CryptoStore;
  readonly deviceMaker: DeviceMaker;
  readonly masterKey: MasterKey;
  readonly mailbox: Pick<Mailbox, "keysArrived">;
  /** Limits the devices that are in a /sync at once. */
  readonly syncing: Semaphore;
  readonly permissions: Permissions;
  /** Tells which of some people share a room with a ghost. */
  readonly memberships: Pick<Memberships, "neighbours">;
  /** The trust that a ghost requires in a room. */
  readonly trustIn: (userId: string, roomId: string) => { readonly read: TrustLevel };
  /** The one who confirms verifications on the agents' side. */
  readonly verification: VerificationMode;
  /** The age at which room keys are forgotten, in ms; undefined: never. */
  readonly forgetKeysAfterMs: number | undefined;
  readonly metrics?: Metrics | undefined;
}

/** The questions and reports of a device to its ghost. */
export interface DeviceOwner {
  /** The name that people see; undefined leaves our default name. */
  readonly displayName: () => string | undefined;
  /** The recipients of the ghost's messages in a room. */
  readonly targetIn: TargetIn;
  /** Takes a to-device message that is the ghost's own business and not the engine's; returns whether it is one. */
  readonly heard: (message: JsonObject) => boolean;
  /** Called when keys for waiting mail have come. */
  readonly wake: () => void;
  /** Called when a verification has ended. */
  readonly verified: VerificationEnded;
  /** Called when the ghost's identity has signed its device. */
  readonly signed: () => Promise<void>;
}
