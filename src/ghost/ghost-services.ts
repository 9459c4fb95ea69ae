import type { AuditLog } from "../audit/audit-log.ts";
import type { CryptoStore } from "../crypto/store/crypto-store.ts";
import type { EncryptionMode, Trust, VerificationMode } from "../config/config.ts";
import type { Database } from "../database/database.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import type { Mailbox } from "../mailbox/mailbox.ts";
import type { Memberships } from "../mailbox/memberships.ts";
import type { MasterKey } from "../sealing/master-key.ts";
import type { InviteQuota } from "../permissions/invite-quota.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { Words } from "../language/words.ts";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Rooms } from "../rooms/rooms.ts";
import type { RoomSettingsStore } from "../rooms/settings-store.ts";
import type { DeviceMaker } from "./device/device-maker.ts";
import type { KnownMembers } from "./known-members.ts";
import type { EventHandler } from "./event-handler.ts";
import type { NoticeWriter } from "./notice-writer.ts";
import type { GhostStore } from "./ghost-store.ts";
import type { MissingKeys } from "./missing-keys.ts";
import type { Outbox } from "./outbox.ts";
import type { Profile } from "./profile.ts";
import type { KeyedSerial } from "../concurrency/serial.ts";
import type { Semaphore } from "../concurrency/semaphore.ts";
import type { TrustNotices } from "./trust-notices.ts";

/** The limits that all ghosts of a process share. */
export interface GhostLimits {
  /** Limits the loaded ghosts. */
  readonly loadedAtOnce: Semaphore;
  /** Limits the ghosts that are loading at once. */
  readonly loading: Semaphore;
  /**
   * Limits the ghosts that are in a /sync at once: a thousand ghosts with the same news must not overload the server.
   */
  readonly syncing: Semaphore;
  /**
   * Lets one ghost at a time join a room. The server does no more either, and would keep hundreds of calls waiting until
   * they time out.
   */
  readonly joining: KeyedSerial;
  /** Held by an item that may have ended the process, during its next attempt. */
  readonly suspects: Semaphore;
}

/** The operator's rules of encryption, as ghosts keep them. */
export interface EncryptionRules {
  readonly mode: EncryptionMode;
  /** The age at which room keys are forgotten, in ms; undefined: never. */
  readonly forgetKeysAfterMs: number | undefined;
  /** The one who confirms verifications on the agents' side. */
  readonly verification: VerificationMode;
  /** The trust that a ghost requires in a room. */
  readonly trustIn: (userId: string, roomId: string) => Trust;
}

/** The surroundings of every ghost. */
export interface GhostServices extends GhostLimits, EncryptionRules {
  readonly database: Database;
  readonly audit: AuditLog;
  readonly client: HomeserverClient;
  /** The number of this process, which owns the ghosts' leases. */
  readonly process: number;
  readonly mailbox: Mailbox;
  readonly rooms: Rooms;
  /** The rooms' own settings. */
  readonly roomSettings: Pick<RoomSettingsStore, "get">;
  readonly store: GhostStore;
  readonly memberships: Memberships;
  readonly outbox: Outbox;
  readonly missingKeys: MissingKeys;
  readonly trustNotices: TrustNotices;
  readonly knownMembers: KnownMembers;
  readonly cryptoStore: CryptoStore;
  readonly deviceMaker: DeviceMaker;
  readonly masterKey: MasterKey;
  readonly handler: EventHandler;
  readonly notices: NoticeWriter;
  /** Called when a ghost has been loaded: turns that a former owner left can continue. */
  readonly loaded: (userId: string) => void;
  /** Called when a ghost may no longer be needed: somebody may be waiting for its place. */
  readonly unneeded: () => void;
  /** Called when a ghost that was woken here turned out to belong to another process. */
  readonly elsewhere: (userId: string) => void;
  /** The profile that a ghost should have; undefined leaves it unchanged. */
  readonly profileOf: (userId: string) => Profile | undefined;
  /** Asked before a ghost does anything for a user. */
  readonly permissions: Permissions;
  /** Whether a user is one of the bridge's own. */
  readonly isGhost: (userId: string) => boolean;
  readonly invites: InviteQuota;
  /** The phrases for use outside rooms. */
  readonly words: () => Words;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
}
