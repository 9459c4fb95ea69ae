import type { AuditLog } from "../audit/audit-log.ts";
import type { CryptoStore } from "../crypto/store/crypto-store.ts";
import type { EncryptionMode, Trust, VerificationMode } from "../config/config.ts";
import type { Database } from "../database/database.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import type { Mailbox } from "../mailbox/mailbox.ts";
import type { MasterKey } from "../sealing/master-key.ts";
import type { InviteQuota } from "../permissions/invite-quota.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { Words } from "../language/words.ts";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Rooms } from "../rooms/rooms.ts";
import type { KnownMembers } from "./known-members.ts";
import type { EventHandler } from "./event-handler.ts";
import type { NoticeWriter } from "./notice-writer.ts";
import type { GhostStore } from "./ghost-store.ts";
import type { MissingKeys } from "./missing-keys.ts";
import type { Outbox } from "./outbox.ts";
import type { Profile } from "./profile.ts";
import type { Semaphore } from "../concurrency/semaphore.ts";
import type { TrustNotices } from "./trust-notices.ts";

/** What every ghost works with. */
export interface GhostServices {
  readonly database: Database;
  readonly audit: AuditLog;
  readonly client: HomeserverClient;
  /** This process's number, which owns the ghosts' leases. */
  readonly process: number;
  readonly mailbox: Mailbox;
  readonly rooms: Rooms;
  readonly store: GhostStore;
  readonly outbox: Outbox;
  readonly missingKeys: MissingKeys;
  readonly trustNotices: TrustNotices;
  readonly knownMembers: KnownMembers;
  readonly cryptoStore: CryptoStore;
  readonly masterKey: MasterKey;
  readonly handler: EventHandler;
  readonly notices: NoticeWriter;
  /** A place for each ghost that is loaded. */
  readonly places: Semaphore;
  /** How many may be loading at once. */
  readonly loading: Semaphore;
  /** How many may be in a /sync at once: a thousand ghosts that all hear of one thing must not storm the server. */
  readonly syncing: Semaphore;
  /** Held by an item that may have ended the process, while it is tried again. */
  readonly suspects: Semaphore;
  /** Called when a ghost has been loaded: turns that a former owner left can go on. */
  readonly loaded: (userId: string) => void;
  /** Called when a ghost may be needed no more: somebody may be waiting for its place. */
  readonly unneeded: () => void;
  /** Called when another process turned out to have a ghost that was woken here. */
  readonly elsewhere: (userId: string) => void;
  /** How a ghost is to look; undefined leaves it as it is. */
  readonly profileOf: (userId: string) => Profile | undefined;
  readonly mode: EncryptionMode;
  /** Room keys that are older are forgotten, in ms; undefined: never. */
  readonly forgetKeysAfterMs: number | undefined;
  /** Who confirms verifications on the agents' side. */
  readonly verification: VerificationMode;
  /** Whom a ghost trusts in a room. */
  readonly trustIn: (userId: string, roomId: string) => Trust;
  /** Asked before anything that somebody wants of a ghost. */
  readonly permissions: Permissions;
  /** Whether a user is one of the bridge's own. */
  readonly isGhost: (userId: string) => boolean;
  readonly invites: InviteQuota;
  /** What is said where there is no room yet to say it in. */
  readonly words: () => Words;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
}
