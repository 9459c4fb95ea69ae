import type { VerificationMode, TrustLevel } from "../../config/config.ts";
import type { Semaphore } from "../../concurrency/semaphore.ts";
import type { CryptoStore } from "../../crypto/store/crypto-store.ts";
import type { TargetIn } from "../../crypto/verification-messages.ts";
import type { Database } from "../../database/database.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import type { Mailbox } from "../../mailbox/mailbox.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { Permissions } from "../../permissions/permissions.ts";
import type { MasterKey } from "../../sealing/master-key.ts";
import type { VerificationEnded } from "./ghost-verifications.ts";

/** What the devices of all ghosts work with. */
export interface DeviceSurroundings {
  readonly database: Database;
  readonly client: HomeserverClient;
  readonly cryptoStore: CryptoStore;
  readonly masterKey: MasterKey;
  readonly mailbox: Pick<Mailbox, "keysArrived">;
  /** How many may be in a /sync at once. */
  readonly syncing: Semaphore;
  readonly permissions: Permissions;
  /** Tells who of some people is in a room with a ghost. */
  readonly store: { neighbours(ghost: string, people: readonly string[]): Promise<readonly string[]> };
  /** Whom a ghost trusts in a room. */
  readonly trustIn: (userId: string, roomId: string) => { readonly read: TrustLevel };
  /** Who confirms verifications on the agents' side. */
  readonly verification: VerificationMode;
  /** Room keys that are older are forgotten, in ms; undefined: never. */
  readonly forgetKeysAfterMs: number | undefined;
  readonly metrics?: Metrics | undefined;
}

/** What a device asks of its ghost, and tells it. */
export interface DeviceOwner {
  /** The name that people see; undefined leaves the device with a name of ours. */
  readonly displayName: () => string | undefined;
  /** For whom the ghost encrypts in a room. */
  readonly targetIn: TargetIn;
  /** Called when keys have come that mail was waiting for. */
  readonly wake: () => void;
  /** Called when a verification has ended. */
  readonly verified: VerificationEnded;
  /** Called when the ghost's identity has signed its device. */
  readonly signed: () => Promise<void>;
}
